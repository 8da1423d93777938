from django.apps import AppConfig


class BotFactoryConfig(AppConfig):
    name = "botfactory"
    verbose_name = "BotFactory"

    def ready(self) -> None:
        from botfactory import celery, checks  # noqa: F401  (register on import)
