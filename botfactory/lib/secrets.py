"""Secrets that have to be read again (keys of engines), encrypted while they are stored.

The encryption key is derived from SECRET_KEY, so that a copy of the database alone tells nothing.
`manage.py reencrypt_secrets` follows a change of that key.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from botfactory.errors import BotFactoryError

# Part of the derivation: another purpose would need another label, and with it another key.
_PURPOSE = b"botfactory.lib.secrets v1"


class SecretUnreadable(BotFactoryError):
    """What is stored was encrypted with another key, or is damaged. Not retryable."""

    code = "secret_unreadable"
    status = 500
    default_message = (
        "A stored secret cannot be read, because the server's secret key has changed. Type the "
        "secret again, or ask the operator to put the old key into "
        "BOTFACTORY_SECRET_KEY_FALLBACKS."
    )


def encrypt(text: str) -> str:
    """`text` as an ASCII token for the database; another one each time."""
    return _keys().encrypt(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """The text behind a token of `encrypt`. Raises SecretUnreadable."""
    try:
        return _keys().decrypt(token.encode()).decode()
    except InvalidToken as exc:
        raise SecretUnreadable from exc


def reencrypt(token: str) -> str:
    """The same text under the newest key. Raises SecretUnreadable."""
    return encrypt(decrypt(token))


def _keys() -> MultiFernet:
    """The newest key first: it encrypts, all of them decrypt."""
    return MultiFernet(
        [_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


def _fernet(secret_key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret_key.encode())))
