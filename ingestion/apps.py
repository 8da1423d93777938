from django.apps import AppConfig


class IngestionConfig(AppConfig):
    name = "ingestion"

    def ready(self) -> None:
        from bots.signals import bot_purging
        from ingestion.uploads import delete_uploads_of_bot

        bot_purging.connect(delete_uploads_of_bot, dispatch_uid="ingestion.uploads")
