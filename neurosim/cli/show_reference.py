"""``show`` of a drug, a receptor or a carrier: rows of the tables, with what follows from them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from neurosim import pharmacology, reference
from neurosim.cli.console import plain, say, table, title
from neurosim.errors import NeurosimError, ReferenceDataError

__all__ = ["show_carrier", "show_drug", "show_receptor"]

_HOUR, _DAY = 3600.0, 86400.0
#: Doses of the table of occupancy, mg/kg.
_DOSES = (0.01, 0.1, 1.0, 10.0, 100.0)


def show_drug(
    name: str,
    species: str | None = None,
    dose: str = "1 mg/kg",
    route: str | None = None,
    every: str = "24 h",
) -> None:
    """A drug: what it binds, and its way into the brain.

    Parameters
    ----------
    species : str, optional
        Default: each that the tables know.
    dose, every : str
        A dose with its unit, and the interval at which it is repeated.
    route : str, optional
        Default: the usual one of the species.
    """
    drug = reference.drug(name)
    route = None if route is None else reference.route(route).name
    chosen = reference.species_names() if species is None else [reference.species(species).name]
    # before anything is printed: a wrong dose, interval or species is all that its user sees
    kinetics = [_kinetics(drug.name, each, dose, route, every, is_asked=species is not None) for each in chosen]
    mass = f", {drug.molar_mass:g} g/mol" if drug.molar_mass else ""
    say(f"drug {drug.name}{mass}")
    if drug.bindings:
        title("Targets (nM)")
        rows = [
            [b.target, b.kind, b.action.name, plain(b.Ki), plain(b.efficacy), plain(b.EC_50), b.source]
            for b in pharmacology.Knowledge(species=species).bindings(drug.name)
        ]
        table(["target", "kind", "action", "Ki", "efficacy", "EC_50", "source"], rows)

    for each, report in zip(chosen, kinetics, strict=True):
        _say_kinetics(each, report, every)
    for each in chosen:
        _occupancy_over_dose(drug.name, each, route)


def _kinetics(
    drug: str, species: str, dose: str, route: str | None, every: str, is_asked: bool
) -> pharmacology.PKReport | ReferenceDataError:
    """The way into the brain of a species, or, unless that species was asked for, why none is known."""
    try:
        route = pharmacology.usual_route(drug, species) if route is None else route
        return pharmacology.pk_report(drug, dose, route, species, every)
    except ReferenceDataError as error:
        if is_asked:
            raise
        return error


def _say_kinetics(species: str, report: pharmacology.PKReport | ReferenceDataError, every: str) -> None:
    """Levels of one dose and of many, and what they rest on."""
    if isinstance(report, ReferenceDataError):
        say(f"\nPharmacokinetics in {species}: none. {report}")
        return
    how = "spread over" if reference.route(report.route).needs_rate else "every"
    title(f"Pharmacokinetics in {species}: {report.dose:g} mg/kg {report.route}, once and {how} {every}")
    table(*_course_table(report.courses))
    say()
    table(
        ["number", "value", "basis", "source"],
        [
            [n.name, n.text, n.basis, "; ".join(filter(None, (n.source, n.note)))]
            for n in report.numbers
            if n.value is not None
        ],
    )
    for number in report.numbers:
        if number.value is None:
            say(f"  {number.text}")


def _course_table(courses: Iterable[pharmacology.Course]) -> tuple[list[str], list[list[str]]]:
    """Heading and rows: total plasma and free brain of every ligand."""
    heading = ["ligand", "in", "unit", "Cmax", "tmax", "AUC", "Cmax,ss", "Cmin,ss", "Cavg,ss", "accumulation"]
    heading += ["t½ effective", "t½ terminal", "90 % of steady state"]
    rows = []
    for c in courses:
        levels = [_three(c.Cmax), _time(c.tmax), f"{_three(c.AUC / _HOUR)} h"]
        steady = [_three(x) for x in (c.Cmax_ss, c.Cmin_ss, c.Cavg_ss, c.accumulation)]
        where = "plasma, total" if c.place == "plasma" else "brain, free"
        times = [_time(x) for x in (c.t_half_effective, c.t_half_terminal, c.t_90)]
        rows.append([c.ligand, where, c.unit, *levels, *steady, *times])
    return heading, rows


def _three(value: float) -> str:
    return "" if math.isnan(value) else plain(float(f"{value:.3g}"))


def _time(seconds: float) -> str:
    """A time in the unit that a person would say it in."""
    for size, unit in ((_DAY, "d"), (_HOUR, "h")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return "" if math.isnan(seconds) else f"{seconds / 60:.3g} min"


def _occupancy_over_dose(drug: str, species: str, route: str | None) -> None:
    """Per cent of every target that one dose holds at its peak, and the dose that holds half."""
    try:
        route = pharmacology.usual_route(drug, species) if route is None else route
        report = pharmacology.pk_report(drug, "1 mg/kg", route, species)
    except NeurosimError:
        return
    curves = []
    for target in _targets_of(drug):
        try:
            curve = pharmacology.dose_occupancy(drug, _DOSES, target, species, report.route, at=report.tmax)
        except NeurosimError:  # a receptor that the species does not have
            continue
        if float("inf") > curve.ED50:
            curves.append(curve)
    if not curves:
        return
    title(
        f"Held at the peak of one dose in {species}, {report.route}, {report.tmax / 60:.0f} min (%; "
        f"{', '.join(curves[0].ligands)}; no transmitter)"
    )
    rows = [
        [c.target, *(f"{100 * held:.1f}" for held in c.occupancy), f"{plain(float(f'{c.ED50:.3g}'))} mg/kg"]
        for c in sorted(curves, key=lambda c: c.ED50)
    ]
    table(["target", *(f"{plain(dose)} mg/kg" for dose in _DOSES), "ED50"], rows)


def _targets_of(drug: str) -> list[str]:
    """Targets that may have a constant of binding."""
    kinds = ("receptor", "carrier", "store", "enzyme")
    return [b.target for b in reference.bindings(drug) if b.kind in kinds]


def show_receptor(name: str) -> None:
    """A receptor: its transmitter, constants and the drugs that bind it."""
    receptor = reference.receptor(name)
    say(
        f"receptor {receptor.name}: transmitter {receptor.ligand}, {receptor.coupling}, {receptor.net_effect}"
    )
    say(f"  {receptor.role}")
    title("Constants")
    table(
        ["constant", "value", "unit"],
        [
            ["EC_50 of the transmitter", plain(receptor.EC_50), "nM"],
            ["functional K in tissue", plain(receptor.K_func), "nM"],
            ["Ki, high-affinity state", plain(receptor.Ki_high), "nM"],
            ["Ki, low-affinity state", plain(receptor.Ki_low), "nM"],
            ["onset", plain(receptor.onset_s), "s"],
            ["decay", plain(receptor.decay_s), "s"],
        ],
    )
    say(f"  basis {receptor.basis}, source {receptor.source}")
    _binders(receptor.target)


def show_carrier(name: str) -> None:
    """A carrier: what it takes, and the drugs that bind it."""
    carrier = reference.carrier(name)
    say(f"carrier {carrier.name}: takes {carrier.substrate}")
    title("K_m")
    table(["transmitter", "K_m", "unit"], [[t, plain(K), "nM"] for t, K in carrier.K_m.items()])
    _binders(carrier.name)


def _binders(target: str) -> None:
    found = [b for name in reference.drug_names() for b in reference.bindings(name) if b.target == target]
    rows = [[b.drug, b.action.name, plain(b.Ki), b.source] for b in found]
    for species in reference.species_names():
        own = [(b, reference.in_species(b, species)) for b in found]
        rows += [
            [f"{b.drug}, {species}", there.action.name, plain(there.Ki), there.source]
            for b, there in own
            if there != b
        ]
    if rows:
        title("Drugs")
        table(
            ["drug", "action", "Ki (nM)", "source"],
            sorted(rows, key=lambda row: (row[2] == "", float(row[2] or 0))),
        )
