"""The shipped circuit is calibrated: means of five subjects in every band, subjects in the band widened 1.5-fold."""

import pytest

from neurosim.calibration.observe import Laboratory
from neurosim.engines.compiler import find_compiler
from neurosim.schedulers import cpu_count
from neurosim.spec import load_circuit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler: NumPy would take an hour here"),
]


@pytest.fixture(scope="module")
def rest(engine):
    """Other subjects than those that were fitted."""
    laboratory = Laboratory(load_circuit("midbrain_raphe"), engine, range(5), 2026, "8 s", "60 s", cpu_count())
    return laboratory.observe({"rest": {}})["rest"]


def check(name, band, values):
    low, high = float(band.low), float(band.high)
    assert low <= values.mean() <= high, f"{name}: mean {values.mean():.3g}, band {low:.3g} to {high:.3g}"
    assert (values >= low / 1.5).all() and (values <= high * 1.5).all(), f"{name}: {values}"


def test_rates_bursts_and_active_parts(rest):
    for name, population in load_circuit("midbrain_raphe").populations.items():
        check(name, population.band, rest.rates[population.band.readout][name])
        for band, readout in ((population.burst_band, "burst_fraction"), (population.active_band, "active_fraction")):
            if band is not None:
                check(f"{readout} of {name}", band, rest.rates[readout][name])


def test_concentrations(rest):
    for region, pools in load_circuit("midbrain_raphe").pools.items():
        for transmitter, pool in pools.items():
            check(f"{region}.{transmitter}", pool.band, rest.pools["concentration"][f"{region}.{transmitter}"])
