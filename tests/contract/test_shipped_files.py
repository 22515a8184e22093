"""What holds for every circuit and experiment that ships."""

import numpy as np
import pytest

from neurosim import reference
from neurosim.build import Still, Trial, check_circuit
from neurosim.build.checks import resting_sites
from neurosim.runner.trials import expand
from neurosim.runner.validate import validate
from neurosim.spec import (
    axis_values,
    list_circuits,
    list_experiments,
    load_circuit,
    load_experiment,
    provenance,
    resolve,
    scan_points,
)

CIRCUITS = ("midbrain_raphe", "human_midbrain_raphe")
SHIPPED = ("acute_escitalopram", "raphe_lesion", "dopamine_lesion", "autoreceptor_agonists", "acute_haloperidol",
           "acute_cocaine", "sert_dose_response")  # fmt: skip
CROSSED = ("balance_map", "snc_loss", "ssri_dose_response")


def test_what_is_promised_ships():
    assert {*CIRCUITS} <= set(list_circuits())
    assert {*SHIPPED, *CROSSED, "d2_occupancy"} <= set(list_experiments())


@pytest.mark.parametrize("name", list_experiments())
def test_every_shipped_experiment_loads_and_would_run(name):
    experiment = load_experiment(name)
    assert experiment.name == name and experiment.description
    validate(experiment)


@pytest.mark.parametrize("name", CROSSED)
def test_crossed_axes_meet_in_one_arm_whose_every_point_is_another_trial(name):
    experiment = load_experiment(name)
    points, reference_arm = len(scan_points(experiment)), experiment.reference.arm
    met = next(arm for arm in experiment.arms if arm != reference_arm)
    keys = expand(experiment, "brian2").keys
    trials = {arm: len({key for (a, s, _), key in keys.items() if (a, s) == (arm, 0)}) for arm in (reference_arm, met)}
    assert len(experiment.scan) == 2
    assert trials[met] == points > trials[reference_arm]


def test_the_experiment_without_spikes_can_be_evaluated():
    experiment = load_experiment("d2_occupancy")
    validate(experiment)
    still = Still(resolve(experiment, "haloperidol", {"dose": 0}), ("haloperidol",))
    held = still.receptors(np.array([[0.0], [1e6]]))["occupancy"][:, still.sites.index("D2_DSt"), 0]
    assert held[0] == 0 and held[1] > 0.99, "none of it holds nothing, a lot of it everything"


@pytest.mark.parametrize("name", CIRCUITS)
def test_every_number_of_a_circuit_has_a_source_and_a_basis(name):
    found = provenance(load_circuit(name))
    assert len(found) > 500
    assert [p.path for p in found if p.basis is None or not p.source] == []


@pytest.mark.parametrize("name", CIRCUITS)
def test_every_population_and_pool_has_a_band(name):
    circuit = load_circuit(name)
    assert [n for n, p in circuit.populations.items() if p.band is None] == []
    assert [(r, t) for r, pools in circuit.pools.items() for t, p in pools.items() if p.band is None] == []


def test_the_receptors_of_the_pathways_are_there():
    circuit = load_circuit("midbrain_raphe")
    heard = {site.receptor for site in circuit.sites.values()}
    heard |= {kind.receptor for kind in circuit.synapses.values() if kind.receptor}
    assert {"D1", "D2", "5-HT1A", "5-HT1B", "5-HT2A", "5-HT2C", "5-HT3"} <= heard


def test_no_autoreceptor_idles_or_is_saturated_at_rest():
    """MODEL §4: a site outside 0.05-0.8 at rest cannot modulate."""
    circuit = load_circuit("midbrain_raphe")
    for row in resting_sites(circuit):
        site = circuit.sites[row.name]
        made_by = circuit.populations[site.on].transmitter
        if made_by == reference.receptor(site.receptor).ligand:
            assert 0.05 <= row.activation <= 0.8, row


def test_check_says_r_for_every_pool():
    circuit = load_circuit("midbrain_raphe")
    texts = {f.path: f.text for f in check_circuit(circuit) if f.path.startswith("pools.")}
    assert len(texts) == sum(len(pools) for pools in circuit.pools.values())
    assert all(" r = " in text for text in texts.values())


@pytest.mark.parametrize("name", SHIPPED)
def test_every_arm_of_a_shipped_experiment_can_be_planned(name):
    experiment = load_experiment(name)
    validate(experiment)
    point = scan_points(experiment)[0]
    assert set(point) == set(axis_values(experiment))
    digests = set()
    for arm in experiment.arms:
        for _, _, plan, _ in Trial(resolve(experiment, arm, point), 0).phases():
            digests.add(plan.structure.digest)
    assert len(digests) == 1
