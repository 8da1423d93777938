"""How a bot speaks: from its owner's choices to sentences of the prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bots.engines.sampling import SamplingWish
from bots.languages import LANGUAGES
from bots.models import Bot

# What each choice adds to the rules. An empty one adds nothing.
TONES: dict[str, str] = {
    Bot.Tone.NEUTRAL: "",
    Bot.Tone.SUPPORT: (
        "You are patient and friendly, as in good customer support. Where something must be done, "
        "give the steps as a numbered list."
    ),
    Bot.Tone.SALES: (
        "You are warm and to the point, as a good adviser in a shop. Say what fits the visitor's "
        "need and why; promise nothing that the passages do not say."
    ),
    Bot.Tone.DOCUMENTATION: (
        "You are exact and sober, as good documentation. Keep names, options and code as they are "
        "written in the passages, code in code blocks."
    ),
    Bot.Tone.SUMMARY: (
        "You summarise: the answer first, in one sentence, then at most five short bullet points."
    ),
}

LENGTHS: dict[str, str] = {
    Bot.AnswerLength.SHORT: "Answer in one to three sentences.",
    Bot.AnswerLength.MEDIUM: "Answer briefly and to the point.",
    Bot.AnswerLength.LONG: "Answer thoroughly: cover everything the passages say on the question.",
}

# The longest answer of each length, in tokens, where the owner set no number.
ANSWER_TOKENS: dict[str, int] = {
    Bot.AnswerLength.SHORT: 256,
    Bot.AnswerLength.MEDIUM: 512,
    Bot.AnswerLength.LONG: 1024,
}


@dataclass(frozen=True, slots=True)
class Persona:
    """What of the bot goes into the prompt. `language` is a tag, "" the question's own."""

    name: str
    instructions: str
    refusal_text: str
    tone: str = Bot.Tone.NEUTRAL
    answer_length: str = Bot.AnswerLength.MEDIUM
    language: str = ""

    @classmethod
    def of(cls, bot: Bot) -> Self:
        return cls(
            name=bot.name,
            instructions=bot.instructions,
            refusal_text=bot.refusal_text,
            tone=bot.tone,
            answer_length=bot.answer_length,
            language=bot.answer_language,
        )

    @property
    def style(self) -> tuple[str, ...]:
        """Sentences on language, length and tone, in the order in which they are told."""
        language = (
            f"Always answer in {LANGUAGES[self.language].name}, whatever the question's language."
            if self.language in LANGUAGES
            else "Answer in the language of the question."
        )
        sentences = (language, LENGTHS.get(self.answer_length, ""), TONES.get(self.tone, ""))
        return tuple(sentence for sentence in sentences if sentence)


def wish_of(bot: Bot) -> SamplingWish:
    """What the bot's owner asks of any engine's sampling."""
    tokens = bot.max_answer_tokens or ANSWER_TOKENS.get(bot.answer_length)
    return SamplingWish(bot.temperature, bot.top_p, tokens)
