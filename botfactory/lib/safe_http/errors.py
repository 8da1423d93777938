"""What can go wrong on the way out, as owners and visitors may see it."""

from __future__ import annotations

from botfactory.errors import BotFactoryError


class FetchError(BotFactoryError):
    """Base of everything `safe_http` raises, so that callers can catch one class."""

    code = "fetch_failed"
    status = 502
    default_message = "The address could not be fetched."


class UrlInvalid(FetchError):
    code = "url_invalid"
    status = 400
    default_message = "This is not a valid web address. Write it like https://www.example.com/page."


class UrlNotAllowed(FetchError):
    """The address is private, reserved or otherwise closed; nothing was dialled."""

    code = "url_not_allowed"
    status = 400
    default_message = (
        "This address is private or reserved, so it is not opened. If it is yours, the operator "
        "of this server can allow its network with BOTFACTORY_ALLOWED_NETWORKS."
    )


class DnsFailed(FetchError):
    code = "dns_failed"
    retryable = True
    default_message = "No server was found under this name. Check the spelling of the address."


class ConnectFailed(FetchError):
    code = "connect_failed"
    retryable = True
    default_message = "The server does not accept connections. Check that the site is online."


class TlsFailed(FetchError):
    code = "tls_failed"
    default_message = (
        "The secure connection failed: the site's certificate is expired, self-signed or made for "
        "another name. Ask the site's owner to renew it. If the site has no https, begin its "
        "address with http://."
    )


class FetchTimeout(FetchError):
    code = "fetch_timeout"
    status = 504
    retryable = True
    default_message = "The server took too long to answer. Try again later."


class ResponseBroken(FetchError):
    """The reply ended early, is not HTTP, or is encoded in a way that cannot be read."""

    code = "response_broken"
    retryable = True
    default_message = "The server sent a damaged reply. Try again later."


class ResponseTooLarge(FetchError):
    code = "response_too_large"
    default_message = "The page is larger than this server reads."


class StorageFull(FetchError):
    """What arrived could not be written down on this machine."""

    code = "storage_full"
    status = 507
    retryable = True
    default_message = (
        "This server has no room left to store what it downloads. Its operator has to make room."
    )


class TooManyRedirects(FetchError):
    code = "too_many_redirects"
    default_message = (
        "The address redirects in a circle or too many times. Enter the address where the page "
        "finally opens in a browser."
    )
