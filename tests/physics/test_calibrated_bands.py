"""The shipped circuits are calibrated: means of five subjects in every band, subjects in the band widened 1.5-fold."""

import pytest

from neurosim.calibration.observe import Laboratory
from neurosim.engines.compiler import find_compiler
from neurosim.schedulers import cpu_count
from neurosim.spec import load_circuit, load_experiment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler: NumPy would take an hour here"),
]


@pytest.fixture(scope="module", params=["midbrain_raphe", "da_5ht_brain"])
def rest(engine, request):
    """A circuit and its rest in other subjects than those that were fitted."""
    circuit = load_circuit(request.param)
    laboratory = Laboratory(circuit, engine, range(5), 2026, "8 s", "60 s", cpu_count())
    return circuit, laboratory.observe({"rest": {}})["rest"]


def check(name, band, values):
    low, high = float(band.low), float(band.high)
    assert low <= values.mean() <= high, f"{name}: mean {values.mean():.3g}, band {low:.3g} to {high:.3g}"
    assert (values >= low / 1.5).all() and (values <= high * 1.5).all(), f"{name}: {values}"


def test_rates_bursts_and_active_parts(rest):
    circuit, seen = rest
    for name, population in circuit.populations.items():
        check(name, population.band, seen.rates[population.band.readout][name])
        for band, readout in ((population.burst_band, "burst_fraction"), (population.active_band, "active_fraction")):
            if band is not None:
                check(f"{readout} of {name}", band, seen.rates[readout][name])


def test_concentrations(rest):
    circuit, seen = rest
    for region, pools in circuit.pools.items():
        for transmitter, pool in pools.items():
            check(f"{region}.{transmitter}", pool.band, seen.pools["concentration"][f"{region}.{transmitter}"])


def test_a_circuit_half_as_large_keeps_its_rates_and_levels(engine, tmp_path):
    """One number scales a circuit; in-degrees are fixed and release is counted per healthy cell, so rest stays."""
    full = load_circuit("da_5ht_brain")
    file = tmp_path / "half.yaml"
    file.write_text(
        "schema: neurosim-experiment/1\nname: half\ncircuit: da_5ht_brain\n"
        "protocol: {phases: [{name: rest, record: 1 s}]}\narms: {rest: {}}\n"
    )
    halved = load_experiment(file, set={"circuit.populations.*.n": "0.5x"}).circuit
    assert {name: p.n for name, p in halved.populations.items()} == {n: p.n // 2 for n, p in full.populations.items()}
    assert {n: p.in_degree for n, p in halved.projections.items()} == {n: p.in_degree for n, p in full.projections.items()}
    laboratories = [Laboratory(c, engine, range(3), 2026, "8 s", "30 s", cpu_count()) for c in (full, halved)]
    seen = [laboratory.observe({"rest": {}})["rest"] for laboratory in laboratories]
    for name, population in full.populations.items():
        readout = population.band.readout
        rates = [float(s.rates[readout][name].mean()) for s in seen]
        # 1.35: half the cells of the spread-out dopamine populations, three subjects
        assert 1 / 1.35 < rates[1] / rates[0] < 1.35, (name, rates)
    for pool, levels in seen[0].pools["concentration"].items():
        assert 1 / 1.35 < seen[1].pools["concentration"][pool].mean() / levels.mean() < 1.35, pool
