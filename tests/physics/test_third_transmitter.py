"""Transmitters are data: noradrenaline enters a circuit with a population, a pool and two sites, in YAML alone."""

from pathlib import Path

import numpy as np
import pytest

from neurosim.build import Trial
from neurosim.engines.runtime_numpy import NumpyEngine
from neurosim.spec import Experiment, load_circuit, resolve

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"

CIRCUIT = """\
schema: neurosim-circuit/1
name: tiny_ne
extends: tiny
species: rat
source: made for tests
basis: assumed
populations:
  LC_NE:
    n: 20
    region: LC
    transmitter: NE
    model: adex
    parameters: {C_m: 80 pF, g_L: 5 nS, E_L: -60 mV, V_T: -46 mV, Delta_T: 2 mV, V_r: -60 mV, V_peak: 0 mV, t_ref: 3 ms,
                 tau_w: 100 ms, a: 0 nS, b: 10 pA}
    drive: 120 pA
    noise: {sigma: 12 pA, tau: 10 ms}
    band: {low: 1 Hz, high: 40 Hz}
pools:
  VTA:
    NE:
      k_out: 0.1 1/s
      release: {LC_NE: {quantum: 0.3 nM, share: 0.5, U: 0, tau_rec: 1 s}}
      transporters: {NET: {LC_NE: {V_max: 80 nM/s, K_m: 457 nM}}}
      band: {low: 1 nM, high: 100 nM}
    DA:
      replace: true
      k_out: 0.1 1/s
      release: {VTA_DA: {quantum: 5 nM, share: 0.1, U: 0, tau_rec: 1 s}}
      transporters: {NET: {LC_NE: {V_max: 80 nM/s, K_m: 139 nM}}}
      band: {low: 1 nM, high: 100 nM}
# without the receptors by which dopamine brakes its own cells, so that carriers alone tell the arms apart
sites:
  D2_VTA: {remove: true}
  D2_VTA_GABA: {remove: true}
  A1_VTA: {receptor: alpha1A, on: VTA_GABA, compartment: soma, hears: VTA, tau: 10, effects: [{current: 0.1 pA}]}
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """arm → (plan, raw phase)."""
    folder = tmp_path_factory.mktemp("ne")
    (folder / "tiny.yaml").write_text(TINY.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "ne.yaml").write_text(CIRCUIT, encoding="utf-8")
    experiment = Experiment(
        name="ne",
        circuit=load_circuit(folder / "ne.yaml"),
        protocol={"settle": "0.5 s", "phases": [{"name": "rest", "record": "1 s"}]},
        arms={
            "intact": {},
            "lesion": {"lesions": [{"population": "LC_NE", "fraction": "0.9"}]},
            "blocked": {"drugs": [{"drug": "nomifensine", "concentration": "1 uM"}]},
        },
    )
    engine, found = NumpyEngine(), {}
    for arm in experiment.arms:
        plan = next(Trial(resolve(experiment, arm, {}), 0).phases()).plan
        found[arm] = plan, engine.run(plan)
    return found


def level(seen, arm, transmitter):
    plan, raw = seen[arm]
    return float(np.mean(raw.traces["concentration"][plan.labels.pools.index(("VTA", transmitter))]))


def test_its_cells_fill_a_pool_and_its_receptor_hears_it(seen):
    plan, raw = seen["intact"]
    assert level(seen, "intact", "NE") > 0.5
    activation = raw.traces["activation"][plan.labels.sites.index("A1_VTA")]
    assert 0.01 < activation.mean() < 1
    lost_plan, lost = seen["lesion"]
    assert lost.traces["activation"][lost_plan.labels.sites.index("A1_VTA")].mean() < 0.5 * activation.mean()


def test_its_carrier_takes_dopamine_too_and_goes_with_its_cells(seen):
    assert level(seen, "lesion", "DA") > 1.1 * level(seen, "intact", "DA"), "carriers are lost with the cells that bear them"
    assert level(seen, "blocked", "DA") > 1.1 * level(seen, "intact", "DA")
    assert level(seen, "blocked", "NE") > 1.1 * level(seen, "intact", "NE")
