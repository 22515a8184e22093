"""``show`` of a drug, a receptor or a carrier: rows of the tables, with what follows from them."""

from __future__ import annotations

from neurosim import reference
from neurosim.cli.console import say, table, title

__all__ = ["show_carrier", "show_drug", "show_receptor"]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def show_drug(name: str) -> None:
    """A drug: what it binds, and its way into the brain."""
    drug = reference.drug(name)
    mass = f", {drug.molar_mass:g} g/mol" if drug.molar_mass else ""
    say(f"drug {drug.name}{mass}")
    if drug.bindings:
        title("Targets (nM)")
        rows = [
            [b.target, b.kind, b.action.name, _number(b.Ki), _number(b.efficacy), _number(b.EC_50), b.source]
            for b in drug.bindings
        ]
        table(["target", "kind", "action", "Ki", "efficacy", "EC_50", "source"], rows)


def show_receptor(name: str) -> None:
    """A receptor: its transmitter, constants and the drugs that bind it."""
    receptor = reference.receptor(name)
    say(f"receptor {receptor.name}: transmitter {receptor.ligand}, {receptor.coupling}, {receptor.net_effect}")
    say(f"  {receptor.role}")
    title("Constants")
    table(
        ["constant", "value", "unit"],
        [
            ["EC_50 of the transmitter", _number(receptor.EC_50), "nM"],
            ["functional K in tissue", _number(receptor.K_func), "nM"],
            ["Ki, high-affinity state", _number(receptor.Ki_high), "nM"],
            ["Ki, low-affinity state", _number(receptor.Ki_low), "nM"],
            ["onset", _number(receptor.onset_s), "s"],
            ["decay", _number(receptor.decay_s), "s"],
        ],
    )
    say(f"  basis {receptor.basis}, source {receptor.source}")
    _binders(receptor.target)


def show_carrier(name: str) -> None:
    """A carrier: what it takes, and the drugs that bind it."""
    carrier = reference.carrier(name)
    say(f"carrier {carrier.name}: takes {carrier.substrate}")
    title("K_m")
    table(["transmitter", "K_m", "unit"], [[t, _number(K), "nM"] for t, K in carrier.K_m.items()])
    _binders(carrier.name)


def _binders(target: str) -> None:
    rows = [
        [name, b.action.name, _number(b.Ki), b.source]
        for name in reference.drug_names()
        for b in reference.bindings(name)
        if b.target == target
    ]
    if rows:
        title("Drugs")
        table(["drug", "action", "Ki (nM)", "source"], sorted(rows, key=lambda row: (row[2] == "", float(row[2] or 0))))
