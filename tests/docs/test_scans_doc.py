"""The scans that docs/scans.md shows are read as it says."""

import re
from pathlib import Path

import pytest

from neurosim.spec import load_experiment, scan_dimensions

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "scans.md").read_text(encoding="utf-8")
HEAD = """
schema: neurosim-experiment/1
name: shown
circuit: midbrain_raphe
protocol: {phases: [{name: held, record: 1 s}]}
arms:
  vehicle: {}
  ssri:
    drugs: [{drug: escitalopram, dose: 1 mg/kg, route: ip}]
    set: {"pools.*.5-HT.transporters.SERT.*.V_max": 1x}
  held:
    set: {"pools.*.DA.transporters.DAT.*.V_max": 1x, "pools.*.5-HT.transporters.SERT.*.V_max": 1x}
"""


@pytest.mark.parametrize(
    ("block", "dimensions"),
    [(0, {"dose": 8, "carriers": 3, "seed": 3}), (1, {"point": 256})],
)
def test_a_scan_that_is_shown_is_read(tmp_path, block, dimensions):
    blocks = re.findall(r"```yaml\n(scan:.*?)```", TEXT, re.S)
    assert len(blocks) == 2
    (tmp_path / "shown.yaml").write_text(HEAD + blocks[block], encoding="utf-8")
    experiment = load_experiment(tmp_path / "shown.yaml")
    assert {d.name: d.size for d in scan_dimensions(experiment)} == dimensions


def test_every_way_of_giving_values_is_in_the_table():
    from neurosim.spec import Axis, Sample

    ways = set(Axis.model_fields) - {"path"}
    assert all(f"`{way}:" in TEXT or f"{way}: true" in TEXT for way in ways), ways
    methods = Sample.model_fields["method"].annotation.__args__
    assert all(f"| `{method}` |" in TEXT for method in methods)
