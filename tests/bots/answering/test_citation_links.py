from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.answering.citation_links import link_for

PAGE = "https://a.test/x"


def words_of(link: str) -> list[str]:
    """The first directive's parts, decoded."""
    directive = link.split(":~:text=", 1)[1].split("&text=")[0]
    return [unquote(part) for part in directive.split(",")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("We ship within two days.", ["We ship within two days"]),
        ("**We ship** in [two](http://b.test/) `days`", ["We ship in two days"]),
        ("# Hours\n\nOpen from nine to five. Then not.", ["Open from nine to five. Then not"]),
        (
            "We open at nine, always.\n\n- Bring the signed form",
            ["We open at nine, always", "Bring the signed form"],
        ),
        ("| A | B |\n|--|--|\n| The plan for large teams | 9 |", ["The plan for large teams"]),
        ("| The plan for large teams | $9 |", ["The plan for large teams"]),
        ("```sh\npip install  this\n# then start the server\n```", ["then start the server"]),
        ("`chmod(mode)`\nChange the file mode and more.", ["Change the file mode and more"]),
        (
            "It opened in 1909.[3] The first visitors came by train.",
            ["It opened in 1909", "first visitors came by train"],
        ),
        (
            "One two three four five six seven eight nine ten eleven twelve, thirteen fourteen end",
            ["One two three four five six", "twelve, thirteen fourteen end"],
        ),
    ],
)
def test_the_words_stand_on_the_page_as_they_are(text: str, words: list[str]) -> None:
    assert words_of(link_for(PAGE, None, text)) == words


ENCODED = "Our%20top%2Drated%2C%20big%20plan%20%26%20more"


@pytest.mark.parametrize(
    ("url", "page", "link"),
    [
        (f"{PAGE}.pdf", 3, f"{PAGE}.pdf#page=3"),
        (f"{PAGE}.pdf#old", 3, f"{PAGE}.pdf#page=3"),
        (f"{PAGE}#y", None, f"{PAGE}#y:~:text={ENCODED}"),
        (f"{PAGE}#y:~:text=old", None, f"{PAGE}#y:~:text={ENCODED}"),
        ("http://a.test/?a=b", None, f"http://a.test/?a=b#:~:text={ENCODED}"),
        ("manual.pdf", 3, ""),
        ("", None, ""),
        ("javascript:alert(1)//https://a.test/", None, ""),
        ("data:text/html,x", None, ""),
        ("//a.test/", None, ""),
        ("https://", None, ""),
        ("https://[a/", None, ""),
        ("https://a.test/\nx", None, ""),
        ("file:///etc/passwd", None, ""),
    ],
)  # fmt: skip
def test_only_what_a_browser_can_open_gets_a_link(url: str, page: int | None, link: str) -> None:
    assert link_for(url, page, "Our top-rated, big plan & more") == link


def test_a_text_of_too_few_words_opens_the_page_alone() -> None:
    assert link_for(f"{PAGE}#y", None, "Short text") == f"{PAGE}#y"


@given(st.text(max_size=300))
def test_no_text_breaks_out_of_its_directive(text: str) -> None:
    link = link_for(PAGE, None, text)
    fragment = link.partition(":~:")[2]
    assert link.startswith(PAGE)
    assert all(part.startswith("text=") for part in fragment.split("&") if fragment)
    assert len(link) < 2500
    assert not set(link) & set(" \n\"'<>`")
