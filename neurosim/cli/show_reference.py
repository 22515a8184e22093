"""``show`` of a drug, a receptor or a carrier: rows of the tables, with what follows from them."""

from __future__ import annotations

from neurosim import pharmacology, reference
from neurosim.cli.console import plain, say, table, title
from neurosim.errors import NeurosimError

__all__ = ["show_carrier", "show_drug", "show_receptor"]


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
