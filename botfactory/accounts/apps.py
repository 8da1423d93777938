from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "botfactory.accounts"
    label = "accounts"
