"""What docs/exchange.md and docs/editors.md show runs as it stands."""

import json
import re
from pathlib import Path

import pytest
from synthetic import results_folder

from neurosim.analysis import open_results
from neurosim.export import export_csv, export_nwb
from neurosim.spec import load_experiment

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXCHANGE = (DOCS / "exchange.md").read_text(encoding="utf-8")
EDITORS = (DOCS / "editors.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", EXCHANGE, re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("pynwb")
    made = results_folder(tmp_path_factory.mktemp("run"))
    with open_results(made) as results:
        export_csv(results)
        export_nwb(results)
    return made


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_code_that_opens_the_files_runs(folder, monkeypatch, number):
    monkeypatch.chdir(folder)
    names = {}
    exec(compile(PYTHON[number], f"exchange.md, block {number}", "exec"), names)
    found = {"rates": 1, "serotonin": 5, "values": 1}
    assert any(len(names[name]) >= least for name, least in found.items() if name in names)
    if "nanomolar" in names:
        assert len(names["nanomolar"]) == len(names["seconds"]) > 0


def test_every_table_that_is_named_is_written(folder):
    named = set(re.findall(r"`?(\w+\.csv)\b", EXCHANGE.split("## NWB")[0]))
    assert named - {"read.csv"} == {path.name for path in (folder / "export" / "csv").glob("*.csv")}


def test_the_variables_that_matlab_and_r_read_are_there(folder):
    import h5py

    with h5py.File(folder / "summary.h5") as file:
        named = set(re.findall(r'"/?(rates/\w+)"', EXCHANGE))
        assert named == {"rates/firing_rate"}
        assert file["rates/firing_rate"].attrs["units"] in ("Hz", b"Hz")


def test_commands_exist(capsys):
    from neurosim.cli import main

    for line in set(re.findall(r"neurosim (export|cite|schema|check)\b", EXCHANGE + EDITORS)):
        with pytest.raises(SystemExit) as ended:
            main([line, "--help"])
        assert ended.value.code in (0, None)
    for option in set(re.findall(r"`?(--[a-z]+)", EXCHANGE.split("## BibTeX")[0])) - {"--set"}:
        with pytest.raises(SystemExit):
            main(["export", "--help"])
        told = capsys.readouterr().out
        with pytest.raises(SystemExit):
            main(["cite", "--help"])
        assert option in told + capsys.readouterr().out, option


def test_the_experiment_that_is_shown_loads_and_its_settings_are_json(tmp_path):
    (block,) = re.findall(r"```yaml\n(.*?)```", EDITORS, re.S)
    (tmp_path / "mine.yaml").write_text(block, encoding="utf-8")
    assert load_experiment(tmp_path / "mine.yaml").name == "mine"
    (settings,) = re.findall(r"```json\n(.*?)```", EDITORS, re.S)
    assert list(json.loads(settings)) == ["yaml.schemas"]
