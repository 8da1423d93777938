"""Where an engine may be.

What is checked while a row is saved is a courtesy, so that people learn at once what will not work.
The decision falls at the socket (`botfactory.lib.safe_http`), by `policy_for`.
"""

from __future__ import annotations

from ipaddress import ip_address

from yarl import URL

from botfactory.lib import outgoing, safe_http
from bots.administration.errors import EngineAddressRefused
from bots.models import Engine

MAX_URL_CHARS = 500
PRIVATE = (
    "This address is inside a private network, which is closed to addresses that people type. "
    "The operator of this server can open it with BOTFACTORY_ALLOWED_NETWORKS, or add the engine "
    "for the whole server."
)
_PLACEHOLDER = frozenset("${}<>%`")
_INSIDE = (".internal", ".intranet", ".lan", ".local", ".localhost", ".home.arpa", ".svc")


def policy_for(engine: Engine) -> safe_http.Policy:
    """What the connections to `engine` may reach: a workspace's engine less than the server's."""
    return _policy(is_server_wide=engine.workspace_id is None)


def check_engine_url(text: str, *, is_server_wide: bool) -> str:
    """The address as it is stored: without a slash at its end. Raises EngineAddressRefused.

    Nothing in it is ever substituted.
    """
    if not text.strip() or len(text) > MAX_URL_CHARS:
        raise _refused(EngineAddressRefused.default_message)
    _refuse_extras(text)
    try:
        url = safe_http.parse_url(text)
    except safe_http.FetchError as exc:
        raise _refused(exc.public_message) from exc
    _refuse_closed(url, _policy(is_server_wide=is_server_wide))
    return str(url).rstrip("/")


def origin_of(url: str) -> tuple[str, str, int]:
    """Whom a stored address reaches. A secret belongs to one of these."""
    return safe_http.origin_of(URL(url))


def _policy(*, is_server_wide: bool) -> safe_http.Policy:
    return outgoing.operator_policy() if is_server_wide else outgoing.people_policy()


def _refuse_extras(text: str) -> None:
    if _PLACEHOLDER & set(text):
        raise _refused(
            "Write the address out: placeholders such as ${NAME} are not filled in here."
        )
    if "?" in text:
        raise _refused(
            "Leave out everything from the ? on. A key belongs into the field for the secret, "
            "which is stored encrypted."
        )
    if "#" in text:
        raise _refused("Leave out everything from the # on.")


def _refuse_closed(url: URL, policy: safe_http.Policy) -> None:
    host, port = url.raw_host or "", url.port or 0
    if _is_numeric(host):
        try:
            safe_http.check_address(host, port, policy)
        except safe_http.UrlNotAllowed as exc:
            raise _refused(PRIVATE if port in policy.allowed_ports else _closed(port)) from exc
    elif policy.allowed_networks:
        return  # whether the name lies in one of them is seen when it is dialled
    elif _is_inside(host):
        raise _refused(PRIVATE)
    elif port not in policy.allowed_ports:
        raise _refused(_closed(port))


def _closed(port: int) -> str:
    return (
        f"Port {port} is closed to addresses that people type. The operator of this server can "
        "open it with BOTFACTORY_ALLOWED_PORTS, or a private network with "
        "BOTFACTORY_ALLOWED_NETWORKS."
    )


def _is_numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_inside(host: str) -> bool:
    name = host.rstrip(".").lower()
    return "." not in name or name.endswith(_INSIDE)


def _refused(message: str) -> EngineAddressRefused:
    return EngineAddressRefused(message, fields={"url": [message]})
