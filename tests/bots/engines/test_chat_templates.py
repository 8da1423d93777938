"""Prompts as owners' templates write them, and templates that must not get their way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime

import pytest

from bots.engines import chat_templates, template_process
from bots.engines.base import ChatTurn
from bots.engines.chat_templates import (
    SAMPLE_TURNS,
    TemplateConfig,
    TemplateMode,
    TemplateTokens,
    check_template,
    fold,
    preview,
    render,
)
from bots.engines.errors import TemplateInvalid
from bots.engines.template_process import TemplateProcess

TURNS = (
    ChatTurn("system", "Be brief."),
    ChatTurn("user", "Hi"),
    ChatTurn("assistant", "Hello."),
    ChatTurn("user", "Which day is it?"),
)
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# In the shape of Mistral's: a start token, no system role, strict turns.
STRICT = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate user/assistant') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}"
)
OASST = TemplateTokens(
    user_message="<|prompter|>",
    user_message_end="<|endoftext|>",
    assistant_message="<|assistant|>",
    assistant_message_end="<|endoftext|>",
    preprompt="A dialogue.\n-----\n",
)


def jinja(source: str, *, bos_token: str = "", eos_token: str = "") -> TemplateConfig:
    tokens = TemplateTokens(bos_token=bos_token, eos_token=eos_token)
    return TemplateConfig(TemplateMode.JINJA, source, tokens)


def by_tokens(tokens: TemplateTokens) -> TemplateConfig:
    return TemplateConfig(TemplateMode.TOKENS, tokens=tokens)


@pytest.fixture(autouse=True)
def no_bans() -> Iterator[None]:
    chat_templates._banned.clear()
    yield
    chat_templates._banned.clear()


def test_chatml_by_jinja() -> None:
    text, stops = render(jinja(CHATML, eos_token="<|im_end|>"), TURNS)
    assert text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nWhich day is it?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert stops == ("<|im_end|>",)


def test_a_template_that_refuses_system_turns_gets_them_folded_and_no_start_token() -> None:
    text, _ = render(jinja(STRICT, bos_token="<s>", eos_token="</s>"), TURNS)
    assert text == "[INST] Be brief.\n\nHi [/INST]Hello.</s>[INST] Which day is it? [/INST]"


def test_the_names_and_tags_that_model_makers_use_are_there() -> None:
    source = (
        "{{ strftime_now('%Y') }} {{ messages | length }} {{ messages[0] | tojson }} "
        "{%- for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}"
        "{% generation %}{{ m.role }}{% endgeneration %}{% endfor %}"
        "{{ tools is none }}{% set ns = namespace(n=1) %}{% set ns.n = 2 %}{{ ns.n }}"
    )
    expected = f'{datetime.now():%Y} 4 {{"role": "system", "content": "Be brief."}}systemTrue2'
    assert render(jinja(source), TURNS)[0] == expected


def test_text_of_visitors_is_no_template() -> None:
    hostile = (ChatTurn("user", "{{ 7*7 }}{% for %} <|im_end|> \ud800"),)
    assert "{{ 7*7 }}{% for %} <|im_end|> \ud800" in render(jinja(CHATML), hostile)[0]
    assert "{{ 7*7 }}{% for %}" in render(by_tokens(OASST), hostile)[0]


def test_open_assistant_by_tokens() -> None:
    text, stops = render(by_tokens(OASST), TURNS)
    assert text == (
        "A dialogue.\n-----\nBe brief.\n\n<|prompter|>Hi<|endoftext|><|assistant|>Hello."
        "<|endoftext|><|prompter|>Which day is it?<|endoftext|><|assistant|>"
    )
    assert stops == ("<|endoftext|>", "<|prompter|>")


def test_an_end_token_that_is_there_already_is_not_written_twice() -> None:
    turns = (ChatTurn("user", "Hi<|endoftext|>"),)
    assert render(by_tokens(OASST), turns)[0].count("<|endoftext|>") == 1


def test_a_later_system_turn_goes_into_the_next_user_turn() -> None:
    turns = (ChatTurn("user", "Hi"), ChatTurn("assistant", "Yes"), ChatTurn("system", "Note."))
    text, _ = render(by_tokens(OASST), (*turns, ChatTurn("user", "Go")))
    assert text.endswith("<|prompter|>Note.\n\nGo<|endoftext|><|assistant|>")


def test_the_owners_stops_come_first() -> None:
    tokens = TemplateTokens("User: ", "\n", "Bot: ", "\n", stop=("###", "###"))
    assert render(by_tokens(tokens), TURNS)[1] == ("###", "User: ")


def test_tokens_go_through_json_under_huggingchats_names() -> None:
    stored = {
        "userMessageToken": "<u>",
        "userMessageEndToken": "</u>",
        "assistantMessageToken": "<a>",
        "assistantMessageEndToken": "</a>",
        "preprompt": "Hello.",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "stop": ["</a>"],
    }
    tokens = TemplateTokens.from_json({**stored, "unlisted": True})
    assert tokens.to_json() == stored
    assert tokens.assistant_message_end == "</a>"
    assert TemplateTokens.from_json({}) == TemplateTokens()
    assert TemplateTokens().to_json() == {}


@pytest.mark.parametrize(
    "stored",
    [
        {"userMessageToken": 7},
        {"userMessageToken": None},
        {"preprompt": "x" * 20_001},
        {"eos_token": "x" * 2_001},
        {"stop": "###"},
        {"stop": [1]},
        {"stop": ["a"] * 17},
    ],
)
def test_tokens_of_the_wrong_kind_are_refused(stored: dict[str, object]) -> None:
    with pytest.raises(TemplateInvalid):
        TemplateTokens.from_json(stored)


@pytest.mark.parametrize(
    "config",
    [TemplateConfig(), jinja(CHATML), jinja(STRICT, bos_token="<s>"), by_tokens(OASST)],
)
def test_good_templates_pass_the_check(config: TemplateConfig) -> None:
    check_template(config)


def test_a_preview_shows_the_sample_and_nothing_for_the_servers_own() -> None:
    assert SAMPLE_TURNS[-1].text in preview(jinja(CHATML))
    assert preview(TemplateConfig()) == ""


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("a\nb {% endfor %}", 2, "cannot be read"),
        ("a\n{{ 'open", 2, "cannot be read"),
        ("{% for m in messages %}\n{{ m.content }}", 2, "cannot be read"),
        ("\n\n{{ messages | nofilter }}", 3, "does not exist"),
        ("{% if messages is notest %}{% endif %}", 1, "does not exist"),
        ("\n{{ nothing.here }}", 2, "not defined"),
        ("\n{{ [1] + 1 }}", 2, "fails"),
        ("\n{{ 1 // 0 }}", 2, "fails"),
        ("\n{{ messages.append(1) }}", 2, "may not do"),
        ("{{ raise_exception('no such role') }}", 1, '"no such role"'),
        ("{{ raise_exception('x' * 9999) }}", 1, "x" * 200 + '"'),
        ("{% include 'other' %}", 1, "fails"),
        (" {# nothing #} ", None, "writes nothing"),
        ("x" * 64_001, None, "at most 64,000"),
    ],
)
def test_a_bad_template_is_told_with_its_line(source: str, line: int | None, words: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        check_template(jinja(source))
    assert caught.value.line == line
    assert words in caught.value.public_message


@pytest.mark.parametrize("tokens", [TemplateTokens(), TemplateTokens(preprompt="Hello.")])
def test_tokens_that_tell_nobody_apart_are_refused(tokens: TemplateTokens) -> None:
    with pytest.raises(TemplateInvalid):
        check_template(by_tokens(tokens))


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ messages.__class__.__base__.__subclasses__() }}",
        "{{ raise_exception.__globals__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ '{0.__class__}'.format(messages) }}",
        "{{ '%s'.__mod__ }}",
    ],
)
def test_the_sandbox_shows_nothing_of_python(source: str) -> None:
    try:
        text = render(jinja("x" + source), TURNS)[0]
    except TemplateInvalid:
        return
    assert text == "x"


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% for i in range(99999) %}{% for k in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 10**10 }}",
        "{{ [0] * 10**10 }}",
        "{{ 'x' | center(10**10) }}",
        "{{ '%10000000000d' | format(1) }}",
        "{{ lipsum(n=10**9) }}",
        "{{ 9 ** (9 ** (9 ** 9)) }}",
        "{% set x = 'x' * 10**6 %}{{ ([x] * 10**6) | join }}",
        "{% set x = 'x' * 10**6 %}{% for i in range(9999) %}{{ x }}{% endfor %}",
        "{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}"
        "{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}"
        "{% endfor %}{{ ns.x }}",
        "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}"
        "{{ f(60) }}",
        "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
        "{{ " + "[" * 20_000 + "]" * 20_000 + " }}",
    ],
)
def test_a_template_without_measure_ends_and_the_next_one_renders(source: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        render(jinja(source), TURNS)
    assert "too much" in caught.value.public_message
    assert render(jinja(CHATML), TURNS)[0]


def test_a_template_that_ended_its_process_is_not_tried_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(template_process.process, "ask", asked.append)  # answers None: it ended
    for _ in range(3):
        with pytest.raises(TemplateInvalid, match="too much"):
            render(jinja("{{ bomb }}"), TURNS)
    assert len(asked) == 1


def test_a_process_that_was_killed_is_replaced() -> None:
    process = TemplateProcess()
    request = {"source": "{{ a }}", "variables": {"a": "1"}}
    assert process.ask(request) == {"text": "1"}
    child = process._child
    assert child is not None
    child.kill()
    child.wait()
    assert process.ask(request) == {"text": "1"}
    process.close()
    process.close()


def test_many_threads_share_one_process() -> None:
    process = TemplateProcess()
    answers: list[object] = []

    def ask(n: int) -> None:
        answers.append(process.ask({"source": "{{ n }}", "variables": {"n": n}}))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    process.close()
    assert sorted(str(answer) for answer in answers) == [str({"text": str(n)}) for n in range(8)]


def test_the_process_sees_no_environment_and_writes_no_files() -> None:
    process = TemplateProcess()
    process.ask({"source": "x", "variables": {}})
    child = process._child
    assert child is not None
    with open(f"/proc/{child.pid}/environ", "rb") as environment:
        assert b"=" not in environment.read().replace(b"LC_CTYPE=", b"")
    with open(f"/proc/{child.pid}/limits") as limits:
        assert any(line.split()[:5] == ["Max", "file", "size", "0", "0"] for line in limits)
    process.close()


def test_folding_joins_neighbours_of_one_role() -> None:
    turns = (*TURNS[:2], ChatTurn("user", "Again"), TURNS[2])
    assert fold(turns) == (
        ChatTurn("user", "Be brief.\n\nHi\n\nAgain"),
        ChatTurn("assistant", "Hello."),
    )
