from __future__ import annotations

import json
from typing import Any

import pytest

from botfactory.accounts.access import Actor
from botfactory.accounts.models import AuditEvent
from botfactory.errors import PermissionDenied
from botfactory.lib import secrets
from bots.administration.errors import MAX_ENGINES, TooManyEngines
from bots.administration.importing import PlannedEngine, import_engines, plan_import
from bots.engines.errors import ModelsEntryInvalid
from bots.models import Engine
from tests.bots.administration.conftest import FIELDS

pytestmark = pytest.mark.django_db

TOKEN = "hf_imported-token"
# As HuggingChat's own documentation of the classic form has it.
CLASSIC = """MODELS=`[
  {
    "name": "mistralai/Mistral-7B-Instruct-v0.2",
    "displayName": "Mistral 7B", // what people see
    "userMessageToken": "[INST] ",
    "userMessageEndToken": " [/INST]",
    "assistantMessageEndToken": "</s>",
    "preprompt": "Be brief.\\n",
    "promptExamples": [{"title": "x", "prompt": "y"},],
    "parameters": {
      "temperature": 0.3, "top_p": 0.95, "repetition_penalty": 1.2, "top_k": 50,
      "truncate": 3072, "max_new_tokens": 1024, "stop": ["</s>"],
    },
    "endpoints": [
      {"url": "https://a.example.com/generate_stream", "authorization": "Bearer hf_imported-token",
       "weight": 2},
      {"type": "tgi", "url": "https://b.example.com"},
    ]
  },
  {
    "name": "org/chat", "preprompt": "Be kind.", "userMessageToken": "<u>",
    "endpoints": [{"type": "openai", "baseURL": "https://c.example.com/v1", "apiKey": "sk-1"}],
  },
]`"""


def entry(**fields: Any) -> str:
    return json.dumps([{"name": "m", "endpoints": [{"url": "https://a.example.com"}], **fields}])


def plan(actor: Actor, text: str) -> list[PlannedEngine]:
    return plan_import(actor=actor, text=text, is_server_wide=False)


def test_each_endpoint_of_a_classic_entry_becomes_an_engine(owner: Actor) -> None:
    made = import_engines(actor=owner, text=CLASSIC, is_server_wide=False)
    assert [engine.name for engine in made] == ["Mistral 7B (1)", "Mistral 7B (2)", "org/chat"]
    first, _, third = Engine.objects.order_by("created_at")
    assert (first.workspace, first.kind, first.weight) == (owner.workspace, "tgi", 2)
    assert (first.url, first.model) == ("https://a.example.com", "")
    assert first.context_tokens == 4096
    assert first.sampling == {
        "temperature": 0.3, "top_p": 0.95, "repetition_penalty": 1.2, "top_k": 50,
        "max_new_tokens": 1024,
    }  # fmt: skip
    assert first.template_mode == "tokens"
    assert first.template_tokens == {
        "userMessageToken": "[INST] ",
        "userMessageEndToken": " [/INST]",
        "assistantMessageEndToken": "</s>",
        "preprompt": "Be brief.\n",
        "stop": ["</s>"],
    }
    assert secrets.decrypt(first.secret_encrypted) == TOKEN
    assert (third.kind, third.model) == ("openai", "org/chat")
    assert (third.template_mode, third.template_tokens) == ("server", {})
    assert secrets.decrypt(third.secret_encrypted) == "sk-1"


def test_the_plan_makes_nothing_and_says_what_is_left_out(owner: Actor) -> None:
    first, _, third = plan(owner, CLASSIC)
    assert not Engine.objects.exists()
    assert first.notes == ()
    assert [note.split(":")[0] for note in third.notes] == [
        "Its chat template is left out",
        "Its preprompt is left out",
    ]
    assert TOKEN not in repr(first)


def test_a_handlebars_template_becomes_jinja_to_look_at(owner: Actor) -> None:
    template = "<s>{{#each messages}}{{#ifUser}}[INST] {{content}} [/INST]{{/ifUser}}"
    template += "{{#ifAssistant}}{{content}}</s>{{/ifAssistant}}{{/each}}"
    (planned,) = plan(owner, entry(chatPromptTemplate=template))
    assert planned.engine is not None, planned.problems
    assert planned.engine.template_mode == "jinja"
    assert "look at the preview" in planned.notes[0]


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ({"url": "http://qdrant:6333"}, "BOTFACTORY_ALLOWED_NETWORKS"),
        ({"url": "https://x.example/?key=1"}, "field for the secret"),
        ({"url": "https://u:p@x.example/"}, "user name or password"),
        ({"url": "https://x.example", "authorization": "Bearer a\nb"}, "one line"),
        ({"url": "https://x.example", "weight": 1000}, "100"),
    ],
)
def test_an_endpoint_that_may_not_be_typed_may_not_be_pasted(
    owner: Actor, endpoint: dict[str, Any], said: str
) -> None:
    text = entry(endpoints=[endpoint, {"url": "https://good.example"}])
    bad, fine = plan(owner, text)
    assert bad.engine is None
    assert said in bad.problems[0]
    assert fine.engine is not None
    import_engines(actor=owner, text=text, is_server_wide=False)
    assert [engine.url for engine in Engine.objects.all()] == ["https://good.example"]


def test_a_model_without_endpoints_is_named(owner: Actor) -> None:
    (planned,) = plan(owner, entry(endpoints=[]))
    assert planned.engine is None
    assert "no endpoints" in planned.problems[0]


@pytest.mark.parametrize("text", ["", "{", "[]", entry(name=""), entry(name="${SECRET}")])
def test_what_is_no_entry_is_refused(owner: Actor, text: str) -> None:
    with pytest.raises(ModelsEntryInvalid):
        plan(owner, text)


def test_all_or_none_are_made(owner: Actor) -> None:
    Engine.objects.bulk_create(
        Engine(workspace=owner.workspace, **FIELDS) for _ in range(MAX_ENGINES - 1)
    )
    with pytest.raises(TooManyEngines):
        import_engines(actor=owner, text=CLASSIC, is_server_wide=False)
    assert Engine.objects.count() == MAX_ENGINES - 1


def test_the_import_is_recorded_without_secrets(owner: Actor) -> None:
    import_engines(actor=owner, text=CLASSIC, is_server_wide=False)
    events = AuditEvent.objects.filter(action="engine.import")
    assert events.count() == 3
    assert TOKEN not in json.dumps(list(events.values_list("data", flat=True)))


def test_only_who_may_add_engines_may_import(owner: Actor, editor: Actor) -> None:
    for actor, is_server_wide in ((editor, False), (owner, True)):
        with pytest.raises(PermissionDenied):
            plan_import(actor=actor, text=CLASSIC, is_server_wide=is_server_wide)
        with pytest.raises(PermissionDenied):
            import_engines(actor=actor, text=CLASSIC, is_server_wide=is_server_wide)
    assert not Engine.objects.exists()
