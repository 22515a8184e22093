"""The numbers of a schedule that a pharmacologist asks for, of the drug and its metabolites."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from neurosim import reference, units
from neurosim.errors import ReferenceDataError, SpecError
from neurosim.pharmacology.compartments import CompartmentSystem
from neurosim.pharmacology.metabolism import disposition, pk_provenance
from neurosim.pharmacology.parameters import PKNumber
from neurosim.pharmacology.pk import drug_system
from neurosim.pharmacology.schedules import Schedule, schedule_of

__all__ = ["Course", "PKReport", "pk_report", "usual_route"]

_NG_PER_ML = 1000.0  # of 1 mg/L
#: Times at which a curve is looked at before its extremum is refined.
_LOOKS = 400
#: Part of the steady state that counts as reached.
_REACHED = 0.9


@dataclass(frozen=True)
class Course:
    """One ligand in one place: after one dose, and in the steady state of repeated doses.

    Attributes
    ----------
    ligand : str
    place : str
        ``plasma`` (total) or ``brain`` (free).
    unit : str
        Of concentrations: ng/mL in plasma, nM in the brain.
    Cmax, tmax, AUC : float; unit, s, unit·s
        Of one dose; AUC from 0 to infinity.
    Cmax_ss, Cmin_ss, Cavg_ss : float, unit
        Highest, lowest and mean over an interval of the steady state; one number where a pump never stops.
    accumulation : float
        Mean of an interval in the steady state over that of the first: AUC(0..inf) / AUC(0..interval).
    t_half_effective : float, s
        The half-life of a drug with one exponential that would accumulate as much (the half-life that governs
        accumulation): ln 2 · interval / ln(AUC(0..inf) / AUC(interval..inf)). It depends on the interval, and is
        longer than any exponential where a ligand takes longer than an interval to appear.
    t_half_terminal : float, s
        Of the slowest exponential in the curve, absorption included.
    t_90 : float, s
        From the first dose until the mean of an interval is 90 % of that of the steady state: the time by which
        one dose has shown 90 % of its AUC (superposition).

    References
    ----------
    Boxenbaum & Battle 1995, J. Clin. Pharmacol. 35:763 (effective half-life)
    """

    ligand: str
    place: str
    unit: str
    Cmax: float
    tmax: float
    AUC: float
    Cmax_ss: float
    Cmin_ss: float
    Cavg_ss: float
    accumulation: float
    t_half_effective: float
    t_half_terminal: float
    t_90: float


@dataclass(frozen=True)
class PKReport:
    """A dose of a drug, once and repeated.

    Attributes
    ----------
    dose : float, mg/kg
    interval : float, s
    courses : tuple of Course
        The drug, then its metabolites; of each plasma, then brain.
    numbers : tuple of PKNumber
        What this rests on.
    """

    drug: str
    species: str
    route: str
    dose: float
    interval: float
    courses: tuple[Course, ...]
    numbers: tuple[PKNumber, ...]

    def course(self, place: str = "brain", ligand: str | None = None) -> Course:
        """The course of a ligand (default: the drug itself) in a place."""
        wanted = (ligand or self.drug, place)
        return next(c for c in self.courses if (c.ligand, c.place) == wanted)

    @property
    def tmax(self) -> float:
        """Time of the highest free brain concentration of the drug after one dose, s."""
        return self.course().tmax


def _extremum(f: Callable[[np.ndarray], np.ndarray], t: np.ndarray, sign: float = 1.0) -> tuple[float, float]:
    """Time and value of the highest (sign 1) or lowest (sign -1) point of a smooth function on a grid."""
    from scipy.optimize import minimize_scalar

    values = f(t)
    best = int(np.argmax(sign * values))
    low, high = t[max(best - 1, 0)], t[min(best + 1, len(t) - 1)]
    time, value = float(t[best]), float(values[best])
    if high > low:
        found = minimize_scalar(
            lambda x: -sign * f(np.array([x]))[0],
            bounds=(low, high),
            method="bounded",
            options={"xatol": 1e-6 * high},
        )
        if -found.fun > sign * value:
            time, value = float(found.x), -sign * float(found.fun)
    return time, value


def _slowest(system: CompartmentSystem, row: np.ndarray) -> float:
    """Rate of the slowest exponential in a reading, 1/s."""
    feeds = system.feeding(row)
    feeds = feeds if feeds.any() else np.ones_like(feeds)
    return float(np.min(-np.linalg.eigvals(system.body[np.ix_(feeds, feeds)]).real))


def _reached(tail: Callable[[float], float], slowest: float) -> float:
    """When the area that is still to come has fallen to what 90 % leaves."""
    from scipy.optimize import brentq

    left = 1.0 - _REACHED
    high = math.log(2) / slowest
    while tail(high) > left:
        high *= 2.0
    return float(brentq(lambda t: tail(t) - left, 0.0, high, xtol=1e-9 * high))


def _course(
    system: CompartmentSystem, once: Schedule, steady: Schedule, interval: float, ligand: str, place: str
) -> Course:
    scale = _NG_PER_ML if place == "plasma" else 1.0
    row = scale * getattr(system, place)[ligand]
    slowest = _slowest(system, row)

    def after_one(t: np.ndarray) -> np.ndarray:
        return once.amounts(system, t) @ row

    def to_come(t: float) -> float:
        """AUC from t to infinity of one dose; an input that still lasts is in what the dose will give."""
        amounts = once.amounts(system, np.array([t]))[0]
        still = max(once.duration - t, 0.0) * once.amount * system.bolus
        return float(row[:-1] @ system.ever_after(amounts + still))

    fastest = float(np.abs(np.diag(system.body)).max())
    times = np.geomspace(1e-3 / fastest, 10.0 / slowest + once.duration, _LOOKS)
    tmax, Cmax = _extremum(after_one, np.unique([0.0, once.duration, *times]))
    AUC = to_come(0.0)
    # The end of an interval belongs to the next dose, so the grid stops just before it.
    inside = np.concatenate([np.linspace(0.0, 1.0 - 1e-9, _LOOKS), np.geomspace(1e-6, 1.0 - 1e-9, _LOOKS)])
    inside = np.unique(inside) * interval
    high, low = (_extremum(lambda t: steady.amounts(system, t) @ row, inside, sign)[1] for sign in (1.0, -1.0))
    later = to_come(interval)
    nothing = AUC <= 0.0  # a drug that does not enter the brain
    return Course(
        ligand=ligand,
        place=place,
        unit="ng/mL" if place == "plasma" else "nM",
        Cmax=Cmax,
        tmax=tmax,
        AUC=AUC,
        Cmax_ss=high,
        Cmin_ss=low,
        Cavg_ss=AUC / interval,
        accumulation=math.nan if nothing else AUC / (AUC - later),
        t_half_effective=math.nan if nothing else _effective(AUC, later, interval, slowest),
        t_half_terminal=math.nan if nothing else math.log(2) / slowest,
        t_90=math.nan if nothing else _reached(lambda t: to_come(t) / AUC, slowest),
    )


def _effective(AUC: float, later: float, interval: float, slowest: float) -> float:
    # Long after the peak one exponential is left, and the effective half-life is that of it.
    return math.log(2) * (interval / math.log(AUC / later) if later > 0 else 1.0 / slowest)


def usual_route(drug: str, species: str) -> str:
    """How a species is mostly given drugs; into the vein where a drug has no numbers for that.

    Raises
    ------
    ReferenceDataError
        If a name is not known, or the drug has no kinetics in the species.
    """
    usual = reference.species(species).usual_route
    try:
        disposition(drug, species, usual)
    except ReferenceDataError:
        disposition(drug, species, "iv")
        return "iv"
    return usual


def pk_report(
    drug: str, dose: str | float, route: str, species: str, every: str | float = "24 h"
) -> PKReport:
    """What one dose, and the same dose at every interval, come to in plasma and brain.

    Parameters
    ----------
    dose : str or float
        ``"10 mg/kg"`` or a number in mg/kg. By a route that needs a rate it is spread over the interval.
    every : str or float
        The interval, ``"12 h"`` or a number in s.

    Raises
    ------
    ReferenceDataError, SpecError, UnitError
        As :func:`~neurosim.pharmacology.plasma`; a dose or an interval of 0 is refused too.
    """
    amount = float(units.parse(dose, "dose") if isinstance(dose, str) else dose)
    interval = float(units.parse(every, "time") if isinstance(every, str) else every)
    for name, value in (("dose", amount), ("every", interval)):
        if not (value > 0 and math.isfinite(value)):
            raise SpecError(f"report on {drug}: {name} is {value:g}; allowed: a positive number")
    parameters, way, _ = disposition(drug, species, route)
    system = drug_system(drug, species, route)
    given: dict[str, Any] = {"drug": parameters.drug, "dose": amount, "time": 0.0}
    if way.needs_rate:
        given["duration"] = interval
    once = schedule_of(SimpleNamespace(**given), way)
    steady = schedule_of(SimpleNamespace(**given, ii=interval, ss=True), way)
    courses = [
        _course(system, once, steady, interval, ligand, place)
        for ligand in system.plasma
        for place in ("plasma", "brain")
    ]
    return PKReport(
        drug=parameters.drug,
        species=parameters.species,
        route=way.route,
        dose=amount,
        interval=interval,
        courses=tuple(courses),
        numbers=tuple(pk_provenance(drug, species, route)),
    )
