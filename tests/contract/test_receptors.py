"""Every receptor of the table: complete, at its half-point at EC_50, and at work in a circuit whose species has it."""

import numpy as np
import pytest

from neurosim import pharmacology, reference
from neurosim.build import Still, Trial
from neurosim.build.chemistry import site_link_arrays
from neurosim.build.layout import Layout
from neurosim.errors import SpecError
from neurosim.runner.validate import validate, validate_circuit
from neurosim.spec import Experiment, Protocol, list_circuits, load_circuit, provenance, resolve

CIRCUITS = tuple(list_circuits())
RECEPTORS = reference.receptor_names()
#: Splice variants share the sites of the receptor that drugs know.
TARGETS = tuple(dict.fromkeys(reference.receptor(name).target for name in RECEPTORS))
WANTED = (
    "D1", "D2", "D3", "D4", "D5", "5-HT1A", "5-HT1B", "5-HT1D", "5-HT1E", "5-HT1F", "5-HT2A", "5-HT2B", "5-HT2C",
    "5-HT3", "5-HT4", "5-HT5A", "5-HT5B", "5-HT6", "5-HT7", "alpha1A", "alpha2A",
)  # fmt: skip


def at_work(circuit):
    """Receptors that do something: an effect of a site reaches a cell or a terminal, or synapses act through them."""
    layout = Layout(circuit, Protocol.resting())
    arrays = site_link_arrays(layout)
    effects = [values for key, values in arrays.items() if key not in ("site", "population")]
    acting = set(arrays["site"][np.any(np.abs(effects) > 0, axis=0)])
    acting |= {site for site, _, factor in layout.terminal_links if factor != 0}
    found = {circuit.sites[name].receptor for name, k in layout.sites.items() if k in acting}
    kinds = {p.synapse for p in circuit.projections.values() if float(p.weight.value) > 0}
    found |= {circuit.synapses[kind].receptor for kind in kinds} - {None}
    return {reference.receptor(name).target for name in found}


def test_the_table_has_all_of_them():
    assert set(TARGETS) == set(WANTED)


@pytest.mark.parametrize("name", WANTED)
def test_a_circuit_of_a_species_that_has_it_puts_it_to_work(name):
    absent = reference.receptor(name).absent_in
    having = [circuit for circuit in map(load_circuit, CIRCUITS) if circuit.species not in absent]
    assert any(name in at_work(circuit) for circuit in having)


@pytest.mark.parametrize("name", CIRCUITS)
def test_no_circuit_has_a_receptor_that_its_species_lacks(name):
    circuit = load_circuit(name)
    for receptor in {site.receptor for site in circuit.sites.values()}:
        assert circuit.species not in reference.receptor(receptor).absent_in, receptor
    validate_circuit(circuit)


@pytest.mark.parametrize("name", RECEPTORS)
def test_a_receptor_has_affinity_coupling_and_kinetics(name):
    found = reference.receptor(name)
    assert found.Ki_high > 0 and found.EC_50 > 0
    assert found.coupling and found.net_effect and found.role and found.row["main_effectors"]
    assert 0 < found.onset_s < found.decay_s
    assert found.verified == "memory" or found.row["verified_fields"], "what was read is said"


@pytest.mark.parametrize("name", RECEPTORS)
@pytest.mark.parametrize("tau", [0.1, 1.0, 10.0])
def test_activation_at_EC_50_is_half_of_what_can_be_reached(name, tau):
    for EC_50 in (None, 7.0):
        constants = pharmacology.site_constants(name, tau, EC_50)
        half = pharmacology.activation(constants.EC_50, constants.K, tau)
        assert half == pytest.approx(pharmacology.activation_limit(tau) / 2, rel=1e-12)
        assert pharmacology.activation(1e15, constants.K, tau) == pytest.approx(2 * half, rel=1e-6)
        assert EC_50 is None or pytest.approx(EC_50, rel=1e-12) == constants.EC_50
    if reference.receptor(name).K_func is None:
        assert pytest.approx(reference.receptor(name).EC_50) == pharmacology.site_constants(name, tau).EC_50


@pytest.mark.parametrize("circuit", CIRCUITS)
def test_a_site_that_states_no_EC_50_has_that_of_its_receptor(circuit):
    layout = Layout(load_circuit(circuit), Protocol.resting())
    for name, site in layout.circuit.sites.items():
        found = reference.receptor(site.receptor)
        expected = found.EC_50 if found.K_func is None else found.K_func / (1 + float(site.tau.value))
        expected = expected if site.EC_50 is None else float(site.EC_50.value)
        assert pytest.approx(expected) == layout.site_constants[name].EC_50, name


def test_the_circuit_of_man_differs_in_its_receptors_alone():
    rat, man = load_circuit("midbrain_raphe"), load_circuit("human_midbrain_raphe")
    assert (rat.species, man.species) == ("rat", "human")
    assert set(rat.sites) - set(man.sites) == {"HT5B_DRN"} and set(man.sites) - set(rat.sites) == {"HT1E_mPFC_Pyr"}
    numbers = [{row.path: row.text for row in provenance(circuit)} for circuit in (rat, man)]
    changed = {path for path, text in set(numbers[0].items()) ^ set(numbers[1].items())}
    assert {path.split(".")[1] for path in changed} == {"HT5B_DRN", "HT1E_mPFC_Pyr"}


def human(engine, **drugs):
    arm = {"drugs": [{"drug": name, "concentration": c} for name, c in drugs.items()]}
    phases = [{"name": "rest", "record": "0.2 s"}]
    return Experiment(
        name="human", circuit="human_midbrain_raphe", arms={"drug": arm}, engine=engine,
        protocol={"settle": "0.1 s", "phases": phases},
    )  # fmt: skip


def test_an_experiment_without_spikes_sees_the_receptors_of_man():
    experiment = human("none", LSD="10 nM")
    validate(experiment)
    still = Still(resolve(experiment, "drug"), ("LSD",))
    held = still.receptors(np.array([[10.0]]))["occupancy"][0, :, 0]
    assert 0 < held[still.sites.index("HT1E_mPFC_Pyr")] < held[still.sites.index("HT5A_mPFC_Pyr")] < 1


def test_an_experiment_with_spikes_can_be_planned_for_man():
    trial = Trial(resolve(human("brian2", LSD="10 nM"), "drug"), 0)
    ((_, _, plan, _),) = trial.phases()
    k = plan.labels.sites.index("HT1E_mPFC_Pyr")
    assert plan.sites["X"][k] > 0 and plan.sites["tau"][k] == 1


def test_a_species_that_lacks_a_receptor_of_the_circuit_is_refused_before_anything_runs():
    experiment = Experiment(
        name="x", circuit="midbrain_raphe", species="human", arms={"rest": {}}, engine="none",
        protocol={"settle": "1 s", "phases": [{"name": "rest", "record": "1 s"}]},
    )  # fmt: skip
    with pytest.raises(SpecError) as caught:
        validate(experiment)
    assert str(caught.value).split("midbrain_raphe.yaml:")[1].split(": ", 1)[1] == (
        "sites.HT5B_DRN.receptor: species human has no receptor 5-HT5B; give another circuit, or extend this one "
        "and say sites: {HT5B_DRN: {remove: true}}"
    )
