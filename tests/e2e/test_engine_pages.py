"""An engine from its address to its first words, in a browser, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.doubles.fixtures import RunningDouble, running
from tests.e2e.processes import Server, running_server

pytestmark = [pytest.mark.browser, pytest.mark.model]

KEY = "the-right-key"
MODELS = """MODELS=`[{
  "name": "org/small", // pasted as it is
  "userMessageToken": "<|user|>\\n", "assistantMessageToken": "<|assistant|>\\n",
  "endpoints": [{"url": "ADDRESS", "authorization": "Bearer hf_pasted", "weight": 2},
                {"url": "http://qdrant:6333?key=x"}],
}]`"""


@pytest.fixture
def double() -> Iterator[RunningDouble]:
    command = ("tests.doubles.openai_server", "--profile", "vllm", "--api-key", KEY)
    with running(command) as [double]:
        double.control.script({"reply": "The capital is Paris."})
        yield double


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path, BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8") as server:
        yield server
        said = server.said()
        assert "Traceback" not in said
        assert KEY not in said


def test_an_engine_is_added_tried_corrected_imported_and_deleted(
    page: Page, server: Server, double: RunningDouble
) -> None:
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(server.login_link)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Engines").click()
    expect(page.get_by_role("heading", name="No engines yet")).to_be_visible()
    page.get_by_role("link", name="Add engine").first.click()

    _fill_in(page, double)
    _use_a_template(page)
    page.get_by_role("button", name="Save engine").click()
    expect(page.locator("#id_url_error")).to_contain_text("from the ? on")
    page.get_by_label("Address").fill(f"{double.url}/v1")
    page.get_by_label("Secret", exact=True).fill("wrong")
    page.get_by_role("button", name="Save engine").click()

    expect(page.get_by_text("A secret is stored.")).to_be_visible()
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#trial")).to_contain_text("the model's name and the secret")
    page.get_by_label("Another secret").fill(KEY)
    page.get_by_role("button", name="Save engine").click()
    expect(page.get_by_text("The engine is saved.")).to_be_visible()
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#trial")).to_contain_text("It said: “The capital is Paris.”")
    expect(page.locator("#trial")).to_contain_text("2048 tokens")
    assert KEY not in page.content()

    _import(page, double)
    _delete(page)
    assert problems == []


def _fill_in(page: Page, double: RunningDouble) -> None:
    page.get_by_label("Name").fill("Our vLLM")
    page.get_by_label("Address").fill(f"{double.url}/v1?key={KEY}")
    page.get_by_label("Model", exact=True).fill("double/tiny-model")
    page.get_by_label("Temperature", exact=True).fill("0.4")


def _use_a_template(page: Page) -> None:
    template, preview = page.get_by_label("Template", exact=True), page.locator("#template-preview")
    expect(template).to_be_hidden()
    page.get_by_label("A Jinja template").check()
    template.fill("{% for m in messages %}\n{{ m.content")
    page.get_by_role("button", name="Check and preview").click()
    expect(preview).to_contain_text("Line 2")
    template.fill("{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>")
    page.get_by_role("button", name="Check and preview").click()
    expect(preview).to_contain_text("<user>And to Norway?")
    page.get_by_label("The server's own chat template").check()
    expect(template).to_be_hidden()


def _import(page: Page, double: RunningDouble) -> None:
    page.get_by_role("link", name="Engines").first.click()
    page.get_by_role("link", name="Import from HuggingChat").click()
    page.get_by_role("textbox", name="MODELS").fill(MODELS.replace("ADDRESS", double.url))
    page.get_by_role("button", name="Show what it makes").click()
    expect(page.get_by_text("with a secret")).to_be_visible()
    expect(page.get_by_text("Left out", exact=True)).to_be_visible()
    assert "hf_pasted" not in page.content()
    page.get_by_role("button", name="Make 1 engine").click()
    expect(page.get_by_text("1 engine imported")).to_be_visible()


def _delete(page: Page) -> None:
    page.get_by_role("link", name="org/small (1)", exact=True).click()
    expect(page.get_by_label("Before a question")).to_have_value("<|user|>\\n")
    page.get_by_role("button", name="Delete engine").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete engine").click()
    expect(page.get_by_text("“org/small (1)” is deleted.")).to_be_visible()
    expect(page.get_by_role("link", name="Our vLLM", exact=True)).to_be_visible()
