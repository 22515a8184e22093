"""Indices of drawn scans: against what is known exactly, and through a whole run."""

import json
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from synthetic import SSRI, Treatment, results_folder

import neurosim as ns
from neurosim.analysis import Axis, axis_ends, open_results, sensitivity
from neurosim.errors import ResultSchemaError, SpecError
from neurosim.pharmacology import drug_terms, site_constants
from neurosim.spec import Sample
from neurosim.spec._axis import unit_points

pytestmark = pytest.mark.usefixtures("plain_figure")

HEAD = """
schema: neurosim-experiment/1
name: drawn
circuit: tiny
engine: none
subjects: 2
protocol: {phases: [{name: peak, at: 1 h}, {name: late, at: 6 h}]}
arms:
  vehicle: {}
  blocked: {drugs: [{drug: haloperidol, concentration: 1 nM}, {drug: escitalopram, concentration: 5 nM}]}
scan:
"""
HALO = "  halo: {path: arms.blocked.drugs.haloperidol.concentration, log_uniform: [0.1 nM, 10 nM]}\n"
SSRI_AXIS = "  ssri: {path: arms.blocked.drugs.escitalopram.concentration, uniform: [1 nM, 11 nM]}\n"
TONE = "  tone: {path: 'arms.blocked.drugs.escitalopram.concentration', values: [1 nM, 9 nM]}\n"


def design(method, n, n_axes, seed=3):
    return np.array(unit_points(Sample(method=method, n=n, seed=seed), n_axes))


def made(method, n, X):
    """What sensitivity reads of results whose axes go from 0 to 1."""
    axes = [Axis(f"x{k}", tuple(column), "1", f"circuit.x{k}") for k, column in enumerate(X.T)]
    said = {"sample": {"method": method, "n": n}, "scan": {axis.name: {"uniform": ["0", "1"]} for axis in axes}}
    return SimpleNamespace(
        folder="made", axes={"point": Axis.point(axes)}, attributes={"resolved": json.dumps(said)}
    )


def indices(method, n, n_axes, function, seed=0):
    """Of a function of the points that is known in closed form."""
    X = design(method, n, n_axes)
    Y = np.asarray(function(X))
    return sensitivity(made(method, n, X), xr.DataArray(Y, dims=("point", "readout")[: Y.ndim]), seed=seed)


def ishigami(X, a=7.0, b=0.1):
    x, y, z = np.pi * (2 * X.T - 1)
    return np.sin(x) + a * np.sin(y) ** 2 + b * z**4 * np.sin(x)


@pytest.fixture
def drawn(tiny):
    """Runs an experiment without spikes over given axes."""

    def run(*axes, sample="{method: saltelli, n: 16}", **settings):
        (tiny / "drawn.yaml").write_text(f"{HEAD}{''.join(axes)}sample: {sample}\n", encoding="utf-8")
        return ns.run("drawn.yaml", set=settings or None)

    return run


def test_the_indices_of_ishigami_are_the_analytic_ones_within_their_intervals():
    a, b = 7.0, 0.1
    V1, V2, V13 = (1 + b * np.pi**4 / 5) ** 2 / 2, a**2 / 8, b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    V = V1 + V2 + V13
    exact = {"S1": np.array([V1, V2, 0]) / V, "ST": np.array([V1 + V13, V2, V13]) / V}
    for mean in (0, 1000):
        found = indices("saltelli", 1024, 3, lambda X, mean=mean: mean + ishigami(X))
        for name, values in exact.items():
            half = found[f"{name}_high"] - found[name]
            np.testing.assert_allclose(found[name] - found[f"{name}_low"], half)
            assert (np.abs(found[name] - values) <= 2 * half).all(), name  # four standard errors
            assert (half < 0.15).all()


def test_an_additive_function_has_total_indices_equal_to_first_order_ones():
    found = indices("saltelli", 512, 3, lambda X: X @ np.array([1.0, 2.0, 3.0]))
    exact = np.array([1.0, 4.0, 9.0]) / 14
    for name in ("S1", "ST"):
        assert (np.abs(found[name] - exact) <= 2 * (found[f"{name}_high"] - found[name])).all()


def test_elementary_effects_of_a_linear_function_are_its_coefficients():
    found = indices("morris", 10, 3, lambda X: X @ np.array([1.0, -2.0, 0.0]))
    np.testing.assert_allclose(found.mu, [1, -2, 0], atol=1e-12)
    np.testing.assert_allclose(found.mu_star_low, [1, 2, 0], atol=1e-12)
    np.testing.assert_allclose(found.mu_star_high, [1, 2, 0], atol=1e-12)
    np.testing.assert_allclose(found.sigma, 0, atol=1e-12)


def test_elementary_effects_of_ishigami_are_the_analytic_ones_within_their_intervals():
    # four levels: x is -pi, -pi/3, pi/3 or pi, moves by 2/3 of the range, and sin(pi/3) ** 2 is 3/4
    one, three = np.sin(np.pi / 3) / (2 / 3), 0.1 * np.pi**4 * (1 - 1 / 81) / (2 / 3)
    first = one * (1 + 0.1 * np.pi**4 * (1 + 1 / 81) / 2)
    found = indices("morris", 200, 3, ishigami)
    half = found.mu_star_high - found.mu_star
    np.testing.assert_allclose(found.mu_star - found.mu_star_low, half)
    assert (np.abs(found.mu_star - [first, 7 * 0.75 / (2 / 3), three * np.sin(np.pi / 3) / 2]) <= 2 * half + 1e-9).all()
    assert (half < 0.25 * found.mu_star).all()
    assert found.mu[0] == pytest.approx(found.mu_star[0]), "one way only"
    assert (np.abs(found.mu[1:]) < found.sigma[1:] / 2).all(), "both ways"


@pytest.mark.parametrize(("method", "n"), [("saltelli", 64), ("morris", 8)])
def test_many_readouts_at_once_are_each_alone_and_a_constant_one_has_none(method, n):
    def three(X):
        return np.stack([X[:, 0], X.prod(axis=1), np.full(len(X), 0.1) * 3 + 1e-17 * X[:, 0]], axis=1)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together = indices(method, n, 2, three)
    for name, values in together.items():
        assert values.dims == ("axis", "readout") and np.isnan(values[:, 2]).all()
        for k in range(2):
            np.testing.assert_array_equal(values[:, k], indices(method, n, 2, lambda X, k=k: three(X)[:, k])[name])


def test_base_samples_that_are_all_alike_tell_no_variance():
    """SALib has the indices 0 there, though points between the base samples differ."""
    X = design("saltelli", 8, 1)
    found = sensitivity(made("saltelli", 8, X), xr.DataArray(np.tile([1.0, 2.0, 1.0], 8), dims="point"))
    assert all(np.isnan(values).all() for values in found.values())


@pytest.mark.parametrize(("method", "n"), [("saltelli", 16), ("morris", 8)])
def test_the_seed_tells_the_intervals_and_the_global_generator_is_left_alone(method, n):
    before = np.random.get_state()
    first, again, other = (indices(method, n, 3, ishigami, seed=seed) for seed in (0, np.int64(0), 1))
    after = np.random.get_state()
    assert (before[1] == after[1]).all() and before[2:] == after[2:]
    xr.testing.assert_identical(first, again)
    name = {"saltelli": "ST", "morris": "mu_star"}[method]
    assert (first[name] == other[name]).all() and (first[f"{name}_low"] != other[f"{name}_low"]).any()


def test_without_its_package_it_is_refused_in_words(monkeypatch):
    X = design("morris", 4, 2)
    monkeypatch.setitem(sys.modules, "SALib.analyze", None)
    with pytest.raises(SpecError, match="needs the package SALib, which is not installed: .* its extra 'explore'"):
        sensitivity(made("morris", 4, X), xr.DataArray(X[:, 0], dims="point"))


@pytest.mark.parametrize(
    ("method", "n", "X", "words"),
    [
        ("saltelli", 8, np.zeros((33, 2)), "33 points are no saltelli design of 2 axes with n: 8: 8 × 4 are"),
        ("saltelli", 4, np.zeros((16, 2)), "4 base samples tell no index; at least 8"),
        ("morris", 3, design("random", 9, 2), "more or less than one axis moves"),
        ("morris", 3, design("random", 8, 2), "8 points are no morris design of 2 axes with n: 3: 3 × 3 are"),
    ],
)
def test_points_that_are_no_design_are_refused(method, n, X, words):
    with pytest.raises(ResultSchemaError, match=words):
        sensitivity(made(method, n, X), xr.DataArray(np.arange(len(X)), dims="point"))


def test_a_run_gives_the_indices_of_the_law_of_binding(drawn):
    results = drawn(HALO, SSRI_AXIS, sample="{method: saltelli, n: 64}")
    found = results.sensitivity("occupancy", site="D2_NAc", ligand="haloperidol")
    assert found.S1.dims == ("axis",) and list(found.axis.values) == ["halo", "ssri"]
    assert (found.attrs["method"], found.attrs["n"], found.attrs["n_points"]) == ("saltelli", 64, 256)
    assert (str(found.arm.values), str(found.phase.values)) == ("blocked", "late")
    # closed form at the points that were drawn
    receptors = results.summary["receptors"].sel(arm="blocked", subject=0, phase="late", site="D2_NAc")
    K = site_constants("D2", 10.0, None)
    x = [drug_terms("D2", {"haloperidol": c}, K, "rat").X for c in receptors.halo.values]
    x_T = receptors.transmitter_occupancy / (1 - receptors.transmitter_occupancy - receptors.occupancy.sum("ligand"))
    occupancy = np.array(x) / (1 + x_T.values + np.array(x))
    exact = sensitivity(results, xr.DataArray(occupancy, dims="point"))
    np.testing.assert_allclose(found.ST.values, exact.ST.values, rtol=1e-6, atol=1e-12)
    assert found.ST.sel(axis="ssri") == 0, "escitalopram has nothing to do with D2"
    assert found.S1.sel(axis="halo") == pytest.approx(1.0, abs=2 * float((found.S1_high - found.S1).sel(axis="halo")))
    assert found.S1.attrs["units"] == "1"
    xr.testing.assert_identical(found, ns.sensitivity(results, "occupancy", site="D2_NAc", ligand="haloperidol"))


def test_other_dimensions_are_kept_and_arms_may_be_compared(drawn):
    results = drawn(HALO, "  tone: {path: 'levels[\"NAc.DA\"]', values: [20 nM, 60 nM]}\n", SSRI_AXIS)
    found = results.sensitivity("activation", arm="blocked", phase="peak")
    assert found.ST.dims == ("axis", "tone", "site")
    assert found.receptor.dims == ("site",) and list(found.tone.values) == [20, 60]
    moved = found.ST.sel(axis="halo", site="D2_NAc")
    assert (moved > 0.8).all()
    both = results.sensitivity("activation", site="D2_NAc", tone=20)
    assert both.ST.dims == ("axis", "arm") and np.isnan(both.ST.sel(arm="vehicle")).all(), "of which the tone changes one"
    activation = results.summary["receptors"].activation
    change = activation.sel(arm="blocked") - activation.sel(arm="vehicle")
    by_hand = results.sensitivity(change, phase="peak", site="D2_NAc")
    np.testing.assert_allclose(by_hand.ST, found.ST.sel(site="D2_NAc"), rtol=1e-9)


def test_effects_of_a_run_are_in_the_unit_of_the_readout_over_the_whole_range(drawn):
    results = drawn(HALO, SSRI_AXIS, sample="{method: morris, n: 6}")
    found = results.sensitivity("drugs/concentration")
    assert found.mu.dims == ("axis", "drug") and found.mu.attrs["units"] == "nM"
    assert float(found.mu.sel(axis="ssri", drug="escitalopram")) == pytest.approx(10, rel=1e-9)
    assert float(found.sigma.sel(axis="ssri", drug="escitalopram")) == pytest.approx(0, abs=1e-7)
    assert float(found.mu_star.sel(axis="halo", drug="escitalopram")) == pytest.approx(0, abs=1e-7)
    assert float(found.sigma.sel(axis="halo", drug="haloperidol")) > 0.1, "exponential over a logarithmic axis"


def test_axis_ends_take_the_unit_of_the_first():
    assert axis_ends("0.5x", "2x") == (0.5, 2.0, "x")
    assert axis_ends("1", "3") == (1.0, 3.0, "")
    assert axis_ends("100 ug/kg", "1 mg/kg") == (100.0, pytest.approx(1000.0), "ug/kg")


WRONG = {
    "a scan drawn otherwise": (
        lambda run: run(HALO, sample="{method: sobol, n: 16}").sensitivity("activation"),
        r"needs a scan with sample: \{method: saltelli, n: 256\}.* were drawn with sobol",
    ),
    "an axis that only goes along": (
        lambda run: run(HALO, TONE.replace("[1 nM, 9 nM]", f"{['1 nM'] * 24}, zip: true"), sample="{method: saltelli, n: 8}")
        .sensitivity("activation"),
        "the axis 'tone' goes along the drawn points without being drawn",
    ),
    "a name in two groups": (
        lambda run: in_two_groups(run(HALO)),
        "'activation' is in the groups drugs and receptors|'activation' is in the groups receptors and drugs",
    ),
    "an unknown variable": (lambda run: run(HALO).sensitivity("activaton"), "did you mean 'activation'"),
    "an unknown label": (lambda run: run(HALO).sensitivity("activation", site="D2_NAC"), "no site 'D2_NAC'.*'D2_NAc'"),
    "an unknown dimension": (
        lambda run: run(HALO).sensitivity("activation", sit="D2_NAc"),
        "activation has no dimension 'sit': did you mean 'site'",
    ),
    "an unknown arm": (lambda run: run(HALO).sensitivity("activation", arm="blokked"), "did you mean 'blocked'"),
    "an unknown group": (lambda run: run(HALO).sensitivity("receptor/activation"), "did you mean 'receptors'"),
    "some of the points": (
        lambda run: (r := run(HALO)).sensitivity(r.summary["receptors"].activation.isel(point=slice(9))),
        "9 points are given, not the 48 of the scan",
    ),
    "no array": (lambda run: run(HALO).sensitivity(np.ones(48)), "or a DataArray with the dimension 'point'; given ndarray"),
    "a value that is not there": (
        lambda run: with_a_hole(run(HALO)),
        r"1 of 96 values of activation are not finite, the first at point 17 \(halo .* nM\), subject 1",
    ),
    "no value at all": (
        lambda run: (r := run(HALO)).sensitivity(np.nan * r.summary["receptors"].activation),
        "is NaN at every point",
    ),
}


def in_two_groups(results):
    results.summary["drugs"]["activation"] = results.summary["drugs"].concentration
    return results.sensitivity("activation")


def with_a_hole(results):
    values = results.summary["receptors"].activation.sel(arm="blocked", phase="late", site="D2_NAc").load().copy()
    values[{"subject": 1, "point": 17}] = np.nan
    return results.sensitivity(values)


@pytest.mark.parametrize("case", WRONG)
def test_what_tells_no_index_is_refused_in_a_sentence(drawn, case):
    call, words = WRONG[case]
    with pytest.raises(ResultSchemaError, match=words):
        call(drawn)


def test_a_trial_without_data_is_refused_and_only_of_the_arm_that_is_asked_for(tmp_path):
    X = design("morris", 2, 2)
    axes = [Axis(name, tuple(X[:, k]), "1", f"circuit.{name}") for k, name in enumerate(("a", "b"))]
    said = {"sample": {"method": "morris", "n": 2}, "scan": {name: {"uniform": ["0", "1"]} for name in "ab"}}
    folder = results_folder(
        tmp_path / "made",
        arms={"vehicle": Treatment(), "one": SSRI, "two": SSRI},
        axes=[Axis.point(axes)],
        outcomes={("two", 1): "failed"},
        at_point=lambda given, point: Treatment({"DRN_HT": 0.5 + X[point[0], 0]}, given.levels),
        phases=("drug",),
        attributes={"resolved": json.dumps(said)},
    )
    with open_results(folder) as results:
        whole = results.sensitivity("firing_rate", arm="one")
        assert whole.mu.dims == ("axis", "population") and whole.mu.attrs["units"] == "Hz"
        assert whole.mu.sel(axis="a", population="DRN_HT") > 0.3 and whole.mu.sel(axis="b", population="DRN_HT") == 0
        words = r"6 of 24 trials have no data, the first \(failed\) of arm 'two', subject 1 at point 0 \(a .*, b .*\)"
        with pytest.raises(ResultSchemaError, match=words):
            results.sensitivity("firing_rate")
        nowhere = results.sensitivity("pools/concentration", arm="one")
        assert np.isnan(nowhere.mu.sel(region="DRN", transmitter="DA")).all(), "a pool that does not exist"
