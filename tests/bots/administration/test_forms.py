from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from bots.administration.sampling_table import KNOWN
from bots.engine_forms import EngineForm, escape, unescape
from bots.engines.sampling import NUMBERS
from bots.models import Engine

PLAIN = {
    "name": "Big one",
    "kind": "openai",
    "url": "https://llm.example.com/v1",
    "secret_header": "Authorization",
    "weight": "1",
    "max_concurrent": "32",
    "template_mode": "server",
    "is_enabled": "on",
}


def sent(**fields: Any) -> QueryDict:
    data = QueryDict(mutable=True)
    data.update({**PLAIN, **fields})
    return data


def fields_of(**fields: Any) -> dict[str, Any]:
    form = EngineForm(sent(**fields), places=["workspace"])
    assert form.is_valid(), form.errors
    return form.service_fields()


def test_every_number_of_the_engines_has_a_line_in_the_table() -> None:
    assert set(KNOWN) == set(NUMBERS)


@pytest.mark.parametrize(
    "text", ["", "<|user|>\n", "\\n is not a line end", "a\tb\r\n", " spaces ", "\\", "\\\n\\\\"]
)
def test_a_token_comes_back_as_it_was(text: str) -> None:
    assert "\n" not in escape(text)
    assert unescape(escape(text)) == text


def test_tokens_keep_their_spaces_and_line_ends() -> None:
    fields = fields_of(
        template_mode="tokens",
        token_user="<|user|>\\n ",
        token_stop="\\nUser:\r\n</s>\r\n",
        token_preprompt="Two\r\nlines",
        chat_template="{% x %}\r\n  y\r\n",
    )
    assert fields["template_tokens"] == {
        "userMessageToken": "<|user|>\n ",
        "preprompt": "Two\nlines",
        "stop": ["\nUser:", "</s>"],
    }
    assert fields["chat_template"] == "{% x %}\n  y\n"


def test_numbers_that_are_left_empty_are_not_there() -> None:
    fields = fields_of(
        sampling_temperature="0", sampling_top_p_low="0.5", sampling_max_new_tokens_high="256"
    )
    assert fields["sampling"] == {"temperature": 0}
    assert fields["sampling_ranges"] == {"top_p": [0.5, 1], "max_new_tokens": [1, 256]}
    assert isinstance(fields["sampling_ranges"]["max_new_tokens"][0], int)


def test_an_empty_secret_keeps_the_stored_one() -> None:
    engine = Engine(secret_encrypted="x")
    form = EngineForm(sent(), engine=engine)
    assert form.is_valid()
    assert "secret" not in form.service_fields()
    form = EngineForm(sent(removes_secret="on"), engine=engine)
    assert form.is_valid()
    assert form.service_fields()["secret"] == ""
    form = EngineForm(sent(removes_secret="on", secret="new"), engine=engine)
    assert form.is_valid()
    assert form.service_fields()["secret"] == "new"


def test_what_was_typed_as_a_secret_is_not_shown_again() -> None:
    form = EngineForm(sent(secret="hf_typed", name=""), places=["workspace"])
    assert not form.is_valid()
    assert "hf_typed" not in form.as_p()


def test_a_saved_engine_fills_the_form_that_saves_it_the_same() -> None:
    fields = fields_of(
        template_mode="tokens",
        token_user="<|user|>\\n",
        token_stop="\\nUser:",
        sampling_temperature="0.5",
        sampling_top_p_low="0.1",
        sampling_seed="7",
        context_tokens="4096",
    )
    engine = Engine(**fields)
    form = EngineForm(engine=engine)
    shown = QueryDict(mutable=True)
    shown.update(
        {name: bound.value() for name in form.fields if (bound := form[name]).value() is not None}
    )
    again = EngineForm(shown, engine=engine)
    assert again.is_valid(), again.errors
    assert again.service_fields() == fields
