"""Pharmacokinetics over random drugs and schedules: the exact solution against the differential equations."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from neurosim.pharmacology.compartments import MetaboliteNode, compartment_system, propagator
from neurosim.pharmacology.parameters import Absorption, PKParameters
from neurosim.pharmacology.schedules import schedule_of

HOUR = 3600.0
END = 60 * HOUR
sizes = st.floats(0.2, 20)


@st.composite
def ligands(draw, name, compartments=2, with_site=True):
    around = draw(st.lists(st.tuples(sizes, sizes), max_size=compartments))
    return PKParameters(
        drug=name,
        species="rat",
        V=draw(sizes),
        CL=draw(st.floats(0.05, 5)) / HOUR,
        peripheral=tuple((v, q / HOUR) for v, q in around),
        fu_plasma=draw(st.floats(0.01, 1)),
        Kpuu=draw(st.floats(0.1, 5)),
        molar_mass=draw(st.floats(150, 500)),
        numbers=(),
        ke0=draw(st.none() | st.floats(0.05, 10).map(lambda k: k / HOUR)) if with_site else None,
    )


@st.composite
def ways(draw):
    if draw(st.booleans()):
        return Absorption("iv", None, draw(st.floats(0.1, 1)), ())
    ka, F = draw(st.floats(0.1, 10)) / HOUR, draw(st.floats(0.05, 1))
    return Absorption("depot", ka, F, (), is_portal=draw(st.booleans()))


@st.composite
def doses(draw):
    fields = {"drug": "parent", "time": draw(st.floats(0, 10)) * HOUR}
    amount = draw(st.floats(0.01, 100))
    if draw(st.booleans()):
        fields["dose"] = amount
        longest = 0.0
    else:
        longest = draw(st.floats(0.1, 20))
        fields |= {"rate": amount / HOUR, "duration": longest * HOUR}
    if draw(st.booleans()):
        fields |= {"ii": draw(st.floats(max(longest, 0.5), 30)) * HOUR, "addl": draw(st.integers(0, 5))}
    return SimpleNamespace(**fields)


@st.composite
def metabolites(draw):
    return [
        MetaboliteNode(draw(ligands(f"metabolite {k}", compartments=1)), draw(st.floats(0, 1)), draw(st.floats(0, 1)))
        for k in range(draw(st.integers(0, 2)))
    ]


def by_ode(parameters, way, nodes, dose, t):
    """Plasma (mg/L) and free brain (nM) of every ligand, (ligand, time) each, written out flow by flow."""
    every = [parameters, *(node.parameters for node in nodes)]
    starts = np.cumsum([1] + [2 + len(p.peripheral) for p in every])

    def slope(now, x, rate):
        flow = np.zeros_like(x)
        absorbed = way.ka * x[0] if way.ka else rate
        flow[0] = rate - absorbed if way.ka else 0.0
        lost = parameters.CL * x[starts[0]] / parameters.V
        for k, p in enumerate(every):
            at = starts[k]
            c = x[at] / p.V
            if k == 0:
                flow[at] += way.F * absorbed
            else:
                node = nodes[k - 1]
                mass = p.molar_mass / parameters.molar_mass
                flow[at] += node.fraction * lost * mass
                if way.ka and way.is_portal:
                    flow[at] += node.first_pass * (1 - way.F) * absorbed * mass
            flow[at] -= p.CL * c
            for j, (v, q) in enumerate(p.peripheral, start=1):
                flow[at] -= q * (c - x[at + j] / v)
                flow[at + j] += q * (c - x[at + j] / v)
            site = at + 1 + len(p.peripheral)
            flow[site] = (p.ke0 or 0.0) * (c - x[site])
        return flow

    amount, duration = getattr(dose, "dose", None), getattr(dose, "duration", 0.0)
    begins = [dose.time + k * getattr(dose, "ii", 0.0) for k in range(getattr(dose, "addl", 0) + 1)]
    events = sorted({0.0, END, *begins, *(b + duration for b in begins if amount is None)})
    # An end and a beginning that rounding alone keeps apart are one event.
    events = [e for e, after in zip(events, [*events[1:], math.inf], strict=True) if e <= END and after - e > 1e-3]
    x = np.zeros(starts[-1])
    found = np.zeros((len(x), len(t)))
    for low, high in zip(events[:-1], events[1:], strict=True):
        if amount is not None and low in begins:
            x[0 if way.ka else starts[0]] += amount * (1 if way.ka else way.F)
        is_on = amount is None and any(b < (low + high) / 2 < b + duration for b in begins)
        rate = dose.rate if is_on else 0.0
        inside = (t >= low) & (t <= high) if high == END else (t >= low) & (t < high)
        solution = solve_ivp(slope, (low, high), x, "LSODA", dense_output=True, rtol=1e-8, atol=1e-10, args=(rate,))
        found[:, inside], x = solution.sol(t[inside]), solution.y[:, -1].copy()
    plasma = np.array([found[starts[k]] / p.V for k, p in enumerate(every)])
    brain = np.array(
        [
            p.brain_per_plasma * (plasma[k] if p.ke0 is None else found[starts[k] + 1 + len(p.peripheral)])
            for k, p in enumerate(every)
        ]
    )
    return plasma, brain


@settings(max_examples=15, deadline=None)
@given(ligands("parent"), ways(), metabolites(), doses())
def test_any_drug_by_any_schedule_solves_the_differential_equations(parameters, way, nodes, dose):
    t = np.linspace(0, END, 241)
    system = compartment_system(parameters, way, nodes)
    amounts = schedule_of(dose, way).amounts(system, t)
    names = [parameters.drug, *(node.parameters.drug for node in nodes)]
    assert list(system.plasma) == list(system.brain) == names
    plasma, brain = by_ode(parameters, way, nodes, dose, t)
    # rtol of the integrator with a margin for the accumulated error
    for rows, numeric in ((system.plasma, plasma), (system.brain, brain)):
        for name, expected in zip(names, numeric, strict=True):
            np.testing.assert_allclose(amounts @ rows[name], expected, rtol=1e-5, atol=1e-5 * expected.max() + 1e-8)


@settings(max_examples=40, deadline=None)
@given(ligands("parent"), ways(), metabolites(), doses())
def test_areas_conserve_mass(parameters, way, nodes, dose):
    """AUC = F·dose/CL, and of a metabolite what is formed over its own clearance."""
    system = compartment_system(parameters, way, nodes)
    plan = schedule_of(dose, way)
    total = plan.amount * (plan.duration if plan.lasts else 1.0) * plan.count
    area = system.ever_after(total * system.bolus)
    assert system.plasma["parent"][:-1] @ area == pytest.approx(way.F * total / parameters.CL, rel=1e-9)
    for node in nodes:
        formed = node.fraction * way.F
        if way.ka is not None and way.is_portal:
            formed += node.first_pass * (1 - way.F)
        expected = formed * total * node.parameters.molar_mass / parameters.molar_mass / node.parameters.CL
        for rows, scale in ((system.plasma, 1.0), (system.brain, node.parameters.brain_per_plasma)):
            row = rows[node.parameters.drug][:-1]
            assert row @ area == pytest.approx(scale * expected, rel=1e-9, abs=1e-300)
    # The same area from the curve: what is there and still to come decides it at any moment.
    at = plan.start + (plan.count - 1) * (plan.interval or 0.0) + plan.duration
    left = plan.amounts(system, np.array([at]))[0]
    before = np.linalg.solve(system.body, left[:-1] - total * system.bolus[:-1])  # the integral of x' = M x + u
    np.testing.assert_allclose(before + system.ever_after(left), area, rtol=1e-8, atol=1e-12 * abs(area).max())


@settings(max_examples=40, deadline=None)
@given(ligands("parent"), ways(), metabolites(), doses(), st.floats(0, 1))
def test_a_schedule_is_the_sum_of_its_doses(parameters, way, nodes, dose, part):
    t = np.linspace(0, END, 60)
    system = compartment_system(parameters, way, nodes)
    together = schedule_of(dose, way).amounts(system, t)
    alone = {k: v for k, v in vars(dose).items() if k not in ("ii", "addl")}
    apart = np.zeros_like(together)
    for k in range(getattr(dose, "addl", 0) + 1):
        one = SimpleNamespace(**{**alone, "time": dose.time + k * getattr(dose, "ii", 0.0)})
        apart += schedule_of(one, way).amounts(system, t)
    scale = apart[:, :-1].max()
    np.testing.assert_allclose(together[:, :-1], apart[:, :-1], rtol=1e-9, atol=1e-11 * scale)


@settings(max_examples=25, deadline=None)
@given(ligands("parent"), ways(), metabolites(), doses(), st.floats(1, 30))
def test_steady_state_is_the_end_of_a_long_run(parameters, way, nodes, dose, hours):
    system = compartment_system(parameters, way, nodes)
    interval = max(hours * HOUR, getattr(dose, "duration", 0.0))
    alone = {k: v for k, v in vars(dose).items() if k not in ("ii", "addl", "time")}
    t = np.linspace(0, interval, 20, endpoint=False)
    steady = schedule_of(SimpleNamespace(**alone, time=0.0, ii=interval, ss=True), way).amounts(system, t)
    slowest = float(np.min(-np.linalg.eigvals(system.body).real))
    n = min(math.ceil(40.0 / slowest / interval), 200_000)  # exp(-40): nothing of the beginning is left
    run = schedule_of(SimpleNamespace(**alone, time=0.0, ii=interval, addl=n), way)
    long = run.amounts(system, t + n * interval)
    scale = steady[:, :-1].max()
    np.testing.assert_allclose(long[:, :-1], steady[:, :-1], rtol=1e-7, atol=1e-9 * scale)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(1e-7, 1e-2), min_size=1, max_size=5), st.floats(0, 1e7))
def test_the_propagator_of_a_chain_is_a_probability(rates, t):
    """What leaves one compartment for the next: nothing is negative, nothing is made, and steps compose."""
    matrix = np.diag(-np.array(rates)) + np.diag(rates[:-1], -1)
    (whole,) = propagator(matrix, np.array([t]))
    (half,) = propagator(matrix, np.array([t / 2]))
    assert (whole >= 0).all() and (whole.sum(axis=0) <= 1 + 1e-9).all()
    np.testing.assert_allclose(np.diag(whole), np.exp(-np.array(rates) * t), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(half @ half, whole, rtol=1e-9, atol=1e-300)
