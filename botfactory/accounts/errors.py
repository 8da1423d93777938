from __future__ import annotations

from botfactory.errors import BotFactoryError, Conflict


class InvitationInvalid(BotFactoryError):
    code = "invitation_invalid"
    status = 400
    default_message = (
        "This invitation is used up, expired, or was sent to another address. Ask for a new one."
    )


class LastOwner(Conflict):
    code = "last_owner"
    default_message = "A workspace needs an owner. Make another member owner first."


class LastOperator(Conflict):
    code = "last_operator"
    default_message = "A server needs an operator. Name another one first."


class LoginLinkInvalid(BotFactoryError):
    code = "login_link_invalid"
    status = 400
    default_message = (
        "This login link was used already or is too old. "
        "Start the server again to get a new one, or sign in with your password."
    )
