"""Sites that only a part of the cells bears: who bears them, and that what they do reaches nobody else."""

import numpy as np
import pytest

from neurosim import build
from neurosim.analysis.influence import influences
from neurosim.build.classes import bearers, cell_classes
from neurosim.build.layout import Layout
from neurosim.engines import get_engine
from neurosim.errors import BuildError, SpecError
from neurosim.runner.validate import validate_circuit
from neurosim.spec import Circuit, Experiment, Protocol, Site, load_circuit, resolve

TINY = load_circuit("tests/data/tiny.yaml")
GIRK = {"effects": [{"girk": "100 nS"}]}


def with_sites(**sites) -> Circuit:
    """The tiny circuit, with other keys of some sites and new sites like HT2C_VTA_GABA."""
    stated = TINY.model_dump(by_alias=True, exclude_unset=True)
    for name, keys in sites.items():
        stated["sites"][name] = stated["sites"].get(name, stated["sites"]["HT2C_VTA_GABA"]) | keys
    return Circuit.model_validate(stated)


def trial(circuit, subject=0, **arm):
    protocol = {"settle": "0.2 s", "phases": [{"name": "p", "record": "2 s"}]}
    experiment = Experiment(name="x", circuit=circuit, seed=1, protocol=protocol, arms={"a": arm})
    return build.Trial(resolve(experiment, "a", {}), subject)


def plan(circuit, subject=0, **arm):
    return next(trial(circuit, subject, **arm).phases())[2]


def structure(circuit):
    return Layout(circuit, Protocol.resting()).structure


def cells_of(p, population):
    ends = dict(zip(p.labels.populations, np.cumsum(p.labels.population_sizes), strict=True))
    n = dict(zip(p.labels.populations, p.labels.population_sizes, strict=True))
    return slice(ends[population] - n[population], ends[population])


def test_without_shares_a_population_is_one_class():
    classes = cell_classes(TINY)
    assert [c.n for c in classes.values()] == [1] * len(TINY.populations)
    assert [c.first for c in classes.values()] == list(range(len(TINY.populations)))
    assert structure(TINY).n_classes == len(TINY.populations)


@pytest.mark.parametrize("share", [0.0, 0.37, 1.0])
def test_as_many_cells_bear_a_site_as_its_share_says(share):
    site = with_sites(HT2C_VTA_GABA={"share": share}).sites["HT2C_VTA_GABA"]
    assert bearers("HT2C_VTA_GABA", site, 200, 1, 0).sum() == round(200 * share)


def test_bearers_differ_between_subjects_and_grow_with_the_share():
    some, more = (with_sites(HT2C_VTA_GABA={"share": share}).sites["HT2C_VTA_GABA"] for share in (0.3, 0.6))
    first, second = (bearers("x", some, 100, 1, subject) for subject in (0, 1))
    assert (first != second).any()
    assert not (first & ~bearers("x", more, 100, 1, 0)).any()


def test_two_sites_are_drawn_apart_unless_one_goes_along_with_the_other():
    share = {"share": 0.5}
    apart = with_sites(HT2C_VTA_GABA=share, other=share)
    along = with_sites(HT2C_VTA_GABA=share, other={"share": 0.25, "along_with": "HT2C_VTA_GABA"})

    def both(circuit):
        masks = (bearers(name, circuit.sites[name], 1000, 1, 0) for name in ("HT2C_VTA_GABA", "other"))
        return np.logical_and(*masks).sum()

    # a quarter by chance, hypergeometric: 250 of 1000 with a standard deviation of 8
    assert 250 - 4 * 8 < both(apart) < 250 + 4 * 8
    assert both(along) == 250


def test_classes_are_the_sets_of_sites_and_links_go_to_those_that_bear_them():
    circuit = with_sites(HT2C_VTA_GABA={"share": 0.5}, other={"share": 0.5})
    p = plan(circuit)
    own = p.cells["cell_class"][cells_of(p, "VTA_GABA")]
    classes = cell_classes(trial(circuit).resolved.circuit)["VTA_GABA"]
    assert set(own) == set(range(classes.first, classes.first + 4))
    for name in classes.partial:
        masks = p.site_links["site"] == p.labels.sites.index(name)
        reached = np.isin(own, p.site_links["cell_class"][masks])
        np.testing.assert_array_equal(reached, bearers(name, circuit.sites[name], own.size, 1, 0))
    # D2_VTA_GABA, which all bear, reaches all four
    of_all = p.site_links["site"] == p.labels.sites.index("D2_VTA_GABA")
    assert set(p.site_links["cell_class"][of_all]) == set(own)


def test_a_share_is_a_number_of_the_run_and_stating_one_is_structure():
    half, all_of = (structure(with_sites(D2_VTA={"share": share})) for share in (0.5, 1.0))
    assert half.digest == all_of.digest != structure(TINY).digest


def test_an_arm_may_change_the_share_and_keeps_the_rest_of_its_subject():
    circuit = with_sites(D2_VTA={"share": 0.5})
    one, other = plan(circuit), plan(circuit, set={"sites.D2_VTA.share": 0.25})
    assert {key for key in one.cells if not np.array_equal(one.cells[key], other.cells[key])} == {"cell_class"}


def test_what_a_site_does_reaches_its_bearers_and_nobody_else():
    """A K conductance that no cell withstands: bearers fall silent, most of what the others fire is left."""
    agonist = {"drugs": [{"drug": "quinpirole", "concentration": "10 uM"}]}
    deaf = {"effects": [{"girk": "0 nS"}]}
    runs = [
        get_engine("numpy").run(plan(with_sites(D2_VTA={"share": 0.5} | effects), **agonist)) for effects in (GIRK, deaf)
    ]
    p = plan(with_sites(D2_VTA={"share": 0.5}))
    cells, borne = cells_of(p, "VTA_DA"), bearers("D2_VTA", with_sites(D2_VTA={"share": 0.5}).sites["D2_VTA"], 20, 1, 0)
    counts = [np.bincount(raw.spike_i, minlength=p.structure.n_cells)[cells] for raw in runs]
    assert counts[0][borne].sum() == 0 < counts[1][borne].sum()
    assert counts[0][~borne].sum() > 0.5 * counts[1][~borne].sum() > 0


def test_mean_influence_counts_the_bearers():
    def direct(circuit):
        ways = influences(circuit, {}, {"D2_VTA": 0.5})
        return [w.current for w in ways if w.target == "VTA_DA" and w.by == "receptors" and "D2_VTA" in w.parts]

    whole = np.array(direct(TINY))
    assert whole.size and (whole < 0).all()
    np.testing.assert_allclose(direct(with_sites(D2_VTA={"share": 0.25})), 0.25 * whole, rtol=1e-12)


WRONG = {
    "sites.D2_NAc.share: says which cells bear the receptor, but release of a population is one number": {
        "D2_NAc": {"share": 0.5}
    },
    "sites.D2_VTA.share: '1.5' is out of range; allowed: from 0 to 1": {"D2_VTA": {"share": 1.5}},
    "sites.D2_VTA.along_with: unknown site with a share of its own on VTA_DA 'HT2C_VTA_GABA'": {
        "D2_VTA": {"share": 0.5, "along_with": "HT2C_VTA_GABA"},
        "HT2C_VTA_GABA": {"share": 0.5},
    },
    "sites.other.along_with: goes with share": {
        "HT2C_VTA_GABA": {"share": 0.5},
        "other": {"share": None, "along_with": "HT2C_VTA_GABA"},
    },
    "sites.s5.share: VTA_GABA has 7 sites with a share; allowed: 6": {
        "HT2C_VTA_GABA": {"share": 0.5},
        **{f"s{k}": {"share": 0.5} for k in range(6)},
    },
}


@pytest.mark.parametrize("words", WRONG)
def test_shares_that_make_no_sense_are_refused(words):
    with pytest.raises(SpecError) as caught:
        with_sites(**WRONG[words])
    assert words in str(caught.value)


def test_one_near_field_has_one_time_constant():
    near = {"h": "5 nM/Hz", "population": "VTA_DA"}
    fields = {name: {"near_field": near | {"tau": tau}} for name, tau in (("D2_VTA", "100 ms"), ("D2_VTA_GABA", "250 ms"))}
    circuit = with_sites(**fields)
    words = r"sites\.D2_VTA_GABA\.near_field\.tau: 250 ms, but D2_VTA hears the same near field with 100 ms"
    with pytest.raises(SpecError, match=words):
        validate_circuit(circuit)
    # an arm that sets one of them is not looked at before its trials
    words = r"sites\.D2_VTA_GABA\.near_field\.tau is 0\.25 s, but D2_VTA hears the same near field with 0\.1 s"
    with pytest.raises(BuildError, match=words):
        plan(circuit)


def test_a_site_is_borne_by_all_unless_it_says_otherwise():
    site: Site = TINY.sites["D2_VTA"]
    assert site.share is None and site.borne == 1.0
