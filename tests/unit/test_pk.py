"""Pharmacokinetics: closed form against the differential equations, superposition, steady state, species."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neurosim import pharmacology, reference, units
from neurosim.errors import SpecError
from neurosim.pharmacology.compartments import compartment_system
from neurosim.pharmacology.parameters import PKParameters
from neurosim.pharmacology.pk import plasma_modes
from neurosim.pharmacology.schedules import schedule_of

HOUR = 3600.0
ONE = {"V": 8.0, "CL": 2.0, "peripheral": ()}
TWO = {"V": 4.0, "CL": 3.0, "peripheral": ((2.3, 1.7),)}
THREE = {"V": 1.35, "CL": 8.0, "peripheral": ((4.0, 8.5), (0.57, 0.25))}
#: Compartments, per hour; the ka of sc is 6 1/h, so the last one absorbs as fast as it eliminates.
MODELS = {"one": ONE, "two": TWO, "three": THREE, "ka = k": {"V": 1.0, "CL": 6.0, "peripheral": ()}}


def parameters(model):
    return PKParameters(
        drug="haloperidol",
        species="rat",
        V=model["V"],
        CL=model["CL"] / HOUR,
        peripheral=tuple((v, q / HOUR) for v, q in model["peripheral"]),
        fu_plasma=1.0,
        Kpuu=1.0,
        molar_mass=1e6,
        numbers=(),
    )


def dose(**fields):
    return SimpleNamespace(**{"drug": "haloperidol", "route": "iv", "time": 0.0, "dose": None, **fields})


def _plasma(given, parameters, t):
    """Plasma concentration (mg/L) of a drug without metabolites."""
    way = pharmacology.absorption(given.drug, parameters.species, given.route)
    system = compartment_system(parameters, way)
    return schedule_of(given, way).amounts(system, t) @ system.plasma[parameters.drug]


def by_ode(model, ka, F, t, bolus=0.0, rate=0.0, duration=math.inf):
    """Plasma concentration by numerical integration of the compartments, depot first."""
    p = parameters(model)
    volumes = [p.V, *(v for v, _ in p.peripheral)]

    def slope(now, x):
        given = F * rate if now < duration else 0.0
        flow = np.zeros(len(volumes) + 1)
        flow[0] = (given if ka else 0.0) - (ka * x[0] if ka else 0.0)
        flow[1] = (ka * x[0] if ka else given) - p.CL / p.V * x[1]
        for k, (v, q) in enumerate(p.peripheral, start=2):
            exchange = q * (x[1] / p.V - x[k] / v)
            flow[1] -= exchange
            flow[k] += exchange
        return flow

    start = np.zeros(len(volumes) + 1)
    start[0 if ka else 1] = F * bolus
    ends = [0.0, *([duration] if duration < t[-1] else []), t[-1]]
    found = np.full(len(t), np.nan)
    for low, high in zip(ends[:-1], ends[1:], strict=True):
        inside = (t >= low) & (t <= high)
        solution = solve_ivp(slope, (low, high), start, "LSODA", dense_output=True, rtol=1e-11, atol=1e-13)
        found[inside], start = solution.sol(t[inside])[1] / p.V, solution.y[:, -1]
    return found


@pytest.mark.parametrize("route", ["iv", "sc"])
@pytest.mark.parametrize("name", MODELS)
def test_a_bolus_solves_the_differential_equations(name, route):
    t = np.linspace(0, 10 * HOUR, 301)
    way = reference.route(route)
    exact = _plasma(dose(dose=2.0, route=route), parameters(MODELS[name]), t)
    numeric = by_ode(MODELS[name], (way.ka or 0) / HOUR, way.F, t, bolus=2.0)
    # rtol of the integrator with a margin for the accumulated error
    np.testing.assert_allclose(exact, numeric, rtol=1e-7, atol=1e-9 * numeric.max())


@pytest.mark.parametrize("route", ["iv", "sc"])
@pytest.mark.parametrize("name", MODELS)
def test_an_infusion_solves_the_differential_equations(name, route):
    t = np.linspace(0, 8 * HOUR, 241)
    way = reference.route(route)
    given = dose(rate=1.0 / HOUR, duration=2 * HOUR, route=route)
    exact = _plasma(given, parameters(MODELS[name]), t)
    numeric = by_ode(MODELS[name], (way.ka or 0) / HOUR, way.F, t, rate=1.0 / HOUR, duration=2 * HOUR)
    np.testing.assert_allclose(exact, numeric, rtol=1e-6, atol=1e-8 * numeric.max())


def test_one_compartment_is_the_textbook_formula():
    p, k = parameters(ONE), 0.25 / HOUR
    t = np.linspace(0, 5 * HOUR, 50)
    np.testing.assert_allclose(_plasma(dose(dose=4.0), p, t), 0.5 * np.exp(-k * t), rtol=1e-13)
    ka = 6 / HOUR
    absorbed = 0.5 * ka / (ka - k) * (np.exp(-k * t) - np.exp(-ka * t))
    np.testing.assert_allclose(_plasma(dose(dose=4.0, route="sc"), p, t), absorbed, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", MODELS)
def test_modes_carry_the_volume_and_the_clearance(name):
    p = parameters(MODELS[name])
    A, rate = plasma_modes(p)
    assert A.sum() == pytest.approx(1 / p.V, rel=1e-12)
    assert (A / rate).sum() == pytest.approx(1 / p.CL, rel=1e-12)  # area under the curve = dose / CL
    assert (A >= 0).all() and (rate > 0).all()


@pytest.mark.parametrize("route", ["iv", "ip"])
def test_doses_add(route):
    t = np.linspace(0, 30 * HOUR, 100)
    p = parameters(TWO)
    apart = sum(_plasma(dose(dose=3.0, route=route, time=k * 7 * HOUR), p, t) for k in range(3))
    together = _plasma(dose(dose=3.0, route=route, ii=7 * HOUR, addl=2), p, t)
    np.testing.assert_allclose(together, apart, rtol=1e-12)
    np.testing.assert_allclose(
        2 * together, _plasma(dose(dose=6.0, route=route, ii=7 * HOUR, addl=2), p, t), rtol=1e-12
    )


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "given",
    [
        {"dose": 1.0, "route": "iv"},
        {"dose": 1.0, "route": "sc"},
        {"rate": 1.0 / HOUR, "duration": HOUR, "route": "infusion"},
        {"rate": 1.0 / HOUR, "duration": HOUR, "route": "sc"},
    ],
)
def test_steady_state_is_the_end_of_a_long_run(given, name):
    p, ii = parameters(MODELS[name]), 6 * HOUR
    t = np.linspace(0, 4 * ii, 97)
    steady = _plasma(dose(**given, ii=ii, addl=1, ss=True), p, t)
    n = 400
    long = _plasma(dose(**given, ii=ii, addl=n), p, t + (n - 1) * ii)
    np.testing.assert_allclose(steady, long, rtol=1e-9, atol=1e-12 * long.max())


def test_a_rate_without_an_end_reaches_rate_over_clearance():
    p = parameters(TWO)
    pump = dose(rate=1.0 / HOUR, route="sc")
    assert _plasma(pump, p, np.array([30 * 24 * HOUR]))[0] == pytest.approx(1 / 3.0, rel=1e-12)
    at_once = dose(rate=1.0 / HOUR, route="sc", ss=True)
    np.testing.assert_allclose(_plasma(at_once, p, np.array([0.0, HOUR])), 1 / 3.0, rtol=1e-12)


def test_dose_with_duration_or_rate_are_the_same_infusion():
    t, p = np.linspace(0, 5 * HOUR, 60), parameters(TWO)
    a = _plasma(dose(dose=2.0, duration=HOUR, route="infusion"), p, t)
    b = _plasma(dose(dose=2.0, rate=2.0 / HOUR, route="infusion"), p, t)
    c = _plasma(dose(rate=2.0 / HOUR, duration=HOUR, route="infusion"), p, t)
    np.testing.assert_allclose(a, b, rtol=1e-12)
    np.testing.assert_allclose(a, c, rtol=1e-12)


def test_exposure_is_free_brain_concentration():
    p = pharmacology.pk_parameters("haloperidol", "rat")
    found = pharmacology.exposure([dose(dose=0.2)], "rat", 0.0)
    assert found == {"haloperidol": pytest.approx(0.2 / p.V * p.fu_plasma * p.Kpuu * 1e6 / p.molar_mass)}


def test_exposure_before_the_first_dose_is_zero_and_shapes_follow_t():
    doses = [dose(dose=0.2), dose(drug="way 100635", dose=0.1, route="sc")]
    assert pharmacology.exposure(doses, "rat", -1.0) == {"haloperidol": 0.0, "WAY-100635": 0.0}
    assert pharmacology.exposure([dose(dose=0.2, time=-60.0)], "rat", -30.0) == {"haloperidol": 0.0}
    found = pharmacology.exposure(doses, "rat", np.array([[-1.0, 0.0], [60.0, 600.0]]))
    assert found["WAY-100635"].shape == (2, 2)
    assert found["WAY-100635"][0].tolist() == [0.0, 0.0] and found["WAY-100635"][1, 1] > 0
    assert pharmacology.exposure([dose(drug="haloperidol", dose=0.0)], "rat", 5.0) == {"haloperidol": 0.0}


def test_exposure_takes_quantities_of_an_experiment_file():
    given = dose(
        dose=units.parse("200 ug/kg", "dose"),
        time=units.parse("10 min", "time"),
        ii=units.parse("1 h", "time"),
        addl=1,
    )
    later = pharmacology.exposure([given], "rat", 70 * 60.0)["haloperidol"]
    first = pharmacology.exposure([given], "rat", 10 * 60.0)["haloperidol"]
    decayed = math.exp(-math.log(2) / 1.5)
    assert later == pytest.approx(first * (1 + decayed), rel=1e-9)


def test_the_species_rule_scales_clearance_by_weight():
    human = pharmacology.pk_parameters("sertraline", "human")
    rat = pharmacology.pk_parameters("sertraline", "rat")  # no rat number at all
    assert pytest.approx(math.log(2) * 20 / (26 * HOUR)) == human.CL
    assert rat.V == human.V == 20.0
    assert pytest.approx((70 / 0.25) ** 0.25) == rat.CL / human.CL
    basis = {number.name: number.basis for number in rat.numbers}
    assert basis == {"V": "assumed", "CL": "derived", "fu_plasma": "assumed", "Kpuu": "assumed"}


def test_the_species_rule_takes_the_half_life_of_the_species():
    rat = pharmacology.pk_parameters("quetiapine", "rat")  # t½ 0.5 h of the rat, V of man
    assert rat.V == 10.0
    assert pytest.approx(math.log(2) * 10.0 / (0.5 * HOUR)) == rat.CL
    assert "human" in next(number.note for number in rat.numbers if number.name == "V")


def test_clearance_and_half_life_of_the_species_give_its_volume():
    rat = pharmacology.pk_parameters("bupropion", "rat")
    assert pytest.approx(3.3 * 1.73 / math.log(2)) == rat.V


def test_a_stand_in_is_assumed_and_keeps_the_name_of_the_drug():
    escitalopram = pharmacology.pk_parameters("escitalopram", "rat")
    citalopram = pharmacology.pk_parameters("citalopram", "rat")
    assert (escitalopram.V, escitalopram.CL) == (citalopram.V, citalopram.CL)
    assert {number.basis for number in escitalopram.numbers} == {"assumed"}
    given = dose(drug="escitalopram", dose=10.0, route="ip")
    assert list(pharmacology.exposure([given], "rat", 2700.0)) == ["escitalopram"]


def test_more_compartments_come_from_the_table():
    rat = pharmacology.pk_parameters("fluvoxamine", "rat")
    assert len(rat.peripheral) == 2 and len(plasma_modes(rat)[1]) == 3


@pytest.mark.parametrize(
    "drug",
    [
        "escitalopram",
        "WAY-100635",
        "SB-242084",
        "8-OH-DPAT",
        "quinpirole",
        "haloperidol",
        "cocaine",
        "apomorphine",
    ],
)
@pytest.mark.parametrize("route", ["iv", "ip", "sc"])
def test_shipped_drugs_can_be_dosed_in_rats_and_every_number_has_a_source(drug, route):
    numbers = pharmacology.pk_provenance(drug, "rat", route)
    assert {"V", "CL", "fu_plasma", "Kpuu"} <= {number.name for number in numbers}
    for number in numbers:
        assert number.basis in ("measured", "derived", "assumed") and number.source and number.text


def test_active_metabolites_are_named_as_left_out():
    left_out = [
        number.text for number in pharmacology.pk_provenance("fluoxetine", "rat") if number.value is None
    ]
    assert left_out == []  # norfluoxetine is a ligand of its own
    left_out = [n.text for n in pharmacology.pk_provenance("citalopram", "human") if n.value is None]
    assert left_out == ["active metabolite desmethylcitalopram not simulated"]
    assert not [
        n for n in pharmacology.pk_provenance("methylphenidate", "human") if n.value is None
    ]  # inactive
    assert not [n for n in pharmacology.pk_provenance("olanzapine", "rat") if n.value is None]


@pytest.mark.parametrize("drug", ["haloperidol", "olanzapine", "quinpirole", "fluoxetine"])
@pytest.mark.parametrize("route", ["iv", "ip", "sc"])
def test_the_report_finds_the_maximum_and_the_area(drug, route):
    report = pharmacology.pk_report(drug, "1 mg/kg", route, "rat")
    t = np.concatenate([np.linspace(0, 4 * HOUR, 40001), np.geomspace(4 * HOUR + 1, 400 * HOUR, 40000)])
    given = [dose(drug=drug, dose=1.0, route=route)]
    brain, plasma = pharmacology.exposure(given, "rat", t), pharmacology.plasma(given, "rat", t)
    for course in report.courses:
        c = brain[course.ligand] if course.place == "brain" else 1000 * plasma[course.ligand]
        assert course.Cmax == pytest.approx(c.max(), rel=1e-5)
        assert pytest.approx(np.trapezoid(c, t), rel=1e-3) == course.AUC
        late = (t > 300 * HOUR) & (c > 0)
        slope = np.polyfit(t[late], np.log(c[late]), 1)[0]
        assert course.t_half_terminal == pytest.approx(-math.log(2) / slope, rel=1e-4)
    assert report.tmax == pytest.approx(t[brain[report.drug].argmax()], abs=1.0)


@pytest.mark.parametrize("route", ["iv", "oral", "minipump"])
def test_the_report_of_the_steady_state_is_the_end_of_a_long_run(route):
    every = 12 * HOUR
    report = pharmacology.pk_report("risperidone", 0.1, route, "human", every)
    lasts = {"duration": every} if route == "minipump" else {}
    run = [dose(drug="risperidone", dose=0.1, route=route, ii=every, addl=200, **lasts)]
    last = 199 * every + np.linspace(0, every, 4001)[:-1]
    found, first = pharmacology.plasma(run, "human", last), pharmacology.plasma(run, "human", last - last[0])
    for ligand in ("risperidone", "paliperidone"):
        course, c = report.course("plasma", ligand), 1000 * found[ligand]
        assert course.Cmax_ss == pytest.approx(c.max(), rel=1e-4)
        assert course.Cmin_ss == pytest.approx(c.min(), rel=1e-3)
        assert course.Cavg_ss == pytest.approx(c.mean(), rel=2e-3)
        assert course.accumulation == pytest.approx(c.mean() / (1000 * first[ligand].mean()), rel=5e-3)


def test_effective_and_terminal_half_life_are_one_for_one_exponential():
    course = pharmacology.pk_report("haloperidol", "1 mg/kg", "iv", "rat", "2 h").course()
    assert course.t_half_effective == pytest.approx(course.t_half_terminal, rel=1e-9)
    # and 90 % of the steady state takes log2(10) of them
    assert course.t_90 == pytest.approx(math.log2(10) * course.t_half_terminal, rel=1e-6)
    assert course.accumulation == pytest.approx(1 / (1 - 2 ** (-2 * HOUR / course.t_half_terminal)), rel=1e-9)


def test_a_drug_that_does_not_enter_the_brain_has_a_report():
    report = pharmacology.pk_report("carbidopa", "1 mg/kg", "oral", "human")
    assert report.course("plasma").Cmax > 0
    assert report.course("brain").Cmax == 0.0 and math.isnan(report.course("brain").t_90)


@pytest.mark.parametrize(("dose_", "every"), [(0.0, "24 h"), ("1 mg/kg", 0.0)])
def test_a_report_on_nothing_is_refused(dose_, every):
    with pytest.raises(SpecError, match="is 0; allowed: a positive number"):
        pharmacology.pk_report("haloperidol", dose_, "iv", "rat", every)


def test_metabolites_are_ligands_with_the_area_of_their_formation():
    parent = pharmacology.pk_parameters("fluoxetine", "rat")
    child = pharmacology.pk_parameters("norfluoxetine", "rat")
    (row,) = reference.metabolites("fluoxetine", "rat")
    for route in ("iv", "sc", "ip", "oral"):
        report = pharmacology.pk_report("fluoxetine", 5.0, route, "rat")
        F = pharmacology.absorption("fluoxetine", "rat", route).F
        assert pytest.approx(1000 * F * 5.0 / parent.CL, rel=1e-9) == report.course("plasma").AUC
        formed = row.fraction * F + (row.first_pass * (1 - F) if route in ("ip", "oral") else 0.0)
        area = 1000 * formed * 5.0 * child.molar_mass / parent.molar_mass / child.CL
        assert pytest.approx(area, rel=1e-9) == report.course("plasma", "norfluoxetine").AUC
    # Caccia et al. 1990: metabolite over parent 2.5 iv and twice that oral; the area of the metabolite is the same.
    ratio = {}
    for route in ("iv", "oral"):
        report = pharmacology.pk_report("fluoxetine", 5.0, route, "rat")
        ratio[route] = report.course("plasma", "norfluoxetine").AUC / report.course("plasma").AUC
    assert ratio["iv"] == pytest.approx(2.5, rel=0.02) and 5 < ratio["oral"] < 7


def test_a_metabolite_that_is_given_too_adds():
    both = [dose(drug="fluoxetine", dose=1.0), dose(drug="norfluoxetine", dose=2.0)]
    apart = [pharmacology.exposure([d], "rat", 5 * HOUR) for d in both]
    together = pharmacology.exposure(both, "rat", 5 * HOUR)
    assert list(together) == ["fluoxetine", "norfluoxetine"]
    assert together["norfluoxetine"] == pytest.approx(sum(found["norfluoxetine"] for found in apart), rel=1e-12)


def test_one_time_and_many_times_are_the_same():
    t = np.array([0.0, 3, 7, 30]) * HOUR
    for fields in ({"ii": 8 * HOUR, "addl": 2}, {"ii": 8 * HOUR, "ss": True}, {"duration": HOUR}):
        for amount in (1.0, 5.0):
            given = [dose(drug="fluoxetine", dose=amount, route="ip", **fields)]
            many = pharmacology.exposure(given, "rat", t)
            for k, when in enumerate(t):
                one = pharmacology.exposure(given, "rat", when)
                assert one == {name: pytest.approx(c[k], rel=1e-11) for name, c in many.items()}


def test_names_of_metabolites():
    assert pharmacology.metabolite_names("fluoxetine", "rat") == ("norfluoxetine",)
    assert pharmacology.metabolite_names("haloperidol", "rat") == ()


def test_plasma_is_total_and_brain_is_free():
    t, given = np.linspace(0, 9 * HOUR, 20), [dose(drug="citalopram", dose=3.0, route="sc")]
    p = pharmacology.pk_parameters("citalopram", "rat")
    total, free = (f(given, "rat", t)["citalopram"] for f in (pharmacology.plasma, pharmacology.exposure))
    np.testing.assert_allclose(free, total * p.fu_plasma * p.Kpuu * 1e6 / p.molar_mass, rtol=1e-12)


def test_the_effect_site_follows_plasma():
    p = pharmacology.pk_parameters("olanzapine", "rat")
    t = np.linspace(0, 6 * HOUR, 400)
    given = [dose(drug="olanzapine", dose=1.0)]
    site = pharmacology.exposure(given, "rat", t)["olanzapine"] / p.brain_per_plasma
    plasma = pharmacology.plasma(given, "rat", t)["olanzapine"]
    assert site[0] == 0.0 and t[site.argmax()] > 0
    slope = np.gradient(site, t)
    # the highest point is where the curves cross; in between the slope is ke0 times their distance
    np.testing.assert_allclose(slope[5:-5], p.ke0 * (plasma - site)[5:-5], rtol=2e-2, atol=1e-3 * slope.max())
    assert pharmacology.pk_parameters("olanzapine", "human").ke0 is None  # not lent


@pytest.mark.parametrize("name", ["minipump", "osmotic pump", "Alzet"])
def test_a_minipump_gives_rate_over_clearance(name):
    p = pharmacology.pk_parameters("fluoxetine", "rat")
    given = [dose(drug="fluoxetine", rate=10 / (24 * HOUR), duration=14 * 24 * HOUR, route=name)]
    found = pharmacology.plasma(given, "rat", np.array([10 * 24 * HOUR, 40 * 24 * HOUR]))["fluoxetine"]
    assert found[0] == pytest.approx(10 / (24 * HOUR) / p.CL, rel=1e-9)
    assert found[1] < 1e-9 * found[0]
    whole = [dose(drug="fluoxetine", dose=140.0, duration=14 * 24 * HOUR, route=name)]
    assert pharmacology.plasma(whole, "rat", 10 * 24 * HOUR)["fluoxetine"] == pytest.approx(found[0], rel=1e-9)


def test_a_minipump_takes_the_bioavailability_under_the_skin():
    for drug in ("olanzapine", "fluoxetine"):
        sc, pump = (pharmacology.absorption(drug, "rat", route).F for route in ("sc", "minipump"))
        assert pump == sc


def test_an_inhibitor_of_decarboxylase_raises_levodopa():
    alone = dose(drug="levodopa", dose=2.0, route="oral")
    vein = dose(drug="levodopa", dose=2.0)
    helper = dose(drug="carbidopa", dose=0.5, route="oral")
    bystander = dose(drug="haloperidol", dose=0.1)

    def area(given, *others):
        t = np.linspace(0, 60 * HOUR, 60001)
        return np.trapezoid(pharmacology.plasma([given, *others], "human", t)["levodopa"], t)

    # Nutt et al. 1985: clearance halved, bioavailability doubled
    assert area(alone, helper) / area(alone) == pytest.approx(4.0, rel=1e-4)
    assert area(vein, helper) / area(vein) == pytest.approx(2.0, rel=1e-4)
    assert area(vein, bystander) == pytest.approx(area(vein), rel=1e-12)
    assert area(alone, dose(drug="carbidopa", dose=0.0, route="oral")) == pytest.approx(area(alone), rel=1e-12)
    assert area(alone, helper, helper) == pytest.approx(area(alone, helper), rel=1e-12)
    numbers = pharmacology.pk_provenance("levodopa", "human", "oral", ["carbidopa"])
    factors = {number.name: number for number in numbers if "factor" in number.name}
    assert {name: number.value for name, number in factors.items()} == {"CL factor": 0.5, "F_oral factor": 2.0}
    assert "while carbidopa is given" in factors["CL factor"].note


def test_with_the_inhibitor_the_numbers_are_those_measured_with_it():
    """The row of drugs_pk.csv was measured under an inhibitor: with one it must come back."""
    (row,) = [r for r in reference.table("drugs_pk.csv") if r["drug"] == "levodopa"]
    numbers = {n.name: n.value for n in pharmacology.pk_provenance("levodopa", "human", "oral", ["carbidopa"])}
    assert numbers["CL"] * numbers["CL factor"] == pytest.approx(float(row["CL_L_per_h_per_kg"]))
    assert numbers["F_oral"] * numbers["F_oral factor"] == pytest.approx(float(row["F"]))


def test_a_year_twice_daily_is_the_sum_of_its_doses():
    every, n = 12 * HOUR, 729
    t = np.random.default_rng(1).uniform(0, 366 * 24 * HOUR, 200)
    year = [dose(drug="fluoxetine", dose=0.3, route="oral", ii=every, addl=n)]
    together = pharmacology.plasma(year, "human", t)
    apart = {name: np.zeros_like(t) for name in together}
    for k in range(n + 1):
        on = t >= k * every
        single = pharmacology.plasma([dose(drug="fluoxetine", dose=0.3, route="oral")], "human", t[on] - k * every)
        for name, c in single.items():
            apart[name][on] += c
    for name in together:
        np.testing.assert_allclose(together[name], apart[name], rtol=1e-8)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "neither a dose nor a rate"),
        ({"dose": 1.0, "rate": 1.0, "duration": 1.0}, "any two"),
        ({"dose": 1.0, "addl": 2}, "need the interval ii"),
        ({"dose": 1.0, "ss": True}, "need the interval ii"),
        ({"dose": -1.0}, "dose is -1"),
        ({"rate": 1.0, "duration": 100.0, "ii": 50.0, "addl": 1}, "lasts longer"),
        ({"dose": 1.0, "route": "infusion"}, "route infusion needs a rate or a duration"),
        ({"dose": 1.0, "route": "minipump"}, "route minipump needs a rate or a duration"),
    ],
)
def test_a_dose_that_contradicts_itself_is_refused(fields, words):
    with pytest.raises(SpecError, match=words):
        pharmacology.exposure([dose(**fields)], "rat", 10.0)
