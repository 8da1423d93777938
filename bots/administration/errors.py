from __future__ import annotations

from botfactory.errors import Conflict, InvalidInput

MAX_ENGINES = 50


class EngineAddressRefused(InvalidInput):
    """The address cannot be an engine's, or is not open to whoever typed it."""

    code = "engine_address_refused"
    default_message = (
        "This address cannot be used for an engine. Write it like https://llm.example.com/v1."
    )


class TooManyEngines(Conflict):
    code = "too_many_engines"
    default_message = (
        f"A workspace may have {MAX_ENGINES} engines. Delete one that is no longer needed."
    )
