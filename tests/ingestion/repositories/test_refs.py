from __future__ import annotations

import pytest

from ingestion.repositories.refs import parse_refs

MAIN, LOGIN, TAG = "a" * 40, "b" * 40, "c" * 40


def _reply(*lines: str) -> bytes:
    return ("".join(f"{len(line) + 5:04x}{line}\n" for line in lines) + "0000").encode()


def test_it_reads_head_branches_and_the_commits_behind_tags() -> None:
    refs = parse_refs(
        _reply(
            f"{MAIN} HEAD symref-target:refs/heads/main",
            f"{MAIN} refs/heads/main",
            f"{LOGIN} refs/heads/feature/login",
            f"{TAG} refs/tags/v1 peeled:{MAIN}",
            f"{TAG} refs/tags/light",
        )
    )
    assert refs is not None
    assert refs.default_branch == "main"
    assert [refs.commit_of(ref) for ref in ("", "main", "feature/login", "v1", "light")] == [
        MAIN,
        MAIN,
        LOGIN,
        MAIN,
        TAG,
    ]
    assert refs.commit_of("d" * 40) == "d" * 40
    assert refs.commit_of("no-such-branch") == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"0005",
        b"ffffabc",
        b"0001",
        b"-001",
        b"0009hello0000",
        _reply("no commit refs/heads/main"),
        _reply(f"{MAIN} refs/heads/main")[:-4],
        b"0008\xff\xfe\xfd\xfc0000",
    ],
)
def test_anything_else_is_no_list_of_refs(body: bytes) -> None:
    assert parse_refs(body) is None
