"""Calibration: what is free, how it is stepped, how it is written back."""

import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fake_engine import FakeEngine

from neurosim.calibration.baseline import Baseline, middle
from neurosim.calibration.calibrate import Calibrated, CalibratedRow, FittedGain, Listener, calibrate
from neurosim.calibration.drug_rows import control_row, half_point, maximal_concentration
from neurosim.calibration.fit import BOUND, Fit, identified, minimise, sparsity
from neurosim.calibration.gains import Gains, Reading, residual
from neurosim.calibration.observe import Observation
from neurosim.calibration.release import fit_release
from neurosim.calibration.report import gain_table, report
from neurosim.calibration.stimulus_rows import onsets, pulse_arm, recording_time, stimulus_value
from neurosim.calibration.values import Values, expand
from neurosim.calibration.write_back import write_back
from neurosim.errors import SpecError
from neurosim.pharmacology import drug_terms, site_constants
from neurosim.recording import SpikeTrains
from neurosim.reference import target_row, target_row_ids
from neurosim.spec import GainFit, GainRow, find_circuit, load_circuit
from neurosim.units import parse

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
        r"|sites\.(D2_VTA|D2_SNc|HT1A_DRN|HT1A_MRN|HT1A_mPFC_Pyr)\.effects\.0\.girk|sites\.HT2C_VTA_GABA\.effects\.0\.current"
        r"|projections\.(LHb_Glu__RMTg_GABA_NMDA|RMTg_GABA__(VTA|SNc)_DA|DRN_GABA__mPFC_Pyr|mPFC_Pyr__DRN_GABA"
        r"|DRN_GABA__DRN_HT_GABA_B)\.weight"
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
    assert half_point(c, 1 / (1 + c / half)) == pytest.approx(half, rel=0.01)


def test_half_points_beyond_the_ladder_are_its_ends():
    c = np.array([1.0, 10.0])
    assert half_point(c, np.array([0.9, 0.8])) == 10.0
    assert half_point(c, np.array([0.4, 0.1])) == 1.0


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


PULSES = {"populations": ["LHb_Glu"], "n": 100, "rate": "1 Hz", "fraction": 0.5}
PAUSE = {
    "stimulus": PULSES,
    "population": "VTA_DA",
    "window": ["5 ms", "105 ms"],
    "inhibited": {"low": 0.88, "high": 1},
    "source": "RM17",
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"drug": "apomorphine"}, "has both drug and stimulus; allowed: exactly one of them"),
        ({"stimulus": None}, "has neither drug nor stimulus; allowed: exactly one of them"),
        ({"inhibited": None}, "has no target; a row of a stimulus has exactly one of: inhibited, excited, latency"),
        ({"duration": {"low": "60 ms", "high": "120 ms"}}, "has inhibited and duration; a row of a stimulus has"),
        ({"inhibited": None, "change": {"low": -0.5, "high": -0.1}}, "has change; a row of a stimulus has exactly one of"),
        ({"window": None}, r"has no window; say where the answer is looked for, e.g. window: \[10 ms, 110 ms\]"),
        ({"window": ["105 ms", "5 ms"]}, "ends at '5 ms', not after its start '105 ms'"),
        ({"window": ["5 ms", "800 ms"]}, "ends at '800 ms', inside the 0.3 s before the next pulse that are its control"),
        ({"site": "D2_VTA"}, "is for rows of a drug; a stimulus has none"),
        ({"inhibited": {"low": 0.9, "high": 1.2}}, "'1.2' is out of range; allowed: from 0 to 1"),
        ({"inhibited": {"low": 0.9, "high": 0.5}}, "'0.5' lies below low = '0.9'"),
        ({"stimulus": PULSES | {"n": 59}}, "59 pulses are too few to judge single cells; at least 60 are needed"),
        ({"stimulus": PULSES | {"rate": "1 s"}}, "'1 s' is a time"),
        ({"stimulus": PULSES | {"populations": []}}, "populations"),
        ({"stimulus": PULSES | {"part": 0.5}}, "part"),
    ],
)  # fmt: skip
def test_mistakes_in_rows_of_a_stimulus(change, words):
    GainRow(**PAUSE)
    with pytest.raises(SpecError, match=words):
        GainRow(**PAUSE | change)


def test_a_drug_has_no_window():
    drug = {"drug": "SB-242084", "population": "VTA_DA", "site": "HT2C_VTA_GABA", "source": "RM60"}
    with pytest.raises(SpecError, match="is for rows of a stimulus; the effect of a drug has no window"):
        GainRow(**drug, change={"low": 0.1, "high": 0.4}, window=["5 ms", "105 ms"])


def test_rows_with_one_stimulus_share_its_recordings_and_name_populations_that_exist():
    values = Values(CIRCUIT)
    gains = Gains(CIRCUIT, values, Baseline(CIRCUIT, values))
    pulsed = [row for _, row in gains.rows if row.stimulus is not None]
    assert len(gains.stimuli) < len(pulsed) and len({id(s) for s in gains.stimuli}) == len(gains.stimuli)
    arm = pulse_arm(gains.stimuli[0], {"populations.VTA_DA.drive": "1 pA"})
    assert [s["population"] for s in arm["stimulations"]] == list(gains.stimuli[0].populations)
    assert {name for s in gains.stimuli for name in s.populations} <= set(CIRCUIT.populations)


def trains(step, row_size, duration):
    return SpikeTrains(np.asarray(step, np.int32), np.asarray(row_size, np.int32), 1e-3, duration)


def test_stimulus_rows_read_the_part_of_the_cells_that_pause_and_for_how_long():
    """Four cells fire every 10 ms, three of them not in the 80 ms from 20 ms after each pulse on."""
    row = GainRow(**PAUSE)
    at = onsets(row.stimulus)
    duration = float(recording_time(row.stimulus).split()[0])
    regular = np.arange(0, round(1e3 * duration), 10)
    since = (regular - round(1e3 * at[0])) % 1000
    paused = regular[~((since >= 20) & (since < 100))]
    late = np.random.default_rng(0).integers(0, 25, regular.size)  # sweeps that are all alike have no p
    some = np.isin(regular, paused)
    step = np.concatenate([*[(regular + np.roll(late, k))[some] for k in range(3)], regular + late])
    spikes = trains(step, [paused.size] * 3 + [regular.size], duration)
    phase = SimpleNamespace(population=lambda name: (spikes, np.ones(4, bool)))
    assert stimulus_value(row, [phase, phase]) == pytest.approx([0.75, 0.75])
    times = {"inhibited": None, "duration": {"low": "60 ms", "high": "120 ms"}, "window": ["0 ms", "200 ms"]}
    lasting = GainRow(**PAUSE | times)
    # lateness blurs the end by 24 ms and the beginning by as much; the histogram has bins of 2 ms
    assert stimulus_value(lasting, [phase])[0] == pytest.approx(0.080, abs=0.012)
    nobody = SimpleNamespace(population=lambda name: (spikes.of(3, 4), np.ones(1, bool)))
    assert stimulus_value(lasting, [nobody])[0] == 0.002, "nothing lasts as long as the shortest that is told"


def test_residuals_count_half_widths_on_the_scale_of_the_instrument():
    row = GainRow(**PAUSE)
    assert [residual(row, v) for v in (0.88, 0.94, 1.0)] == pytest.approx([-1, 0, 1])
    lasting = GainRow(**PAUSE | {"inhibited": None, "duration": {"low": "50 ms", "high": "200 ms"}})
    assert residual(lasting, 0.1) == pytest.approx(0) and residual(lasting, 0.4) == pytest.approx(2)
    assert Reading("b", row, np.array([0.9, 0.98])).residual == pytest.approx(0, abs=1e-9)


def test_a_moved_weight_is_made_up_for_by_the_drives_of_its_cells():
    values = Values(CIRCUIT)
    gains = Gains(CIRCUIT, values, Baseline(CIRCUIT, values))
    rest, before = observed(CIRCUIT, lambda name: 5.0), dict(values.numbers)
    to = gains.position()
    k = next(k for k, p in enumerate(gains.parameters) if p.name == "RMTg_to_DA")
    to[k] += math.log(2)
    gains.move(to, rest)
    changed = {path for path, number in values.numbers.items() if number != before[path]}
    assert changed == {*gains.parameters[k].paths, "populations.VTA_DA.drive", "populations.SNc_DA.drive"}
    assert gains.position() == pytest.approx(to)
    path = "populations.VTA_DA.drive"
    p, weight = CIRCUIT.projections["RMTg_GABA__VTA_DA"], before["projections.RMTg_GABA__VTA_DA.weight"]
    own = CIRCUIT.populations["VTA_DA"].parameters
    lost = p.in_degree * 5.0 * weight * float(own.tau_GABA.value) * (float(own.E_GABA.value) + 0.055)
    assert values.numbers[path] - before[path] == pytest.approx(-lost, rel=1e-6)


def gains_of(**fit):
    """The gains of the shipped circuit with one block, changed."""
    block = CIRCUIT.calibration.gains["inhibition_of_5HT"].model_copy(update=fit)
    calibration = CIRCUIT.calibration.model_copy(update={"gains": {"x": block}})
    circuit = CIRCUIT.model_copy(update={"calibration": calibration})
    values = Values(circuit)
    return Gains(circuit, values, Baseline(circuit, values))


def test_what_is_assumed_has_the_dimension_of_its_values():
    stated = CIRCUIT.calibration.gains["inhibition_of_5HT"].parameters["DRN_GABA_B"]
    wrong = stated.model_copy(update={"assumed": parse("5 pA", "current")})
    with pytest.raises(SpecError, match="'5 pA' assumed for x.y is a current, 'projections.*weight' is a conductance"):
        gains_of(parameters={"y": wrong})


@pytest.mark.parametrize("change", [{"population": "VTA_DAA"}, {"stimulus": PULSES | {"populations": ["VTA_DAA"]}}])
def test_rows_name_populations_of_the_circuit(change):
    with pytest.raises(SpecError, match="row RM17 of x names population 'VTA_DAA'.*VTA_DA"):
        gains_of(rows=(GainRow(**PAUSE | change),))


TREATED = {
    "drug": "8-OH-DPAT",
    "population": "DRN_HT",
    "washed": ["DRN.5-HT"],
    "site": "HT1A_DRN",
    "treatment": {"drug": "paroxetine", "dose": "10 mg/kg", "route": "oral", "ii": "24 h", "addl": 20, "until": "21 d"},
    "EC_50_ratio": {"low": 2.5, "high": 7},
    "source": "DS18",
}


@pytest.mark.parametrize(
    "change, words",
    [
        ({"treatment": None}, "lacks site or treatment; an EC_50_ratio needs what was given"),
        ({"site": None}, "lacks site or treatment"),
        ({"EC_50_ratio": None, "EC_50": {"low": "5 nM", "high": "20 nM"}}, "treatment: goes with EC_50_ratio, not with"),
        ({"window": ["5 ms", "105 ms"]}, "window: is for rows of a stimulus"),
    ],
)
def test_a_row_that_follows_a_treatment_says_all_it_needs(change, words):
    GainRow(**TREATED)
    with pytest.raises(SpecError, match=words):
        GainRow(**TREATED | change)


def test_a_block_is_slow_or_it_is_not():
    parameter = {"x": {"paths": ["sites.HT1A_DRN.regulation.s"], "assumed": "4"}}
    untreated = TREATED | {"treatment": None, "EC_50_ratio": None, "EC_50": {"low": "5 nM", "high": "20 nM"}}
    assert GainFit(parameters=parameter, rows=[TREATED]).is_slow
    assert not GainFit(parameters=parameter, rows=[untreated]).is_slow
    with pytest.raises(SpecError, match="some follow a treatment, some do not; put them into blocks of their own"):
        GainFit(parameters=parameter, rows=[TREATED, untreated])


def slow_gains():
    values = Values(CIRCUIT)
    baseline = Baseline(CIRCUIT, values)
    fast = Gains(CIRCUIT, values, baseline)
    return fast, Gains(CIRCUIT, values, baseline, lender=fast)


def test_slow_parameters_are_apart_from_the_others_and_use_their_baths():
    fast, slow = slow_gains()
    assert [row.source for row in slow.treatments] == ["DS18"] and fast.treatments == []
    assert not {p.label for p in fast.parameters} & {p.label for p in slow.parameters}
    assert slow.baths is fast.baths and set(slow.baths) == {"DO18"}


def test_a_treated_slice_has_the_receptors_that_are_left_and_the_bath_of_its_control():
    _, slow = slow_gains()
    slow.left["DS18"] = 0.25
    arms = slow.arms()
    assert set(arms) == {"DO18_rest", *(f"DO18_{k}" for k in range(5)), *(f"DS18_{k}" for k in range(5))}
    control, treated = arms["DO18_0"]["set"], arms["DS18_0"]["set"]
    assert treated == control | {"sites.HT1A_DRN.tau": "0.25x"}


def test_an_EC50_ratio_is_that_of_two_ladders():
    """Firing halves at 10 nM without the treatment, at 40 nM after it."""
    _, slow = slow_gains()
    slow.left["DS18"] = 0.25
    halves = {"DO18": 10.0, "DS18": 40.0}
    seen = {"DO18_rest": observed(CIRCUIT, lambda name: 2.0)}
    for label, arm in slow.arms().items():
        if "drugs" in arm:
            c = float(arm["drugs"][0]["concentration"].split()[0])
            # the logarithm of the dose moves the rate, as the instrument interpolates
            part = min(max(0.5 - 0.3 * math.log10(c / halves[label[:4]]), 0.0), 1.0)
            seen[label] = observed(CIRCUIT, lambda name, part=part: 2.0 * part)
    assert slow.readings(seen, [])[0].value == pytest.approx(4.0, rel=1e-6)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"treatment": TREATED["treatment"] | {"drug": "paroxetin"}}, "row DS18 of x: .*paroxetin.*paroxetine"),
        ({"site": "HT1A_DRM"}, "row DS18 of x names site 'HT1A_DRM'.*HT1A_DRN"),
        ({"site": "D2_DRN"}, "no treatment moves the receptors of D2_DRN, which has no regulation"),
    ],
)
def test_what_a_treated_row_names_is_looked_up_before_anything_is_fitted(change, words):
    fast, _ = slow_gains()
    block = CIRCUIT.calibration.gains["desensitisation_5HT1A"].model_copy(update={"rows": (GainRow(**TREATED | change),)})
    gains = CIRCUIT.calibration.gains | {"x": block}
    circuit = CIRCUIT.model_copy(update={"calibration": CIRCUIT.calibration.model_copy(update={"gains": gains})})
    with pytest.raises(SpecError, match=words):
        Gains(circuit, fast.values, fast.baseline, lender=fast)


def test_a_treated_row_without_a_control_says_so():
    row = GainRow(**TREATED | {"drug": "buspirone"})
    with pytest.raises(SpecError, match="row DS18 compares with an EC_50 of DRN_HT under buspirone in the same bath"):
        control_row(CIRCUIT, row)


BLOCKS = ["a", "a", "b"]


def test_derivatives_vary_one_parameter_of_each_block_at_once():
    pattern = sparsity(["a", "b", "b"], BLOCKS)
    rows = [[1, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert (pattern == np.array(rows + np.eye(3).tolist(), bool)).all()
    tried = []
    minimise(lambda x: tried.append(x) or x - 0.5, np.zeros(3), BLOCKS, BLOCKS, 1)
    moved = [tuple(np.flatnonzero(np.abs(x) > 1e-9)) for x in tried]
    assert len(moved) == 3, "a Jacobian costs as many positions as the largest block has parameters"
    assert moved[0] == () and sorted(k for group in moved for k in group) == [0, 1, 2]
    assert not any({0, 1} <= set(group) for group in moved), "those of one block apart"


def answers(x, truth):
    """Saturating, monotone, each row of block a on both of its parameters."""
    d = np.asarray(x) - truth
    return np.array([3 * np.tanh(d[0] + 0.3 * d[1]), 2 * np.tanh(d[1]), 4 * np.expm1(0.5 * d[2])])


@pytest.mark.parametrize("truth", [(0.7, -1.1, 1.9), (-0.4, 0.9, -1.2)])
def test_the_optimiser_finds_gains_that_rows_determine(truth):
    fit = minimise(lambda x: 5 * answers(x, truth), np.zeros(3), BLOCKS, BLOCKS, 12)
    # the prior, a factor of 5, draws each back by 1/(5 slope)^2 of its distance over ln(5)^2, under 1 %
    assert fit.position == pytest.approx(truth, abs=0.05)
    known = identified(fit, ["p", "q", "r"], BLOCKS)
    assert [k.verdict for k in known] == ["identified"] * 3
    again = minimise(lambda x: 5 * answers(x, truth), np.zeros(3), BLOCKS, BLOCKS, 12)
    assert (again.position == fit.position).all()


def test_a_gain_that_no_row_feels_is_held_by_its_prior():
    fit = minimise(lambda x: np.array([x[0] - 1.0, 0.0]), np.zeros(2), ["a", "b"], ["a", "b"], 8)
    known = identified(fit, ["p", "q"], ["a", "b"])
    assert [k.verdict for k in known][1] == "held by its prior"
    assert math.isinf(known[1].error) and fit.position[1] == pytest.approx(0, abs=1e-6)


def test_rows_that_only_tell_a_sum_leave_both_gains_to_their_priors():
    fit = minimise(lambda x: np.full(2, 9 * (x[0] + x[1] - 1)), np.zeros(2), ["a", "a"], ["a", "a"], 8)
    known = identified(fit, ["p", "q"], ["a", "a"])
    assert [k.verdict for k in known] == ["held by its prior"] * 2
    assert known[0].correlations["q"] < -0.95
    assert fit.position == pytest.approx([0.5, 0.5], abs=0.02), "the sum by the rows, its parts by the priors"


def test_a_gain_that_rows_push_away_ends_at_its_bound():
    fit = minimise(lambda x: np.array([9 * (x[0] - 8.0)]), np.zeros(1), ["a"], ["a"], 12)
    assert identified(fit, ["p"], ["a"])[0].verdict == "at a bound"
    assert fit.position[0] == pytest.approx(math.log(BOUND), abs=0.02)


def test_the_report_says_what_is_held_by_its_prior_and_which_rows_pull():
    J = np.array([[2.0, 0.0], [2.0, 0.0]])
    fit = Fit(np.array([0.1, 0.0]), np.array([-0.9, 0.8]), J, 5)
    known = identified(fit, ["p", "q"], ["a", "b"])
    assert (known[0].more, known[0].less) == ((0,), (1,))
    gains = [
        FittedGain("a", "p", "1.1 nS", "1 nS", 1.1, known[0], ("RM17 (x)",), ("RM18 (y)",)),
        FittedGain("b", "q", "2 nS", "2 nS", 1.0, known[1], (), ()),
    ]
    rows = [CalibratedRow("RM17", "x", "1", 0.88, 1.0, 0.9, 0.88, 0.92)]
    done = Calibrated("tiny", {}, rows, gains, ("DS18 has no instrument",), None)
    headers, lines = gain_table(done)
    verdict = headers.index("verdict")
    assert [line[verdict] for line in lines] == ["identified", "held by its prior"]
    text = report(done)
    assert "- held by its prior: b.q" in text and "- pulled both ways by its rows: a.p" in text
    assert "- DS18 has no instrument" in text and "| RM17 | x | 1 | 0.88 | 1 | 0.9 | 0.88 - 0.92 | inside |" in text


def test_a_circuit_with_a_stimulus_row_is_fitted_reported_and_written(tmp_path):
    """The whole way, with spikes that know nothing of the pulses: no row tells the gain."""
    file = tmp_path / "pulsed.yaml"
    file.write_text(TINY.read_text(encoding="utf-8") + PULSED_BLOCK, encoding="utf-8")
    stages = []
    listener = Listener()
    listener.stage = stages.append
    short = {"subjects": 2, "settle": "0.05 s", "record": "0.5 s", "report_record": "0.5 s"}
    done = calibrate(file, engine=FakeEngine(), workers=2, listener=listener, **short)
    assert [(g.block, g.name, g.assumed) for g in done.gains] == [("brake", "GABA", "0.4 nS")]
    assert 1 / BOUND < done.gains[0].factor < BOUND
    row = next(row for row in done.rows if row.row == "RM17")
    assert row.readout == "inhibited of VTA_DA, pulses to VTA_GABA" and row.lowest <= row.model <= row.highest < 0.3
    assert any("RM17" in text for text in stages) and "brake.GABA" in report(done) and "- one thing" in report(done)
    weight = load_circuit(file).projections["VTA_GABA__VTA_DA"].weight
    assert (weight.basis, weight.value.text) == ("fitted", done.gains[0].value)


PULSED_BLOCK = """
calibration:
  notes: [one thing]
  gains:
    brake:
      parameters: {GABA: {paths: [projections.VTA_GABA__VTA_DA.weight], assumed: 0.4 nS}}
      rows:
        - {stimulus: {populations: [VTA_GABA], n: 60, rate: 1 Hz}, population: VTA_DA, window: [5 ms, 105 ms],
           inhibited: {low: 0.8, high: 1}, source: RM17}
"""


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
