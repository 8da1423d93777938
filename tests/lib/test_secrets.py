from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from botfactory.lib import secrets

KEY = "hf_a-key-of-an-engine"


def test_a_secret_comes_back_as_it_was() -> None:
    assert secrets.decrypt(secrets.encrypt(KEY)) == KEY
    assert secrets.decrypt(secrets.encrypt("ключ 🔑")) == "ключ 🔑"


def test_the_token_shows_nothing_and_differs_each_time() -> None:
    first, second = secrets.encrypt(KEY), secrets.encrypt(KEY)
    assert first != second
    assert KEY not in first
    assert first.isascii()


def test_another_secret_key_reads_nothing_and_says_what_to_do(settings: Settings) -> None:
    token = secrets.encrypt(KEY)
    settings.SECRET_KEY = "another key"
    with pytest.raises(secrets.SecretUnreadable) as caught:
        secrets.decrypt(token)
    assert "BOTFACTORY_SECRET_KEY_FALLBACKS" in caught.value.public_message
    assert KEY not in str(caught.value)


def test_a_fallback_reads_what_the_old_key_encrypted(settings: Settings) -> None:
    token, old = secrets.encrypt(KEY), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [old]
    assert secrets.decrypt(token) == KEY


def test_reencrypted_the_old_key_is_needed_no_more(settings: Settings) -> None:
    token, old = secrets.encrypt(KEY), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [old]
    anew = secrets.reencrypt(token)
    settings.SECRET_KEY_FALLBACKS = []
    assert secrets.decrypt(anew) == KEY


@pytest.mark.parametrize("damaged", ["", "nonsense", "gAAAAA", "ü", "\x00"])
def test_a_damaged_token_is_unreadable(damaged: str) -> None:
    with pytest.raises(secrets.SecretUnreadable):
        secrets.decrypt(damaged)


def test_a_changed_token_is_unreadable() -> None:
    token = secrets.encrypt(KEY)
    with pytest.raises(secrets.SecretUnreadable):
        secrets.decrypt(f"{token[:-10]}{'A' * 8}{token[-2:]}")
