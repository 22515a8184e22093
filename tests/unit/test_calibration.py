"""Calibration: what is free, how it is stepped, how it is written back."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from neurosim.calibration.baseline import Baseline, middle
from neurosim.calibration.calibrate import CalibratedRow
from neurosim.calibration.gains import Gains, _half_point, maximal_concentration
from neurosim.calibration.observe import Observation
from neurosim.calibration.release import fit_release
from neurosim.calibration.values import Values, expand
from neurosim.calibration.write_back import write_back
from neurosim.errors import SpecError
from neurosim.pharmacology import drug_terms, site_constants
from neurosim.reference import target_row, target_row_ids
from neurosim.spec import find_circuit, load_circuit

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"

CIRCUIT = load_circuit("midbrain_raphe")


def observed(circuit, rate, concentration=None, **readouts):
    """An observation of two subjects in which every population fires at ``rate(name)``."""
    names, ones = list(circuit.populations), np.ones(2)
    pools = [f"{region}.{t}" for region, pools in circuit.pools.items() for t in pools]
    level = concentration or (lambda pool: 5.0)
    rates = {
        "firing_rate": {n: rate(n) * ones for n in names},
        "firing_rate_active": {n: rate(n) * ones for n in names},
        "active_fraction": {n: readouts.get("active", 0.5) * ones for n in names},
        "burst_fraction": {n: readouts.get("burst", 0.3) * ones for n in names},
    }
    return Observation(
        rates,
        {"concentration": {p: level(p) * ones for p in pools}, "release": dict.fromkeys(pools, ones)},
        {name: readouts.get("activation", 0.4) * ones for name in circuit.sites},
    )


def test_a_path_with_stars_stands_for_every_value_it_matches():
    paths = expand(CIRCUIT, "pools.*.DA.release.VTA_DA.U")
    assert "pools.NAc.DA.release.VTA_DA.U" in paths and len(paths) == len(set(paths))
    assert all(re.fullmatch(r"pools\.\w+\.DA\.release\.VTA_DA\.U", path) for path in paths)


def test_a_path_that_matches_nothing_names_the_nearest():
    with pytest.raises(SpecError, match="'sites.D2_VTAA.tau' matches nothing at 'D2_VTAA'.*D2_VTA"):
        expand(CIRCUIT, "sites.D2_VTAA.tau")


def test_values_are_written_in_the_unit_they_were_read_in():
    values = Values(CIRCUIT)
    drive, U = "populations.VTA_DA.drive", "pools.NAc.DA.release.VTA_DA.U"
    values.add([drive, U])
    values.numbers[drive], values.numbers[U] = 123.456e-12, 0.25
    assert values.text(drive) == "123.5 pA" and values.text(U) == "0.2500"


def test_only_what_has_a_band_or_a_row_is_free():
    values = Values(CIRCUIT)
    Gains(CIRCUIT, values, Baseline(CIRCUIT, values))
    free = {re.sub(r"\.\d+\.", ".0.", path) for path in values.numbers}
    allowed = re.compile(
        r"populations\.\w+\.drive(\.sd)?|pools\.\w+\.[\w-]+\.release\.\w+\.quantum|projections\.PPN_Glu__\w+_NMDA\.weight"
        r"|sites\.(D2_VTA|D2_SNc|HT1A_DRN|HT1A_MRN)\.effects\.0\.girk|sites\.HT2C_VTA_GABA\.effects\.0\.current"
    )
    assert [path for path in free if not allowed.fullmatch(path)] == []


def test_the_circuit_names_calibration_rows_and_no_others():
    """MODEL §8: only rows with use ``calibration`` may fit."""
    text = Path(find_circuit("midbrain_raphe")).read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:BF|EC|DO|DD|RM|DS|PD|PT)\d\d\b", text))
    calibration = set(target_row_ids("calibration"))
    used = {name for name in named if target_row(name).use != "calibration"}
    assert used == set() and named <= calibration and len(named) > 15


def test_drives_converge_on_their_targets_in_a_world_that_answers():
    """Rates that answer exp(current / slope) with unknown slopes: the fixed point is the target."""
    values = Values(CIRCUIT)
    baseline = Baseline(CIRCUIT, values)
    start = dict(values.numbers)
    plain = [d for d in baseline.drives if d.population not in baseline.spreads]
    slope = {d.population: d.first_slope * (0.7 + 0.1 * k) for k, d in enumerate(plain)}

    def rate(name):
        if name not in slope:
            return middle(CIRCUIT.populations[name].band.low, CIRCUIT.populations[name].band.high)
        moved = values.numbers[f"populations.{name}.drive"] - start[f"populations.{name}.drive"]
        return 3.0 * math.exp(moved / slope[name])

    for _ in range(20):
        baseline.step(observed(CIRCUIT, rate))
    for drive in plain:
        assert rate(drive.population) == pytest.approx(drive.target, rel=0.01)


def test_a_quantum_that_is_needed_gives_the_clearance_of_the_target():
    values = Values(CIRCUIT)
    baseline = Baseline(CIRCUIT, values)
    seen = observed(CIRCUIT, lambda name: 3.0, concentration=lambda pool: 5.0)
    pool = CIRCUIT.pools["NAc"]["DA"]
    target = middle(pool.band.low, pool.band.high)
    (V, K) = sum(float(e.V_max.value) for e in pool.transporters["DAT"].values()), 210.0
    k = float(pool.k_out.value)
    expected = (V * target / (K + target) + k * target) / (V * 5 / (K + 5) + k * 5)
    assert baseline.needed("NAc.DA", seen) == pytest.approx(expected, rel=1e-12)


def test_fitting_release_leaves_rest_where_it_is_and_moves_pulses_to_their_band():
    values = Values(CIRCUIT)
    Baseline(CIRCUIT, values)
    fit = CIRCUIT.calibration.release["dopamine"]
    seen = observed(CIRCUIT, lambda name: 2.2)
    U, tau, factor = (getattr(fit, key)[0] for key in ("U", "tau_rec", "factor"))
    quanta = ("pools.DSt.DA.release.SNc_DA.quantum", "pools.DSt.DA.release.VTA_DA.quantum")

    def resting_release():
        u, t, f = (values.numbers[values.add([path])[0]] for path in (U, tau, factor))
        return sum(values.numbers[path] for path in quanta) * 2.2 / (1 + u * 2.2 * t) * (1 + f * 0.4)

    values.add([U, tau, factor])
    before = resting_release()
    distance = fit_release(CIRCUIT, values, fit, seen)
    assert resting_release() == pytest.approx(before, rel=1e-6)
    assert math.isfinite(distance)
    shared = {values.numbers[path] for path in expand(CIRCUIT, U)}
    assert len(shared) == 1 and 0 < shared.pop() < 1


@pytest.mark.parametrize("half", [0.5, 2.0, 7.0])
def test_half_points_are_found_between_the_rungs(half):
    c = np.logspace(-2, 2, 60)
    # Log-linear interpolation between rungs 0.16 apart in ln c errs by less than its square.
    assert _half_point(c, 1 / (1 + c / half)) == pytest.approx(half, rel=0.01)


def test_half_points_beyond_the_ladder_are_its_ends():
    c = np.array([1.0, 10.0])
    assert _half_point(c, np.array([0.9, 0.8])) == 10.0
    assert _half_point(c, np.array([0.4, 0.1])) == 1.0


def test_a_maximal_effect_row_uses_ten_times_the_constant():
    """MODEL §8: C = 10 K, so the drug's own term C/K at the site is 10."""
    c = maximal_concentration(CIRCUIT, "SB-242084", "HT2C_VTA_GABA")
    site = CIRCUIT.sites["HT2C_VTA_GABA"]
    constants = site_constants(site.receptor, float(site.tau.value), None)
    assert pytest.approx(10.0, rel=1e-9) == drug_terms(site.receptor, {"SB-242084": c}, constants, "rat").X


@pytest.mark.parametrize(
    ("low", "high", "model", "lowest", "highest", "inside"),
    [
        (2, 4, 3, 1.5, 5.9, True),
        (2, 4, 3, 1.2, 5.9, False),
        (2, 4, 4.1, 3, 5, False),
        (-0.8, -0.2, -0.5, -1.1, -0.15, True),
        (-0.8, -0.2, -0.5, -1.3, -0.15, False),
    ],
)
def test_subjects_may_lie_outside_a_band_by_half(low, high, model, lowest, highest, inside):
    assert CalibratedRow("R", "x", "1", low, high, model, lowest, highest).is_inside is inside


def test_write_back_changes_the_values_and_keeps_the_rest(tmp_path):
    source = Path(find_circuit("midbrain_raphe"))
    target = tmp_path / "fitted.yaml"
    values = {"populations.VTA_GABA.drive": "42.00 pA", "pools.NAc.DA.release.VTA_DA.U": "0.3330",
              "sites.HT2A_VTA_DA.effects.0.current": "11.00 pA"}  # fmt: skip
    write_back(source, target, values)
    before, after = load_circuit(source), load_circuit(target)
    assert after.populations["VTA_GABA"].drive.value.text == "42.00 pA"
    assert after.populations["VTA_GABA"].drive.basis == "fitted"
    assert after.populations["VTA_GABA"].drive.sd == before.populations["VTA_GABA"].drive.sd
    assert float(after.pools["NAc"]["DA"].release["VTA_DA"].U.value) == 0.333
    assert after.sites["HT2A_VTA_DA"].effects[0].current.basis == "fitted"
    assert after.projections == before.projections
    text = target.read_text(encoding="utf-8")
    assert "# somatodendritic autoreceptors" in text
    assert "effects: [{girk:" in text and "effects: [girk:" not in text, "braces stay where they were"
    assert [p.name for p in tmp_path.iterdir()] == ["fitted.yaml"]


def test_a_gain_is_found_when_its_rows_are_close_or_pull_it_both_ways():
    values = Values(CIRCUIT)
    gains = Gains(CIRCUIT, values, Baseline(CIRCUIT, values))
    gain = next(g for g in gains.gains if g.name == "excitation_5HT2C")
    falls, rises = gain.fit.rows  # an agonist that lowers firing, an antagonist that raises it: both grow with the gain

    def miss(*residuals):
        others = [(g, row, 1.0, 0.0) for g in gains.gains if g is not gain for row in g.fit.rows]
        own = [(gain, row, 1.0, r) for row, r in zip((falls, rises), residuals, strict=True)]
        return gains.misses(own + others)["excitation_5HT2C"]

    assert miss(0.1, 0.1) == 0
    assert miss(0.9, 0.9) == 0, "one row asks for more of the effect, the other for less"
    assert miss(1.3, 1.1) != 0, "outside their bands nothing is found"
    assert miss(0.9, -0.9) < 0 and miss(-0.9, 0.9) > 0, "both ask for the same change"
    before = values.numbers[gain.paths[0]]
    rest = observed(CIRCUIT, lambda name: 5.0)
    gains.step([(gain, falls, 1.0, 0.9), (gain, rises, 1.0, -0.9)] + [
        (g, row, 1.0, 0.0) for g in gains.gains if g is not gain for row in g.fit.rows
    ], rest)  # fmt: skip
    assert values.numbers[gain.paths[0]] > before


def test_fitted_values_of_a_base_are_stated_anew_in_the_file_that_extends_it(tmp_path):
    (tmp_path / "base.yaml").write_text(TINY.read_text(encoding="utf-8"), encoding="utf-8")
    file = tmp_path / "more.yaml"
    file.write_text(
        "schema: neurosim-circuit/1\nname: more\nextends: base\nspecies: rat\nsource: x\nbasis: assumed\n"
        "pools: {VTA: {NE: {k_out: 0.1 1/s}}}  # ours\n"
    )
    values = {"populations.VTA_DA.drive": "123 pA", "pools.VTA.NE.k_out": "0.4 1/s", "populations.VTA_DA.drive.sd": "7 pA"}
    for _ in range(2):  # the second time the value stands in the file already
        write_back(file, file, values)
        after = load_circuit(file)
        drive = after.populations["VTA_DA"].drive
        assert (str(drive.value), str(drive.sd)) == ("123 pA", "7 pA")
        assert drive.source == after.pools["VTA"]["NE"].k_out.source == "neurosim calibrate"
        assert float(after.pools["VTA"]["NE"].k_out.value) == 0.4
    text = file.read_text()
    assert "# ours" in text and text.count("populations.VTA_DA.drive") == 1
    assert load_circuit(tmp_path / "base.yaml") == load_circuit(TINY), "the base stays as it is"
