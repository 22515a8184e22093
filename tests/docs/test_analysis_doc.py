"""The notebook lines of docs/analysis.md run, one after the other, and give what they say."""

import re
from pathlib import Path

import numpy as np
import pytest
from synthetic import SSRI, Treatment, World, results_folder

from neurosim.analysis import Axis

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "analysis.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.S)
WORLD = World(
    rates={"VTA_GABA": (6, 12.0, 1.0, False), "DRN_HT": (8, 4.0, 1.0, False)},
    levels={("DRN", "5-HT"): 20.0, ("mPFC", "5-HT"): 2.0, ("DRN", "DA"): 8.0, ("mPFC", "DA"): 5.0},
    sites={"HT1A_DRN": ("5-HT1A", "DRN_HT", "soma", "DRN", "5-HT", 15.0)},
)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The two folders that the page opens."""
    doses = tuple(np.geomspace(0.01, 10.0, 7).tolist())
    axes = [
        Axis("dose", doses, "mg/kg", "arms.escitalopram.drugs.escitalopram.dose"),
        Axis("autoreceptor_EC50", (15.0, 30.0), "nM", "circuit.sites.HT1A_DRN.EC_50"),
    ]

    def at_point(treatment, point):
        part = doses[point[0]] / (doses[point[0]] + 0.4)
        return Treatment({"DRN_HT": 1 - 0.7 * part}, {"5-HT": 1 + 2 * part}, treatment.ligands)

    results_folder(tmp_path / "results" / "acute_escitalopram", WORLD, subjects=2, record=5.0)
    results_folder(
        tmp_path / "results" / "ssri_dose_response", WORLD, {"vehicle": Treatment(), "escitalopram": SSRI},
        subjects=3, record=4.0, axes=axes, at_point=at_point, phases=["drug"],
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)


def test_the_lines_run_and_give_what_they_say(folders):
    names = {}
    for block in BLOCKS:
        exec(compile(block, "docs/analysis.md", "exec"), names)
    assert names["rates"].dims == ("arm", "subject") and names["rates"].units == "Hz"
    assert names["table"].attrs["units"]["firing_rate"] == "Hz"
    fit = names["fit"]
    assert (fit.unit, fit.response_unit, fit.n_subjects) == ("mg/kg", "% of vehicle", 3)
    assert fit.is_within and fit.low < fit.ED50 < fit.high
    assert names["pairs"].lag.size == 51
    assert names["axes"].get_ylabel() == "firing rate (Hz)"
    assert names["first"].size == names["spikes"].row_size.values[0] and np.all(np.diff(names["first"]) > 0)


def test_every_name_of_the_page_exists():
    from neurosim import analysis

    for name in re.findall(r"analysis\.([a-zA-Z_0-9]+)\(", TEXT):
        assert name in analysis.__all__, name
    for name in ("population_spectrum", "synchrony", "psth", "pulse_responses", "drug_responses"):
        assert f"`{name}`" in TEXT and name in analysis.__all__
