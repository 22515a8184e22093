"""Indices of drawn scans: against what is known exactly, against SALib, and through a whole run."""

import json

import numpy as np
import pytest
import xarray as xr
from SALib.analyze import morris as salib_morris
from SALib.analyze import sobol as salib_sobol
from synthetic import SSRI, Treatment, results_folder

import neurosim as ns
from neurosim.analysis import Axis, axis_ends, morris_indices, open_results, sobol_indices
from neurosim.errors import ResultSchemaError
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


def problem(n_axes):
    return {"num_vars": n_axes, "names": [f"x{k}" for k in range(n_axes)], "bounds": [[0.0, 1.0]] * n_axes}


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
    found = sobol_indices(ishigami(design("saltelli", 1024, 3)), 3)
    for name, values in exact.items():
        half = found[f"{name}_high"] - found[name]
        assert (np.abs(found[name] - values) <= 2 * half).all(), name  # four standard errors
        assert (half < 0.15).all()


def test_intervals_hold_the_truth_as_often_as_they_say():
    exact, inside, asked = np.array([1.0, 4.0, 9.0]) / 14, 0, 0
    for seed in range(40):
        Y = design("saltelli", 64, 3, seed=seed) @ np.array([1.0, 2.0, 3.0])
        found = sobol_indices(Y, 3, seed=seed)
        for name in ("S1", "ST"):
            inside += np.count_nonzero((found[f"{name}_low"] <= exact) & (exact <= found[f"{name}_high"]))
            asked += 3
    # resamples know nothing of how evenly Sobol points lie, so intervals are too wide rather than too narrow
    assert inside / asked > 0.9


def test_an_additive_function_has_total_indices_equal_to_first_order_ones():
    found = sobol_indices(design("saltelli", 512, 3) @ np.array([1.0, 2.0, 3.0]), 3)
    exact = np.array([1.0, 4.0, 9.0]) / 14
    for name in ("S1", "ST"):
        assert (np.abs(found[name] - exact) <= 2 * (found[f"{name}_high"] - found[name])).all()


def test_variance_based_indices_are_those_of_salib():
    Y = 1000.0 + ishigami(design("saltelli", 256, 3))
    known = salib_sobol.analyze(problem(3), Y, calc_second_order=False, num_resamples=1000, seed=1)
    found = sobol_indices(Y, 3)
    for name in ("S1", "ST"):
        np.testing.assert_allclose(found[name], known[name], rtol=1e-9, atol=1e-12)
        # the spread of 400 resamples is known to 3.5 %, that of 1000 to 2 %: four standard errors
        np.testing.assert_allclose(found[f"{name}_high"] - found[name], known[f"{name}_conf"], rtol=0.17)


def test_elementary_effects_are_those_of_salib():
    X = design("morris", 20, 3)
    Y = ishigami(X)
    known, found = salib_morris.analyze(problem(3), X, Y, num_levels=4, seed=1), morris_indices(Y, X)
    for name in ("mu", "mu_star", "sigma"):
        np.testing.assert_allclose(found[name], np.array(known[name], float), rtol=1e-9)


def test_elementary_effects_of_a_linear_function_are_its_coefficients():
    X = design("morris", 10, 3)
    found = morris_indices(X @ np.array([1.0, -2.0, 0.0]), X)
    np.testing.assert_allclose(found["mu"], [1, -2, 0], atol=1e-12)
    np.testing.assert_allclose(found["mu_star_high"], [1, 2, 0], atol=1e-12)
    np.testing.assert_allclose(found["sigma"], 0, atol=1e-12)


def test_many_readouts_at_once_are_each_alone_and_a_constant_one_has_none():
    X = design("saltelli", 64, 2)
    Y = np.stack([X[:, 0], X.prod(axis=1), np.full(len(X), 0.1) * 3], axis=1)
    together = sobol_indices(Y.reshape(-1, 3, 1), 2)
    assert together["ST"].shape == (2, 3, 1)
    for k in range(2):
        np.testing.assert_allclose(together["ST_low"][:, k, 0], sobol_indices(Y[:, k], 2)["ST_low"], rtol=1e-10)
    assert np.isnan(together["S1"][:, 2]).all() and np.isnan(together["ST_high"][:, 2]).all()
    still = morris_indices(np.ones(9), design("morris", 3, 2))
    assert all(np.isnan(values).all() for values in still.values())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sobol_indices(np.ones(33), 2), "33 points are no Saltelli design of 2 axes"),
        (lambda: sobol_indices(np.ones(16), 2), "4 base samples tell no index; at least 8"),
        (lambda: morris_indices(np.ones(9), design("random", 9, 2)), "more or less than one axis moves"),
        (lambda: morris_indices(np.ones(8), design("random", 9, 2)), "8 points are no Morris design"),
    ],
)
def test_points_that_are_no_design_are_refused(call, words):
    with pytest.raises(ResultSchemaError, match=words):
        call()


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
    exact = sobol_indices(occupancy, 2)
    np.testing.assert_allclose(found.ST.values, exact["ST"], rtol=1e-6, atol=1e-12)
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
