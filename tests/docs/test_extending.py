"""Every example of docs/extending is run in a copy of the source, as it stands on its page."""

import pytest
from docs.pages import DOCS, blocks, copy_of_source, run_page
from synthetic import results_folder

PAGES = sorted(path.stem for path in (DOCS / "extending").glob("*.md") if path.stem != "index")
#: Pages that change tables.
OF_TABLES = ("drug", "receptor")


def test_every_page_is_in_the_table_of_the_index_and_shows_something_to_run():
    index = (DOCS / "extending" / "index.md").read_text(encoding="utf-8")
    assert len(PAGES) >= 11
    for page in PAGES:
        assert f"({page}.md) |" in index, page
        assert {"python", "bash"} & {block.language for block in blocks(DOCS / "extending" / f"{page}.md")}, page


@pytest.fixture
def registry(monkeypatch):
    """Readouts that a page registers are forgotten."""
    from neurosim.validation import registry

    monkeypatch.setattr(registry, "_READOUTS", dict(registry._READOUTS))


@pytest.mark.usefixtures("plain_figure", "registry")
@pytest.mark.parametrize("page", PAGES)
def test_the_example_does_what_the_page_says(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if page in OF_TABLES:
        copy_of_source(tmp_path)
    if page == "figure":
        results_folder(tmp_path / "results" / "acute_escitalopram")
    said = run_page(DOCS / "extending" / f"{page}.md", tmp_path, apart=page in OF_TABLES) + capsys.readouterr().out
    words = {"drug": "examplopram", "receptor": "beta1", "target_row": "pass", "circuit": "D2_VTA", "disorder": "ADD03"}
    assert words.get(page, "") in said
