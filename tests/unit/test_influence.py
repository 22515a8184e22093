"""Currents between populations: budgets, signs and the numbers of a synapse worked by hand."""

import math

import numpy as np
import pytest

from neurosim.analysis.influence import influences, resting_rates, synaptic_current
from neurosim.spec import load_circuit, load_experiment, resolve

CIRCUIT = load_circuit("midbrain_raphe")


def total(found, part):
    """Currents of all influences that a projection or site has a part in."""
    return sum(i.current for i in found if part in i.parts)


def changed(path, value):
    of = load_experiment("acute_escitalopram", set={f"circuit.{path}": value})
    return resolve(of, "vehicle").circuit


def test_a_fast_synapse_brings_the_charge_of_its_events():
    """in_degree x rate x weight x tau x (E - V), with the target's own reversal and decay of GABA_A."""
    p, cell = CIRCUIT.projections["RMTg_GABA__SNc_DA"], CIRCUIT.populations["SNc_DA"].parameters
    by_hand = 25 * 10.0 * float(p.weight.value) * 15e-3 * (-63e-3 - (-45e-3))
    assert float(cell.V_T.value) == pytest.approx(-45e-3)
    assert synaptic_current(CIRCUIT, "RMTg_GABA__SNc_DA", 10.0, -45e-3) == pytest.approx(by_hand)


def test_depression_levels_off_and_a_linear_synapse_does_not():
    depressed = [synaptic_current(CIRCUIT, "LHb_Glu__RMTg_GABA", rate, -0.05) for rate in (1.0, 100.0, 200.0)]
    linear = [synaptic_current(CIRCUIT, "SNr_GABA__SNc_DA", rate, -0.05) for rate in (100.0, 200.0)]
    U, tau = 0.5, 0.6
    assert depressed[0] / depressed[1] == pytest.approx((1 / (1 + U * tau)) / (100 / (1 + 100 * U * tau)))
    assert depressed[2] < 1.02 * depressed[1]
    assert linear[1] == pytest.approx(2 * linear[0])


def test_the_sign_is_that_of_the_reversal():
    signs = {"AMPA": 1, "NMDA": 1, "5-HT3": 1, "GABA_A": -1, "GABA_B": -1}
    for i in influences(CIRCUIT):
        if i.by == "synapses":
            assert {signs[CIRCUIT.projections[part].synapse] for part in i.parts} == {i.sign}
            assert math.copysign(1, i.current) == i.sign


def test_releasers_share_the_current_of_a_site_and_nothing_is_lost():
    """VTA_GABA hears what DRN and MRN release into one pool: together the whole current, by quantum x rate."""
    rates, half = resting_rates(CIRCUIT), dict.fromkeys(CIRCUIT.sites, 0.5)
    found = influences(CIRCUIT, rates, half)
    whole = 0.5 * float(CIRCUIT.sites["HT2C_VTA_GABA"].effects[0].current.value)
    assert total(found, "HT2C_VTA_GABA") == pytest.approx(whole)
    release = CIRCUIT.pools["VTA"]["5-HT"].release
    parts = {name: float(release[name].quantum.value) * rates[name] for name in release}
    drn = next(i for i in found if i.source == "DRN_HT" and i.target == "VTA_GABA")
    assert drn.current == pytest.approx(whole * parts["DRN_HT"] / sum(parts.values()))


def test_twice_the_weight_is_twice_the_current_of_that_influence_alone():
    before = influences(CIRCUIT)
    after = influences(changed("projections.SNr_GABA__SNc_DA.weight", "2x"))
    ratio = {
        (a.source, a.target): a.current / b.current
        for b in before
        for a in after
        if (a.source, a.target, a.by, a.sign) == (b.source, b.target, b.by, b.sign) and a.by == "synapses"
    }
    assert ratio.pop(("SNr_GABA", "SNc_DA")) == pytest.approx(2.0)
    assert np.allclose(list(ratio.values()), 1.0)


def test_a_silent_source_brings_nothing_and_an_unknown_rate_no_number():
    rates = resting_rates(CIRCUIT)
    silent = influences(CIRCUIT, rates | {"SNr_GABA": 0.0})
    assert all(i.current == 0 for i in silent if i.source == "SNr_GABA" and i.by == "synapses")
    unknown = influences(CIRCUIT, {name: rate for name, rate in rates.items() if name != "SNr_GABA"})
    own = [i for i in unknown if i.source == "SNr_GABA"]
    assert own and all(math.isnan(i.current) and i.sign == -1 for i in own)


def test_what_brings_no_current_has_no_size():
    release = [i for i in influences(CIRCUIT) if i.parts == ("HT1B_mPFC_MRN", "HT1B_HPC")]
    assert release and all(i.sign == 0 and math.isnan(i.current) for i in release)
