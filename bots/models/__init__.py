from bots.models.bot import Bot
from bots.models.conversation import Citation, Conversation, Message

__all__ = ["Bot", "Citation", "Conversation", "Message"]
