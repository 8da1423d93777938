"""Every benchmark is listed and explained, and the cheap ones run on a small size."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import material, servers
from benchmarks.report import CannotMeasure, Options, Table, percentile

BENCHMARKS_DIR = Path(command.__file__).parent
SUPPORT = {
    "__init__",
    "__main__",
    "documentation",
    "instance",
    "load",
    "material",
    "report",
    "servers",
    "stub_engine",
}


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(data=tmp_path, docs=tmp_path, out=tmp_path, runs=1, size=0.01)


def test_every_benchmark_is_listed() -> None:
    modules = {path.stem for path in BENCHMARKS_DIR.glob("*.py")} - SUPPORT
    assert set(command.BENCHMARKS.values()) == modules


@pytest.mark.parametrize("name", command.BENCHMARKS)
def test_every_benchmark_says_what_it_measures_and_can_run(name: str) -> None:
    assert command.summary(name).endswith(".")
    assert callable(command.load(name).run)


def test_every_benchmark_has_its_row_in_the_docs() -> None:
    docs = (command.ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    assert [name for name in command.BENCHMARKS if f"python -m benchmarks {name}" not in docs] == []


@pytest.mark.parametrize("name", ["retrieval", "calibrate", "answers", "extraction", "python-docs"])
def test_missing_data_is_said_and_not_measured(name: str, options: Options) -> None:
    with pytest.raises(CannotMeasure):
        command.load(name).run(options)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(SystemExit):
        command.main(["no-such-benchmark"])


def test_missing_data_makes_the_command_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["extraction", "--json", "--data", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out) == {}
    assert "not measured" in said.err


def test_extraction_is_scored_by_the_scorer_of_the_data(tmp_path: Path) -> None:
    from benchmarks import extraction

    folder = tmp_path / "extraction" / "html"
    folder.mkdir(parents=True)
    page = (
        f"<html><body><main><h1>Kilns</h1><p>{'How to run a kiln. ' * 40}</p></main></body></html>"
    )
    (folder / "one.html.gz").write_bytes(gzip.compress(page.encode()))
    scorer = "print('precision 0.900 recall 0.800 F1 0.850 pages 1')"
    (tmp_path / "extraction" / "score.py").write_text(scorer)
    (tmp_path / "pdfs").mkdir()
    (tmp_path / "pdfs" / "broken.pdf").write_bytes(b"%PDF-1.7 nothing else")
    pages, _, generated, pdfs = extraction.run(Options(data=tmp_path, docs=tmp_path, size=0.02))
    assert generated.rows[0][0] == 1
    assert pages.rows[0][:4] == (1, 0.9, 0.8, 0.85)
    assert pdfs.rows[0][-1] == "pdf_damaged"


def test_what_documentation_loses_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import documentation

    page = (
        "<html><body><main><h1>Kilns</h1><pre>fire --slow\nwait</pre><dl><dt>cone<dd>A size.</dl>"
        "<table><tr><th>Heat</th><td hidden>never seen</td></tr></table></main></body></html>"
    )
    (tmp_path / "one.html").write_text(page)
    packages = {"kiln-doc": tmp_path, "no-doc": tmp_path / "missing"}
    monkeypatch.setattr(documentation, "PACKAGES", packages)
    table = documentation.measure_packages(1)
    assert table.rows[0][:7] == ("kiln-doc", 1, 0, 1.0, 0.5, 1.0, 1.0)
    assert "not installed: no-doc" in table.title


def test_the_site_has_the_asked_size_and_links_only_to_itself(tmp_path: Path) -> None:
    n_bytes = material.write_site(tmp_path, 3)
    assert n_bytes == pytest.approx(3 * material.PAGE_BYTES, rel=0.1)
    assert {path.name for path in tmp_path.iterdir()} == {
        "index.html",
        "page-0001.html",
        "page-0002.html",
    }


def test_the_pdf_files_hold_all_pages_and_are_the_same_each_time() -> None:
    from ingestion.extraction.pdf import extract_pdf

    files = material.pdf_files(7, n_files=3)
    documents = [extract_pdf(content) for content in files.values()]
    assert sum(len(document.page_starts) for document in documents) == 7
    again = [extract_pdf(content) for content in material.pdf_files(7, n_files=3).values()]
    assert documents == again


def test_the_stub_embeds_as_a_server_would() -> None:
    from bots.knowledge.remote_embedder import RemoteEmbedder

    def post(url: str, body: dict[str, object]) -> object:
        texts = body["input"]
        assert isinstance(texts, list)
        return json.loads(servers.embeddings_reply(texts))

    embedder = RemoteEmbedder("http://127.0.0.1:9", post)
    vectors = embedder.embed_passages(["one", "two", "one"])
    assert vectors.shape == (3, servers.DIMENSION)
    assert (vectors[0] == vectors[2]).all()
    assert (vectors[0] != vectors[1]).any()


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 31)]
    assert percentile(values, 0.5) == 15
    assert percentile(values, 0.95) == 29
    assert percentile([3.0], 0.95) == 3


def test_a_table_aligns_its_columns_and_shows_what_is_missing() -> None:
    table = Table("speed", ("name", "s"), (("a", 1.5), ("longer", None)), load=0.5)
    assert table.text().splitlines() == [
        "speed  (load 0.5)",
        "name    s",
        "a       1.500",
        "longer  -",
    ]
    assert table.data()["rows"] == [{"name": "a", "s": 1.5}, {"name": "longer", "s": None}]
