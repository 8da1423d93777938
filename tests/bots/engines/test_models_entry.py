from __future__ import annotations

import json

import pytest

from bots.engines.base import ChatTurn
from bots.engines.chat_templates import TemplateMode, check_template, render
from bots.engines.errors import ModelsEntryInvalid
from bots.engines.models_entry import ModelEndpoint, ModelParameters, parse_models_entry
from bots.engines.relaxed_json import RelaxedJsonError, loads

TURNS = (
    ChatTurn("system", "Be brief."),
    ChatTurn("user", "Hi"),
    ChatTurn("assistant", "Hello."),
    ChatTurn("user", "Which day is it?"),
)
CLASSIC = """MODELS=`[
  {
    # the model of the first months
    "name": "OpenAssistant/oasst-sft-4-pythia-12b-epoch-3.5",
    "displayName": "Open Assistant",
    "description": "A good alternative", // to something
    "datasetName": "OpenAssistant/oasst1",
    "userMessageToken": "<|prompter|>",
    "assistantMessageToken": "<|assistant|>",
    "messageEndToken": "</s>",
    "preprompt": "Below is a dialogue.\\n-----\\n",
    "promptExamples": [
      { "title": "Write an email", "prompt": "As a restaurant owner, ...", },
    ],
    endpoints: [
      {url: 'https://one.example.com/generate_stream', authorization: 'Bearer hf_one', weight: 2},
      {"type": "openai", "baseURL": "https://two.example.com/v1", "apiKey": "sk-two"},
      {"url": "https://three.example.com", "headers": {"X-Api-Key": "three"}},
      {"host": "ollama", "url": "http://four.example.com:11434", "ollamaName": "mistral"},
    ],
    "parameters": {
      "temperature": 0.9,
      "top_p": 0.95,
      "repetition_penalty": 1.2,
      "top_k": 50,
      "truncate": 1000,
      "max_new_tokens": 1024,
      "stop": ["</s>"], /* more
      than one line */
    },
  },
]`
"""


def one(**fields: object) -> str:
    return json.dumps([{"name": "m", **fields}])


def test_a_classic_entry_lands_with_all_its_fields() -> None:
    (entry,) = parse_models_entry(CLASSIC)
    assert entry.name == "OpenAssistant/oasst-sft-4-pythia-12b-epoch-3.5"
    assert entry.display_name == "Open Assistant"
    assert entry.description == "A good alternative"
    assert entry.parameters == ModelParameters(0.9, 0.95, 1.2, 50, 1000, 1024, ("</s>",))
    assert entry.endpoints == (
        ModelEndpoint("https://one.example.com", "tgi", 2, "Authorization", "hf_one"),
        ModelEndpoint("https://two.example.com/v1", "openai", 1, "Authorization", "sk-two"),
        ModelEndpoint("https://three.example.com", "tgi", 1, "X-Api-Key", "three"),
        ModelEndpoint("http://four.example.com:11434", "openai", model="mistral"),
    )
    assert entry.template.mode is TemplateMode.TOKENS
    assert render(entry.template, TURNS[1:]) == (
        "Below is a dialogue.\n-----\n<|prompter|>Hi</s><|assistant|>Hello.</s>"
        "<|prompter|>Which day is it?</s><|assistant|>",
        ("</s>", "<|prompter|>"),
    )


def test_secrets_are_not_shown_when_an_entry_is_printed() -> None:
    assert "hf_one" not in repr(parse_models_entry(CLASSIC))


def test_an_entry_without_tokens_keeps_the_servers_own_template() -> None:
    (entry,) = parse_models_entry('{"name": "m"}')
    assert entry.template.mode is TemplateMode.SERVER
    assert entry.parameters == ModelParameters()
    assert entry.endpoints == ()


# From HuggingChat's own list of prompts, in shape: Llama 2, and the default with line breaks.
LLAMA = (
    "<s>[INST] <<SYS>>\n{{preprompt}}\n<</SYS>>\n\n{{#each messages}}{{#ifUser}}{{content}} "
    "[/INST] {{/ifUser}}{{#ifAssistant}}{{content}} </s><s>[INST] {{/ifAssistant}}{{/each}}"
)
DEFAULT = """{{preprompt}}
{{#each messages}}
  {{#ifUser}}{{@root.userMessageToken}}{{content}}{{@root.userMessageEndToken}}{{/ifUser}}
{{/each}}
{{assistantMessageToken}}"""
FIRST = (
    "{{#each messages}}{{#ifUser}}[INST] {{#if @first}}{{#if @root.preprompt}}{{@root.preprompt}}\n"
    "{{/if}}{{/if}}{{content}} [/INST]{{else}}{{content}}</s>{{/ifUser}}{{/each}}"
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (
            LLAMA,
            "<s>[INST] <<SYS>>\nYou help. Be brief.\n<</SYS>>\n\nHi [/INST] Hello. </s><s>[INST] "
            "Which day is it? [/INST] ",
        ),
        (DEFAULT, "You help. Be brief.\n  <u>Hi</u>\n  \n  <u>Which day is it?</u>\n<a>"),
        (
            FIRST,
            "[INST] You help. Be brief.\nHi [/INST]Hello.</s>[INST] Which day is it? [/INST]",
        ),
        (
            "{% for m in messages %}{{ m.content }};{% endfor %}",
            "Be brief.;Hi;Hello.;Which day is it?;",
        ),
    ],
)
def test_a_prompt_template_of_its_own_is_taken_over(template: str, text: str) -> None:
    tokens = {"userMessageToken": "<u>", "userMessageEndToken": "</u>"}
    tokens["assistantMessageToken"] = "<a>"
    (entry,) = parse_models_entry(
        one(preprompt="You help. ", chatPromptTemplate=template, **tokens)
    )
    assert entry.template.mode is TemplateMode.JINJA
    check_template(entry.template)
    assert render(entry.template, TURNS)[0] == text


def test_text_around_handlebars_stays_text() -> None:
    source = "'\"\\ {{#each messages}}{{content}}\n\n é 🙂{{/each}}"
    (entry,) = parse_models_entry(one(chatPromptTemplate=source))
    assert render(entry.template, TURNS[1:2])[0] == "'\"\\ Hi\n\n é 🙂"


@pytest.mark.parametrize(
    "template",
    [
        "{{#unless x}}a{{/unless}}",
        "{{> partial}}",
        "{{webSearchContent}}",
        "{{lookup . 'constructor'}}",
        "{{content}}",
        "{{#each messages}}",
        "{{/each}}",
        "{{#each messages}}{{else}}{{/each}}",
        "{{~#each messages}}{{/each}}",
        "{{#each messages}}{{#ifUser}}{{/each}}{{/ifUser}}",
        "{# comment #}{{preprompt}}",
        "{{__proto__}}",
        "{{{{raw}}}}",
    ],
)
def test_handlebars_beyond_that_is_refused(template: str) -> None:
    with pytest.raises(ModelsEntryInvalid, match="Write the template as Jinja"):
        parse_models_entry(one(chatPromptTemplate=template))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "no name"),
        ({"name": 7}, "name must be a text"),
        ({"userMessageToken": ["<u>"]}, "userMessageToken must be a text"),
        ({"preprompt": "x" * 20_001}, "preprompt"),
        ({"chatPromptTemplate": "x" * 64_001}, "chatPromptTemplate is too long"),
        ({"parameters": []}, "parameters must be an object"),
        ({"parameters": {"temperature": "hot"}}, "temperature must be a number"),
        ({"parameters": {"temperature": True}}, "temperature must be a number"),
        ({"parameters": {"top_k": 1.5}}, "top_k must be a whole number"),
        ({"parameters": {"max_new_tokens": -1}}, "max_new_tokens must be a whole number"),
        ({"parameters": {"stop": "</s>"}}, "stop must be a list"),
        ({"endpoints": {}}, "endpoints must be a list"),
        ({"endpoints": ["https://x"]}, "must hold objects"),
        ({"endpoints": [{}] * 51}, "endpoints must be a list of at most 50"),
        ({"endpoints": [{}]}, "endpoints 1: url is missing"),
        ({"endpoints": [{"url": "u", "type": "aws"}]}, "type must be"),
        ({"endpoints": [{"url": "u", "authorization": "Basic abc"}]}, "authorization must read"),
        ({"endpoints": [{"url": "u", "headers": {"A": "1", "B": "2"}}]}, "may name one header"),
        (
            {"endpoints": [{"url": "u", "accessToken": "t", "headers": {"B": "2"}}]},
            "must not stand beside",
        ),
    ],
)
def test_a_field_that_cannot_be_taken_over_is_named(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ModelsEntryInvalid) as caught:
        parse_models_entry(one(**fields))
    assert words in caught.value.public_message


@pytest.mark.parametrize(
    "text",
    [
        one(endpoints=[{"url": "https://x", "authorization": "Bearer ${SECRET}"}]),
        one(preprompt="${DATABASE_URL}"),
        one(parameters={"stop": ["${X}"]}),
        '[{"name": "m", "${KEY}": 1}]',
    ],
)
def test_nothing_is_filled_in_from_the_environment(text: str) -> None:
    with pytest.raises(ModelsEntryInvalid, match="Nothing is filled in"):
        parse_models_entry(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1"),
        ("[]", "1 to 100"),
        ("[7]", "not an object"),
        (json.dumps([{"name": "m"}] * 101), "1 to 100"),
        ('[{"name": "m"}\n\n{}]', "line 3"),
        ('[{"name": "m\n', "line 1 has a stray"),
        ("[" * 100_000, "nested too deeply"),
        ('{"name": NaN}', "NaN is not a number"),
        ("x" * 500_001, "500,000"),
    ],
)
def test_text_that_is_no_list_of_models_is_refused(text: str, words: str) -> None:
    with pytest.raises(ModelsEntryInvalid) as caught:
        parse_models_entry(text)
    assert words in caught.value.public_message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a: 1, 'b': 'it\\'s \"so\"', \"c\": [1, 2,],}", {"a": 1, "b": 'it\'s "so"', "c": [1, 2]}),
        ('["http://x//y", "#no", "/* no */", "a,]"]', ["http://x//y", "#no", "/* no */", "a,]"]),
        ('"a\\\nb"', "ab"),
        ('"\\x41 \\u0041 \\n"', "x41 A \n"),
        ("// one\n# two\n/* three */ true", True),
        ("-1.5e3", -1500.0),
    ],
)
def test_relaxed_json_is_read_as_people_mean_it(text: str, value: object) -> None:
    assert loads(text) == value


@pytest.mark.parametrize("text", ["[1,,]", "'open", "/* open", "{a b: 1}", "undefined"])
def test_what_is_not_even_relaxed_json_is_refused(text: str) -> None:
    with pytest.raises(RelaxedJsonError):
        loads(text)
