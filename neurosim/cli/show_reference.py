"""``show`` of a drug, a receptor or a carrier: rows of the tables, with what follows from them."""

from __future__ import annotations

from neurosim import pharmacology, reference
from neurosim.cli.console import plain, say, table, title
from neurosim.errors import NeurosimError

__all__ = ["show_carrier", "show_drug", "show_receptor"]

#: Doses of the table of occupancy, mg/kg.
_DOSES = (0.01, 0.1, 1.0, 10.0, 100.0)
_USUAL_ROUTES = {"human": ("oral", "iv")}
_ANIMAL_ROUTES = ("ip", "iv")


def show_drug(name: str) -> None:
    """A drug: what it binds, and its way into the brain."""
    drug = reference.drug(name)
    mass = f", {drug.molar_mass:g} g/mol" if drug.molar_mass else ""
    say(f"drug {drug.name}{mass}")
    if drug.bindings:
        title("Targets (nM)")
        rows = [
            [b.target, b.kind, b.action.name, plain(b.Ki), plain(b.efficacy), plain(b.EC_50), b.source]
            for b in drug.bindings
        ]
        table(["target", "kind", "action", "Ki", "efficacy", "EC_50", "source"], rows)

    for species in reference.species_names():
        _kinetics(drug.name, species)
    for species in reference.species_names():
        _occupancy_over_dose(drug.name, species)


def _kinetics(drug: str, species: str) -> None:
    """The way into the brain of a species: one row per route for a dose of 1 mg/kg, then what that rests on."""
    try:
        numbers = pharmacology.pk_provenance(drug, species)
    except NeurosimError as error:
        say(f"\nPharmacokinetics in {species}: none. {error}")
        return
    title(f"Pharmacokinetics in {species}: free in the brain after 1 mg/kg")
    rows = []
    for route in reference.route_names():
        try:
            report = pharmacology.pk_report(drug, "1 mg/kg", route, species)
        except NeurosimError:
            continue
        times = (f"{report.tmax / 60:.0f} min", f"{report.t_half / 3600:.2g} h")
        rows.append([route, f"{plain(report.Cmax)} nM", *times, f"{plain(report.AUC / 3600)} nM h"])
    table(["route", "Cmax", "tmax", "t_half", "AUC"], rows)
    say()
    table(
        ["number", "value", "basis", "source"],
        [
            [n.name, n.text, n.basis, "; ".join(filter(None, (n.source, n.note)))]
            for n in numbers
            if n.value is not None
        ],
    )
    for number in numbers:
        if number.value is None:
            say(f"  {number.text}")


def _usual_dose(drug: str, species: str) -> pharmacology.PKReport | None:
    """1 mg/kg by the usual route of a species, or the next that its numbers allow; None where there is none."""
    for route in _USUAL_ROUTES.get(species, _ANIMAL_ROUTES):
        try:
            return pharmacology.pk_report(drug, "1 mg/kg", route, species)
        except NeurosimError:
            continue
    return None


def _occupancy_over_dose(drug: str, species: str) -> None:
    """Per cent of every target that one dose holds at its peak, and the dose that holds half."""
    report = _usual_dose(drug, species)
    if report is None:
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
    rows = [
        [name, b.action.name, plain(b.Ki), b.source]
        for name in reference.drug_names()
        for b in reference.bindings(name)
        if b.target == target
    ]
    if rows:
        title("Drugs")
        table(
            ["drug", "action", "Ki (nM)", "source"],
            sorted(rows, key=lambda row: (row[2] == "", float(row[2] or 0))),
        )
