"""Pages hold together: links and headings, files that are shown, commands and their options, Python that runs."""

import re

import pytest
import typer
from docs.pages import DOCS, ROOT, anchors, blocks, links, page_commands, page_paths
from synthetic import results_folder

from neurosim.cli.app import app
from neurosim.spec import load_circuit, load_cluster, load_disorder, load_experiment
from neurosim.validation.rows import read_rows

PAGES = page_paths()
LOADERS = {
    "experiment": load_experiment,
    "circuit": load_circuit,
    "disorder": load_disorder,
    "rows": read_rows,
    "cluster": lambda path: load_cluster(),
}


def name_of(path):
    return str(path.relative_to(ROOT))


def shown_files():
    """(page, block) of every whole file that a page shows; forms with ``...`` in the place of content are no files."""
    for path in PAGES:
        for block in blocks(path):
            if block.language == "yaml" and re.match(r"(#.*\n)*schema: neurosim-", block.text) and "{...}" not in block.text:
                yield pytest.param(path, block, id=f"{name_of(path)}:{block.line}")


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path):
    for target in links(path):
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        assert place.exists(), f"{target}: no such file"
        if anchor and place.suffix == ".md":
            assert anchor in anchors(place), f"{target}: no such heading"


def test_a_broken_link_and_a_lost_heading_are_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One two\n\n[a](gone.md) [b](page.md#one-two) `[c](code.md)`\n\n```text\n[d](code.md)\n```\n")
    assert list(links(page)) == ["gone.md", "page.md#one-two"]
    assert anchors(page) == {"one-two"}


@pytest.mark.parametrize(("path", "block"), list(shown_files()))
def test_a_file_that_is_shown_loads(path, block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for other in blocks(path):
        if other.into is not None:
            (tmp_path / other.into).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / other.into).write_text(other.text, encoding="utf-8")
    kind = re.search(r"schema: neurosim-(\w+)/", block.text)[1]
    (tmp_path / "shown.yaml").write_text(block.text, encoding="utf-8")
    monkeypatch.setenv("NEUROSIM_CLUSTER", str(tmp_path / "shown.yaml"))
    assert LOADERS[kind](tmp_path / "shown.yaml") is not None


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_commands_exist_with_their_options(path):
    known = typer.main.get_command(app).commands
    text = path.read_text(encoding="utf-8")
    lines = [words for words in page_commands(path) if words[0] == "neurosim"]
    for quoted in re.findall(r"`(neurosim [a-z][^`]*)`", text):
        lines.append(quoted.split())
    for words in lines:
        assert words[1] in known, f"{' '.join(words)}: no such command"
        options = {option for parameter in known[words[1]].params for option in parameter.opts}
        for word in words[2:]:
            if word.startswith("--"):
                assert word.split("=")[0] in options | {"--help"}, f"{' '.join(words)}: no option {word}"


def test_pages_show_commands_at_all():
    assert sum(len(page_commands(path)) for path in PAGES) > 30


#: Page → results that its Python blocks open. Pages of docs/extending are run by test_extending, the README by test_readme.
RUN = {"getting_started.md": ("acute_escitalopram", ("baseline", "drug")), "scans.md": ("my_scan", ("baseline", "held"))}


@pytest.mark.parametrize("page", RUN)
def test_python_that_is_shown_runs(page, tmp_path, monkeypatch):
    name, phases = RUN[page]
    results_folder(tmp_path / "results" / name, phases=phases)
    monkeypatch.chdir(tmp_path)
    shown = [block for block in blocks(DOCS / page) if block.language == "python"]
    assert shown
    for block in shown:
        exec(compile("\n" * block.line + block.text, page, "exec"), {})


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_files_of_the_source_that_are_named_exist(path):
    named = r"`((?:neurosim|docs|tests|tools|circuits|experiments|requirements|benchmarks)/[\w./*-]+\.\w+)`"
    for name in re.findall(named, path.read_text(encoding="utf-8")):
        assert list(ROOT.glob(name)), name
