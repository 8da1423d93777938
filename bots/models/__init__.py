from bots.models.bot import Bot
from bots.models.conversation import AnswerTrace, Citation, Conversation, Message
from bots.models.engine import Engine
from bots.models.question_answer import QuestionAnswer
from bots.models.version import BotVersion

__all__ = [
    "AnswerTrace",
    "Bot",
    "BotVersion",
    "Citation",
    "Conversation",
    "Engine",
    "Message",
    "QuestionAnswer",
]
