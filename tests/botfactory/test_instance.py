"""One process owns a data directory, and others learn where it listens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from botfactory.instance import InstanceRunning, own_data_dir, server_url

HOLD = """
import sys
from pathlib import Path
from botfactory.instance import own_data_dir
with own_data_dir(Path(sys.argv[1]), url="http://127.0.0.1:1"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_directory_without_an_owner_has_no_server(tmp_path: Path) -> None:
    assert server_url(tmp_path) is None
    with own_data_dir(tmp_path):
        pass
    assert server_url(tmp_path) is None
    assert not (tmp_path / "instance.json").exists()


def test_the_owner_says_where_it_listens(tmp_path: Path) -> None:
    with own_data_dir(tmp_path, url="http://127.0.0.1:8000"):
        assert server_url(tmp_path) == "http://127.0.0.1:8000"


def test_an_owner_without_an_address_is_a_command(tmp_path: Path) -> None:
    with own_data_dir(tmp_path):
        assert server_url(tmp_path) == ""


@pytest.mark.parametrize("written", [None, "", "{", "[]", "{}", "null"])
def test_an_owner_whose_note_cannot_be_read_is_an_owner_all_the_same(
    tmp_path: Path, written: str | None
) -> None:
    with own_data_dir(tmp_path, url="http://127.0.0.1:8000"):
        if written is None:
            (tmp_path / "instance.json").unlink()
        else:
            (tmp_path / "instance.json").write_text(written)
        assert server_url(tmp_path) == ""


def test_a_second_owner_is_refused_and_the_first_keeps_its_place(tmp_path: Path) -> None:
    with own_data_dir(tmp_path, url="http://127.0.0.1:8000"):
        with pytest.raises(InstanceRunning), own_data_dir(tmp_path):
            pytest.fail("both own it")
        assert server_url(tmp_path) == "http://127.0.0.1:8000"
    with own_data_dir(tmp_path):
        pass


def test_a_process_that_was_killed_owns_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert server_url(tmp_path) == "http://127.0.0.1:1"
        with pytest.raises(InstanceRunning), own_data_dir(tmp_path):
            pytest.fail("both own it")
        holder.kill()
        holder.wait()
    assert server_url(tmp_path) is None
    with own_data_dir(tmp_path):
        pass
