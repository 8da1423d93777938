from __future__ import annotations

from botfactory.errors import InvalidInput, NotAuthenticated


class VisitEnded(NotAuthenticated):
    """Expired, forged, for another purpose, or for a bot that no longer takes visitors.

    One error for all of these: the answer must not say which.
    """

    code = "visit_ended"
    default_message = "This chat has expired. Reload it to go on."


class UnsupportedBody(InvalidInput):
    code = "unsupported_media_type"
    status = 415
    default_message = "Send JSON with 'Content-Type: application/json'."
