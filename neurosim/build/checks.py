"""What can be said of a circuit before anything is simulated: clearance, resting activation, bands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from neurosim import pharmacology, reference
from neurosim.build.layout import Layout
from neurosim.spec import Circuit, Pool, Protocol

__all__ = [
    "Clearance",
    "Finding",
    "RestingSite",
    "check_circuit",
    "clearances",
    "near_field_at_rest",
    "resting_concentration",
    "resting_level",
    "resting_sites",
]

#: A site outside this range of activation at rest cannot modulate in both directions (MODEL §4).
_IDLE, _SATURATED = 0.05, 0.8


@dataclass(frozen=True)
class Finding:
    """One thing worth a user's attention; ``path`` is rooted in the circuit."""

    level: Literal["info", "warning"]
    path: str
    text: str


@dataclass(frozen=True)
class Clearance:
    """How much of a pool's clearance one owner of one carrier has.

    Attributes
    ----------
    rate : float
        V/K of this owner, 1/s, at concentrations far below K.
    r : float
        (k_out + Σ V/K of all others) / (V/K of this one): MODEL §2. After loss of a fraction 1-s of both release and this
        carrier, c/c_0 = s (1+r)/(s+r); full blockade multiplies c by at most (1+r)/r.
    """

    pool: str
    carrier: str
    owner: str
    rate: float
    r: float


@dataclass(frozen=True)
class RestingSite:
    """Activation of a site at its pool's resting concentration (nM), near field included."""

    name: str
    concentration: float
    activation: float


def _pools(circuit: Circuit) -> dict[str, Pool]:
    return {f"{region}.{t}": pool for region, pools in circuit.pools.items() for t, pool in pools.items()}


def clearances(circuit: Circuit) -> list[Clearance]:
    """r of MODEL §2 for every owner of a carrier in every pool."""
    rows = []
    for name, pool in _pools(circuit).items():
        rates = {
            (carrier, owner): float(entry.V_max.value) / float(entry.K_m.value)
            for carrier, owners in pool.transporters.items()
            for owner, entry in owners.items()
        }
        total = float(pool.k_out.value) + sum(rates.values())
        for (carrier, owner), rate in rates.items():
            rows.append(
                Clearance(name, carrier, owner, rate, (total - rate) / rate if rate > 0 else math.inf)
            )
    return rows


def _middle(low: float, high: float) -> float:
    return math.sqrt(float(low) * float(high))


def resting_level(circuit: Circuit, region: str, transmitter: str) -> float | None:
    """Middle of a pool's band in nM; None for a pool without a band."""
    band = circuit.pools[region][transmitter].band
    return None if band is None else _middle(band.low, band.high)


def near_field_at_rest(circuit: Circuit, name: str) -> float:
    """What a site hears beyond its pool while the population of its near field fires in the middle of its band (nM)."""
    near = circuit.sites[name].near_field
    band = None if near is None else circuit.populations[near.population].band
    return 0.0 if band is None else float(near.h.value) * _middle(band.low, band.high)


def resting_concentration(circuit: Circuit, name: str) -> float | None:
    """What a site hears where its pool and the population of its near field are in the middle of their bands (nM)."""
    site = circuit.sites[name]
    level = resting_level(circuit, site.hears, reference.receptor(site.receptor).ligand)
    return None if level is None else level + near_field_at_rest(circuit, name)


def resting_sites(circuit: Circuit) -> list[RestingSite]:
    """Resting activation of every site whose pool has a band; the band's middle stands for the rest."""
    layout = Layout(circuit, Protocol.resting())
    rows = []
    for name in circuit.sites:
        c = resting_concentration(circuit, name)
        if c is None:
            continue
        constants = layout.site_constants[name]
        rows.append(
            RestingSite(name, c, float(pharmacology.activation(c, constants.K, constants.tau, tau_0=constants.tau_0)))
        )
    return rows


def check_circuit(circuit: Circuit) -> list[Finding]:
    """Findings on a circuit: r per pool, sites that idle or are saturated at rest, populations and pools without a band."""
    findings = []
    for name, pool in _pools(circuit).items():
        rows = [row for row in clearances(circuit) if row.pool == name]
        if not rows and float(pool.k_out.value) == 0:
            findings.append(
                Finding("warning", f"pools.{name}", "nothing clears this pool: no carrier and k_out = 0")
            )
            continue
        parts = ", ".join(f"{row.carrier} of {row.owner} r = {row.r:.2g}" for row in rows)
        findings.append(Finding("info", f"pools.{name}", parts or "no carrier: cleared by k_out alone"))
    for site in resting_sites(circuit):
        if not _IDLE <= site.activation <= _SATURATED:
            state = "idles" if site.activation < _IDLE else "is saturated"
            findings.append(
                Finding(
                    "warning",
                    f"sites.{site.name}",
                    f"{state} at rest: activation {site.activation:.3f} at {site.concentration:.3g} nM, "
                    f"outside {_IDLE}-{_SATURATED}; it can hardly modulate",
                )
            )
    for name, population in circuit.populations.items():
        if population.band is None:
            findings.append(
                Finding("info", f"populations.{name}", "no band: calibrate leaves its drive alone")
            )
    return findings
