from bots.models.bot import Bot
from bots.models.conversation import Citation, Conversation, Message
from bots.models.question_answer import QuestionAnswer

__all__ = ["Bot", "Citation", "Conversation", "Message", "QuestionAnswer"]
