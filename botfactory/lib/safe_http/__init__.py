"""The only way out to the network: every outgoing request of the product passes here."""

from botfactory.lib.safe_http.addresses import check_address, parse_networks
from botfactory.lib.safe_http.errors import (
    ConnectFailed,
    DnsFailed,
    FetchError,
    FetchTimeout,
    ResponseBroken,
    ResponseTooLarge,
    StorageFull,
    TlsFailed,
    TooManyRedirects,
    UrlInvalid,
    UrlNotAllowed,
)
from botfactory.lib.safe_http.fetching import (
    MAX_BYTES,
    TIMEOUT_S,
    DownloadedFile,
    FetchedResponse,
    download,
    fetch,
    post,
)
from botfactory.lib.safe_http.policy import USER_AGENT, Policy, build_user_agent
from botfactory.lib.safe_http.session import open_session
from botfactory.lib.safe_http.urls import join_url, origin_of, parse_url

__all__ = [
    "MAX_BYTES",
    "TIMEOUT_S",
    "USER_AGENT",
    "ConnectFailed",
    "DnsFailed",
    "DownloadedFile",
    "FetchError",
    "FetchTimeout",
    "FetchedResponse",
    "Policy",
    "ResponseBroken",
    "ResponseTooLarge",
    "StorageFull",
    "TlsFailed",
    "TooManyRedirects",
    "UrlInvalid",
    "UrlNotAllowed",
    "build_user_agent",
    "check_address",
    "download",
    "fetch",
    "join_url",
    "open_session",
    "origin_of",
    "parse_networks",
    "parse_url",
    "post",
]
