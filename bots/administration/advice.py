"""What an engine's owner can do about the code of a failed probe or trial."""

from __future__ import annotations

_ADVICE = {
    "engine_unavailable": "The server does not answer. Is it running, and is the address right?",
    "engine_timeout": "The server is reached, but says nothing in time. It may be loading its "
    "model, or be overloaded.",
    "engine_overloaded": "The server is full. Lower “At most at once”, or add another engine.",
    "engine_rejected": "The server refuses such requests. Check its kind, the model's name and the "
    "secret.",
    "engine_interrupted": "The server broke off in the middle of an answer. Its log says why.",
    "engine_failed": "The server reported an error of its own. Its log says why.",
    "secret_unreadable": "The stored secret cannot be read, because the server's secret key has "
    "changed. Type it again.",
    "chat_template_invalid": "The chat template cannot write this conversation. Use its preview.",
    "url_not_allowed": "The address leads into a network that is closed to addresses that people "
    "type. The operator can open it with BOTFACTORY_ALLOWED_NETWORKS.",
    "dns_failed": "No server was found under this name. Check the spelling of the address.",
    "tls_failed": "The secure connection failed: the certificate is expired, self-signed or made "
    "for another name.",
}
_OTHER = "The server does not work as it should. Try it with “Test”."


def advice_for(code: str) -> str:
    """A sentence for people; "" without a code."""
    return _ADVICE.get(code, _OTHER) if code else ""
