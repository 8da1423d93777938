from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botfactory.lib.safe_http import FetchError, UrlNotAllowed
from ingestion.repositories import Forge, RepositoryAddress, parse_address
from ingestion.repositories.errors import RepositoryAddressInvalid

GITHUB = "https://github.com"
GITLAB = "https://gitlab.com"
OWN = "https://git.example.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://github.com/o/r", (Forge.GITHUB, GITHUB, "o", "r", "", "")),
        (" https://github.com/o/r/ ", (Forge.GITHUB, GITHUB, "o", "r", "", "")),
        ("https://www.github.com/o/r.git", (Forge.GITHUB, GITHUB, "o", "r", "", "")),
        ("github.com/o/r.js", (Forge.GITHUB, GITHUB, "o", "r.js", "", "")),
        ("git@github.com:o/r.git", (Forge.GITHUB, GITHUB, "o", "r", "", "")),
        ("ssh://git@github.com:22/o/r.git", (Forge.GITHUB, GITHUB, "o", "r", "", "")),
        ("git://github.com/o/r", (Forge.GITHUB, GITHUB, "o", "r", "", "")),
        ("https://github.com/../o/x/../r", (Forge.GITHUB, GITHUB, "o", "r", "", "")),
        ("https://github.com/o/r/issues/3", (Forge.GITHUB, GITHUB, "o", "r", "", "")),
        ("https://github.com/o/r/tree/main", (Forge.GITHUB, GITHUB, "o", "r", "main", "")),
        (
            "https://github.com/o/r/tree/main/sub/dir/",
            (Forge.GITHUB, GITHUB, "o", "r", "main", "sub/dir"),
        ),
        (
            "https://github.com/o/r/blob/v1.0/docs/a%20b.md?plain=1#L3",
            (Forge.GITHUB, GITHUB, "o", "r", "v1.0", "docs/a b.md"),
        ),
        ("https://github.com/o/r/commit/abc1234", (Forge.GITHUB, GITHUB, "o", "r", "abc1234", "")),
        ("https://github.com/o/r/releases/tag/v2", (Forge.GITHUB, GITHUB, "o", "r", "v2", "")),
        (
            "https://github.com/o/r/tree/refs/heads/main/docs",
            (Forge.GITHUB, GITHUB, "o", "r", "main", "docs"),
        ),
        ("https://gitlab.com/g/r", (Forge.GITLAB, GITLAB, "g", "r", "", "")),
        ("https://gitlab.com/g/sub/r.git", (Forge.GITLAB, GITLAB, "g/sub", "r", "", "")),
        (
            "https://gitlab.com/g/sub/r/-/tree/main/docs?ref_type=heads",
            (Forge.GITLAB, GITLAB, "g/sub", "r", "main", "docs"),
        ),
        ("https://gitlab.com/g/r/-/issues/1", (Forge.GITLAB, GITLAB, "g", "r", "", "")),
        ("https://gitlab.com/g/r/tree/main/docs", (Forge.GITLAB, GITLAB, "g", "r", "main", "docs")),
        (
            "https://gitlab.example.com/g/r",
            (Forge.GITLAB, "https://gitlab.example.com", "g", "r", "", ""),
        ),
        (
            "https://git.example.com/g/a/b/r/-/blob/main/README.md",
            (Forge.GITLAB, OWN, "g/a/b", "r", "main", "README.md"),
        ),
        (
            "https://codeberg.org/o/r/src/branch/main/docs",
            (Forge.GITEA, "https://codeberg.org", "o", "r", "main", "docs"),
        ),
        (
            "https://git.example.com/o/r/src/tag/v1",
            (Forge.GITEA, OWN, "o", "r", "v1", ""),
        ),
        (
            "https://git.example.com/o/r/src/commit/abc1234/x",
            (Forge.GITEA, OWN, "o", "r", "abc1234", "x"),
        ),
        ("https://git.example.com/o/r/tree/main", (Forge.GITHUB, OWN, "o", "r", "main", "")),
        (
            "http://127.0.0.1:3000/o/r.git/",
            (Forge.UNKNOWN, "http://127.0.0.1:3000", "o", "r", "", ""),
        ),
    ],
)
def test_it_understands_what_people_paste(
    text: str, expected: tuple[Forge, str, str, str, str, str]
) -> None:
    assert parse_address(text) == RepositoryAddress(*expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "https://github.com",
        "https://github.com/o",
        "https://github.com/o/.git",
        "https://github.com/o/..",
        "https://github.com/o/r%00x",
        "https://github.com/o%2fx/r",
        "https://github.com/o/r/tree/a..b",
        "https://github.com/o/r/tree/a%0d%0ab",
        "https://github.com/" + "o" * 300 + "/r",
        "http://[::1/o/r",
        "C:\\projects\\r",
    ],
)
def test_it_says_what_an_address_looks_like(text: str) -> None:
    with pytest.raises(RepositoryAddressInvalid, match=r"github\.com/owner/repository"):
        parse_address(text)


def test_it_names_the_forges_that_can_be_read() -> None:
    for text in ("https://bitbucket.org/o/r", "https://gist.github.com/o/1"):
        with pytest.raises(RepositoryAddressInvalid, match="GitLab"):
            parse_address(text)


def test_a_token_inside_the_address_is_refused_and_kept_out_of_the_log() -> None:
    with pytest.raises(RepositoryAddressInvalid, match="Remove the part before the @") as caught:
        parse_address("https://me:secret@github.com/o/r")
    assert "secret" not in caught.value.subject


@pytest.mark.parametrize("text", ["file:///etc/o/r", "https://0x7f000001/o/r", "ftp://x.org/o/r"])
def test_it_refuses_disguised_hosts_and_other_schemes(text: str) -> None:
    with pytest.raises(UrlNotAllowed):
        parse_address(text)


def test_a_branch_with_slashes_has_several_readings() -> None:
    address = parse_address("https://github.com/o/r/tree/feature/login/docs")
    assert [(one.ref, one.folder) for one in address.readings()] == [
        ("feature", "login/docs"),
        ("feature/login", "docs"),
        ("feature/login/docs", ""),
    ]
    assert len(list(parse_address("https://github.com/o/r").readings())) == 1


@given(st.text(max_size=60))
def test_any_text_gives_an_address_or_a_typed_error(text: str) -> None:
    for start in ("", "https://github.com/", "https://gitlab.com/g/r/-/", "git@"):
        try:
            address = parse_address(start + text)
        except (FetchError, RepositoryAddressInvalid):
            continue
        assert address.owner
        assert address.name
        assert ".." not in address.path.split("/")
