"""Circuit + subject + arm + phase → plan."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from neurosim import build, pharmacology, reference
from neurosim.build.checks import clearances, resting_sites
from neurosim.build.chemistry import carriers_of
from neurosim.build.layout import biexponential_peak, symbol
from neurosim.build.streams import noise_key, stream
from neurosim.build.subject import survivors
from neurosim.errors import BuildError
from neurosim.spec import Experiment, Lesion, Sourced, load_circuit, resolve
from neurosim.units import parse

TINY = "tests/data/tiny.yaml"


def trial(subject=0, arm=None, protocol=None, circuit=None, seed=1):
    experiment = Experiment(
        name="x",
        circuit=circuit or load_circuit(TINY),
        seed=seed,
        protocol=protocol or {"settle": "1 s", "phases": [{"name": "p", "record": "1 s"}]},
        arms={"a": arm or {}},
    )
    return build.Trial(resolve(experiment, "a", {}), subject)


def plan(**changes):
    return next(trial(**changes).phases())[2]


def arrays(p):
    """Every array of a plan by path."""
    found = {}
    for part in ("cells", "pools", "terminals", "sites", "cross", "terminal_links", "site_links", "stimuli"):
        found |= {f"{part}.{key}": value for key, value in getattr(p, part).items()}
    for group, wiring in p.wiring.items():
        found |= {f"{group}.{key}": value for key, value in asdict(wiring).items() if value is not None}
    return found


def differing(a, b):
    first, second = arrays(a), arrays(b)
    assert first.keys() == second.keys()
    return {key for key in first if not np.array_equal(first[key], second[key])}


def test_a_stream_depends_on_seed_subject_and_purpose_alone():
    same = stream(1, 2, "x").random(5)
    assert np.array_equal(same, stream(1, 2, "x").random(5))
    for other in (stream(2, 2, "x"), stream(1, 3, "x"), stream(1, 2, "y")):
        assert not np.array_equal(same, other.random(5))
    assert 0 <= noise_key(1, 2, "x") < 2**62


def test_arms_meet_the_same_brain_and_the_same_noise():
    drug = {"drugs": [{"drug": "haloperidol", "concentration": "5 nM"}]}
    vehicle, treated = plan(), plan(arm=drug)
    assert vehicle.noise_key == treated.noise_key
    # S too: what a neutral antagonist holds at a receptor with constitutive activity stays as active as it was
    # and B: haloperidol leaves D2 slowly
    assert differing(vehicle, treated) == {"sites.X", "sites.S", "sites.B", "sites.a_0", "sites.rho_0"}


def test_inhibition_of_a_cell_reverses_and_decays_as_its_own_receptors_say():
    circuit = load_circuit("midbrain_raphe")
    p, kind = plan(circuit=circuit), circuit.synapses["GABA_A"]
    ends = np.cumsum(p.labels.population_sizes)
    for name, start, end in zip(p.labels.populations, [0, *ends], ends, strict=False):
        population, cells = circuit.populations[name], slice(start, end)
        for key, common in (("E_GABA", kind.E_rev), ("tau_GABA", kind.tau_decay)):
            own = getattr(population.parameters, key)
            assert set(p.cells[key][cells]) == {float((common if own is None else own).value)}, (name, key)
    assert len(set(p.cells["tau_GABA"])) > 1


def test_subjects_and_seeds_differ_in_cells_wiring_and_noise():
    for other in (plan(subject=1), plan(seed=2)):
        changed = differing(plan(), other)
        assert {"cells.drive", "cells.v_0", "syn_GABA_A.pre"} <= changed
        assert not any(key.startswith(("pools.", "sites.", "terminals.")) for key in changed)
        assert other.noise_key != plan().noise_key


def test_phases_of_a_trial_share_the_brain_but_not_the_noise():
    protocol = {
        "settle": "1 s",
        "phases": [{"name": "one", "record": "1 s"}, {"name": "two", "record": "1 s"}],
    }
    (_, _, one, _), (_, _, two, _) = trial(protocol=protocol).phases()
    assert one.noise_key != two.noise_key
    assert differing(one, two) == set()


def test_every_target_has_its_in_degree_of_different_sources_and_no_autapse():
    p, circuit = plan(), load_circuit(TINY)
    wiring = p.wiring["syn_GABA_A"]
    pairs = set(zip(wiring.pre.tolist(), wiring.post.tolist(), strict=True))
    assert len(pairs) == wiring.pre.size
    assert all(pre != post for pre, post in pairs)
    expected = sum(
        circuit.populations[q.post].n * q.in_degree
        for q in circuit.projections.values()
        if q.synapse == "GABA_A"
    )
    assert wiring.pre.size == expected


def test_numbers_of_a_circuit_are_data_and_never_structure():
    base = plan().structure
    changes = [
        {"lesions": [{"population": "VTA_DA", "fraction": "0.5"}]},
        {"drugs": [{"drug": "cocaine", "concentration": "1 uM"}]},
        {"set": {"projections.*.weight": "0.5x", "pools.*.DA.k_out": "2x", "populations.*.drive": "1.1x"}},
        {"stimulations": [{"population": "VTA_DA", "kind": "pulses", "n": 2, "rate": "10 Hz"}]},
    ]
    for arm in changes:
        assert plan(arm=arm).structure.digest == base.digest
    longer = {"settle": "2 s", "phases": [{"name": "p", "record": "3 s"}]}
    assert plan(protocol=longer).structure.digest == base.digest
    assert plan(arm={"set": {"populations.VTA_DA.n": "21"}}).structure.digest != base.digest


def test_a_lesion_takes_cells_release_and_carriers_but_not_the_healthy_count():
    intact, lesioned = plan(), plan(arm={"lesions": [{"population": "VTA_DA", "fraction": "0.5"}]})
    circuit = load_circuit(TINY)
    n = circuit.populations["VTA_DA"].n
    dead = (intact.cells["inv_C_m"] > 0) & (lesioned.cells["inv_C_m"] == 0)
    assert dead.sum() == n // 2
    nac = lesioned.labels.pools.index(("NAc", "DA"))
    owners = circuit.pools["NAc"]["DA"].transporters["DAT"]
    lost = 0.5 * float(owners["VTA_DA"].V_max.value)
    assert intact.pools["V_DAT"][nac] - lesioned.pools["V_DAT"][nac] == pytest.approx(lost, rel=1e-12)
    assert np.array_equal(intact.terminals["n_healthy"], lesioned.terminals["n_healthy"])


def test_a_larger_lesion_of_a_subject_contains_the_smaller_one():
    small, large = (
        survivors("VTA_DA", 100, [Lesion(population="VTA_DA", fraction=f)], 1, 0) for f in ("0.3", "0.8")
    )
    assert small.sum() == 70 and large.sum() == 20
    assert not (large & ~small).any()


def test_two_lesions_of_one_population_act_one_after_the_other():
    halves = [Lesion(population="P", fraction="0.5"), Lesion(population="P", fraction="0.5")]
    assert survivors("P", 100, halves, 1, 0).sum() == 25


def test_the_drug_sums_of_a_site_are_those_of_the_pharmacology():
    p = plan(arm={"drugs": [{"drug": "haloperidol", "concentration": "5 nM"}]})
    circuit = load_circuit(TINY)
    for name, site in circuit.sites.items():
        k = p.labels.sites.index(name)
        constants = pharmacology.site_constants(site.receptor, float(site.tau.value), None)
        terms, slow = pharmacology.split_terms(site.receptor, {"haloperidol": 5.0}, constants, "rat")
        assert p.sites["X"][k] == pytest.approx(terms.X, rel=1e-12)
        assert p.sites["S"][k] == pytest.approx(terms.S, rel=1e-12)
        # a standing level: slow binding has come to rest with the transmitter that the pool starts from
        c = p.pools["c_0"][p.sites["pool"][k]]
        x = sum(level for level, _, _ in slow.values())
        assert p.sites["B"][k] == pytest.approx(x / (1 + x + c / constants.K + terms.X), rel=1e-12)
    assert p.sites["B"].any()


def test_a_concentration_acts_in_every_phase_not_before_zero_or_in_those_it_names():
    protocol = {
        "settle": "1 s",
        "phases": [{"name": "before", "record": "1 s"}, {"name": "after", "at": "10 min", "record": "1 s"}],
    }
    clamp = {"drug": "haloperidol", "concentration": "5 nM"}
    levels = {}
    for label, drug in {"default": clamp, "named": clamp | {"phases": ["before"]}}.items():
        levels[label] = [
            step.situation.concentrations["haloperidol"] for step in trial(arm={"drugs": [drug]}, protocol=protocol).phases()
        ]
    assert levels == {"default": [0.0, 5.0], "named": [5.0, 0.0]}


def test_settling_shortens_time_constants_to_a_fifth_of_it():
    p = plan()
    relax = -np.log1p(-p.sites["relax"])
    settling = -np.log1p(-p.sites["relax_settle"])
    tau, tau_settle = 1e-3 / relax, 1e-3 / settling
    assert tau_settle == pytest.approx(np.minimum(tau, 0.2), rel=1e-9)
    assert p.terminals["speed_settle"] == pytest.approx(
        np.maximum(1, p.terminals["tau_rec"] / 0.2), rel=1e-12
    )


def test_a_carrier_of_two_affinities_in_one_pool_is_refused():
    pool = load_circuit(TINY).pools["NAc"]["DA"]
    owner = pool.transporters["DAT"]["VTA_DA"]
    other = owner.model_copy(update={"K_m": Sourced(value=parse("999 nM", "concentration"))})
    pool = pool.model_copy(update={"transporters": {"DAT": {"VTA_DA": owner, "other": other}}})
    with pytest.raises(BuildError, match="carrier DAT.*different K_m.*one K_m per carrier and pool"):
        carriers_of(pool, {})


def test_pulses_lie_on_the_slow_grid_after_settling():
    arm = {
        "stimulations": [
            {
                "population": "VTA_DA",
                "kind": "pulses",
                "n": 3,
                "rate": "10 Hz",
                "duration": "2 ms",
                "amplitude": "1 nA",
                "fraction": "0.5",
                "start": "0.2 s",
            }
        ]
    }
    p = plan(arm=arm)
    assert p.stimuli["on"][0] == 12_000 and p.stimuli["period"][0] == 1_000 and p.stimuli["width"][0] == 20
    assert p.stimuli["off"][0] == 12_000 + 2 * 1_000 + 20
    assert p.stimuli["off"][1] == 0
    assert p.cells["stim_0"].sum() == 10 and p.cells["stim_1"].sum() == 0


def test_a_drug_leaves_fast_receptor_synapses_their_free_fraction():
    circuit = load_circuit("midbrain_raphe")
    fast = next(name for name, q in circuit.projections.items() if q.synapse == "5-HT3")
    free = pharmacology.free_fraction("5-HT3", {"ondansetron": 10.0})
    assert 0 < free < 1
    vehicle = plan(circuit=circuit)
    treated = plan(circuit=circuit, arm={"drugs": [{"drug": "ondansetron", "concentration": "10 nM"}]})
    ratio = treated.wiring["syn_HT3"].weight / vehicle.wiring["syn_HT3"].weight
    assert fast and ratio == pytest.approx(free, rel=1e-12)


@pytest.mark.parametrize("ratio", [1.5, 3.0, 10.0])
def test_slow_kinds_reach_the_weight_at_their_peak(ratio):
    t = np.linspace(0, 5, 500_001)
    rise, decay = 0.05, 0.05 * ratio
    g = decay / (decay - rise) * (np.exp(-t / decay) - np.exp(-t / rise))
    # The grid of 10 us misses the peak by a relative (dt/tau)² / 8.
    assert g.max() == pytest.approx(biexponential_peak(rise, decay), rel=1e-6)


def test_symbols_of_kinds_are_identifiers():
    assert [symbol(kind) for kind in ("AMPA", "5-HT3", "GABA_B")] == ["AMPA", "HT3", "GABA_B"]
    assert all(symbol(kind).isidentifier() for kind in load_circuit("midbrain_raphe").synapses)


def test_r_is_what_others_clear_over_what_the_owner_clears():
    circuit = load_circuit(TINY)
    for row in clearances(circuit):
        region, transmitter = row.pool.split(".")
        pool = circuit.pools[region][transmitter]
        total = float(pool.k_out.value) + sum(
            float(e.V_max.value) / float(e.K_m.value)
            for owners in pool.transporters.values()
            for e in owners.values()
        )
        assert row.r == pytest.approx((total - row.rate) / row.rate, rel=1e-12)


@pytest.mark.parametrize(("EC_50", "word"), [("1 mM", "idles"), ("0.001 nM", "is saturated")])
def test_check_warns_of_a_site_that_cannot_modulate(EC_50, word):
    circuit = load_circuit(TINY)
    name = next(iter(resting_sites(circuit))).name
    changed = circuit.sites[name].model_copy(update={"EC_50": Sourced(value=parse(EC_50, "concentration"))})
    found = build.check_circuit(circuit.model_copy(update={"sites": {**circuit.sites, name: changed}}))
    assert any(f.path == f"sites.{name}" and word in f.text and f.level == "warning" for f in found)


def test_plans_hold_one_affinity_and_block_per_carrier():
    p = plan(arm={"drugs": [{"drug": "cocaine", "concentration": "1 uM"}]})
    for carrier in build.CARRIERS:
        expected = pharmacology.carrier_terms(carrier, {"cocaine": 1000.0}, pharmacology.Knowledge(species="rat")).B
        assert np.all(p.pools[f"B_{carrier}"] == expected) and expected > 0
    for k, (a, b) in enumerate(zip(p.cross["pool"], p.cross["partner"], strict=True)):
        partner = p.labels.pools[b][1]
        assert p.labels.pools[a][0] == p.labels.pools[b][0]
        assert p.cross["k_SERT"][k] == pytest.approx(1 / reference.cross_K_m("SERT", partner), rel=1e-12)


def test_lengths_are_whole_slow_steps():
    p = plan(protocol={"settle": "0.5 s", "phases": [{"name": "p", "record": "1 s"}]})
    assert (p.settle_steps, p.record_steps) == (5_000, 10_000)
    assert replace(p, record_steps=20_000).record == pytest.approx(2.0)
