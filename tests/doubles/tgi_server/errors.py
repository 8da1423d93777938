"""The errors of the double, each with the exact reply that the router gives."""

from __future__ import annotations


class RequestError(Exception):
    """An error of a handler: JSON with `error` and `error_type` (D4)."""

    def __init__(self, status: int, error: str, error_type: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.error_type = error_type

    def body(self) -> dict[str, object]:
        return {"error": self.error, "error_type": self.error_type}


class ShapeError(Exception):
    """A body of the wrong shape: plain text, status 422 (D3)."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")


class ConnectionCut(Exception):
    """A planned fault: the TCP connection breaks here."""


class BodyEnd(Exception):
    """A planned fault: the body ends here, well formed but without a final event."""


def validation_error(text: str) -> RequestError:
    return RequestError(422, f"Input validation error: {text}", "validation")


def template_error(text: str) -> RequestError:
    return RequestError(422, f"Template error: {text}", "template_error")


def overloaded() -> RequestError:
    return RequestError(429, "Model is overloaded", "overloaded")


def planned_error(kind: str, *, streamed: bool) -> RequestError:
    """The error of a plan: generation, incomplete, overloaded or validation."""
    if kind == "overloaded":
        return overloaded()
    if kind == "validation":
        return validation_error("planned by the script")
    if kind == "incomplete":
        if streamed:
            error = "Incomplete generation stream"
            return RequestError(500, error, "incomplete_generation_stream")
        return RequestError(500, "Incomplete generation", "incomplete_generation")
    text = "Request failed during generation: Server error: CUDA out of memory"
    return RequestError(424, text, "generation")
