"""Which pharmacokinetic numbers hold for a drug in a species, and where each comes from.

The species rule (DESIGN §3). A number of the species itself comes first, then that of a drug of the same
scaffold that the table ``stand_ins.csv`` lends, then that of another species, man first:

* V per kg of body weight is taken over; CL and t½ of the species itself give V = CL · t½ / ln 2 before that;
* CL = ln 2 · V / t½ of the species, else the other species' CL per kg times (weight of the other /
weight)^(1/4);
* ka by the class of the route, fu_plasma and bioavailability taken over, Kpuu 1 if nobody states it;
* ke0 of the species alone: without it the brain is in equilibrium with plasma.

What was not measured in the species has basis ``derived`` or ``assumed``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from neurosim import reference
from neurosim.errors import ReferenceDataError
from neurosim.reference import PKRow, Route

__all__ = ["Absorption", "PKNumber", "PKParameters", "absorption", "pk_parameters"]

_HOUR = 3600.0
_PERIPHERAL = (("V_2", "Q_2"), ("V_3", "Q_3"))


@dataclass(frozen=True)
class PKNumber:
    """A pharmacokinetic number that is used, in the unit of the tables, with where it comes from."""

    name: str
    value: float | None
    unit: str
    basis: str
    source: str
    note: str = ""

    @property
    def text(self) -> str:
        """The number with its unit, as a person reads it."""
        return self.note if self.value is None else f"{self.value:.3g} {self.unit}".strip()


@dataclass(frozen=True)
class PKParameters:
    """Disposition of a drug in a species.

    Attributes
    ----------
    V, CL : float; L/kg, L/kg/s
        Central volume and clearance.
    peripheral : tuple of (volume, flow)
        Up to two compartments; L/kg, L/kg/s.
    fu_plasma, Kpuu : float
        Unbound fraction in plasma; unbound brain over unbound plasma.
    molar_mass : float, g/mol
    numbers : tuple of PKNumber
        Everything above with basis and source.
    ke0 : float or None, 1/s
        Rate at which the free brain concentration follows plasma; None: at once.
    """

    drug: str
    species: str
    V: float
    CL: float
    peripheral: tuple[tuple[float, float], ...]
    fu_plasma: float
    Kpuu: float
    molar_mass: float
    numbers: tuple[PKNumber, ...]
    ke0: float | None = None

    @property
    def brain_per_plasma(self) -> float:
        """Free brain concentration in nM for 1 mg/L in plasma."""
        return self.fu_plasma * self.Kpuu * 1e6 / self.molar_mass


@dataclass(frozen=True)
class Absorption:
    """A drug by a route in a species: ``ka`` in 1/s, None for routes straight into plasma; ``F`` 0..1.

    ``is_portal`` and ``needs_rate`` as in :class:`~neurosim.reference.Route`.
    """

    route: str
    ka: float | None
    F: float
    numbers: tuple[PKNumber, ...]
    is_portal: bool = False
    needs_rate: bool = False


def _named(name: str, row: PKRow, note: str = "") -> PKNumber:
    return PKNumber(
        name, row.value, row.unit, row.basis, row.source, "; ".join(filter(None, (note, row.note)))
    )


def _givers(drug: str, species: str) -> Iterator[tuple[str, str]]:
    """Drugs whose numbers count as the species' own, with a remark: the drug itself, then its stand-in."""
    yield drug, ""
    lent = reference.stand_in(drug, species)
    if lent is not None:
        yield lent["stand_in"], f"{lent['stand_in']} stands in for {drug} ({lent['source']})"


def _own(drug: str, species: str, parameter: str) -> PKNumber | None:
    for giver, remark in _givers(drug, species):
        row = reference.pk_row(giver, species, parameter)
        if row is not None:
            number = _named(parameter, row, remark)
            return replace(number, basis="assumed") if remark else number
    return None


def _others(species: str) -> list[str]:
    return [name for name in reference.species_names() if name != species]


def _lent(drug: str, species: str, parameter: str) -> PKNumber | None:
    for other in _others(species):
        row = reference.pk_row(drug, other, parameter)
        if row is not None:
            return replace(_named(parameter, row, f"taken from {other}"), basis="assumed")
    return None


def _derived(name: str, value: float, unit: str, note: str, *parts: PKNumber) -> PKNumber:
    sources = "; ".join(dict.fromkeys(part.source for part in parts))
    basis = "assumed" if any(part.basis == "assumed" for part in parts) else "derived"
    return PKNumber(name, value, unit, basis, sources, note)


def _volume(drug: str, species: str) -> PKNumber | None:
    """V of a species from its own numbers."""
    V, CL, t_half = (_own(drug, species, name) for name in ("V", "CL", "t_half"))
    if V is None and CL is not None and t_half is not None:
        return _derived("V", CL.value * t_half.value / math.log(2), "L/kg", "CL · t_half / ln 2", CL, t_half)
    return V


def _clearance(drug: str, species: str, V: PKNumber | None) -> PKNumber | None:
    """CL of a species from its own CL, or its own half-life with a volume."""
    CL, t_half = (_own(drug, species, name) for name in ("CL", "t_half"))
    if CL is None and t_half is not None and V is not None:
        return _derived("CL", math.log(2) * V.value / t_half.value, "L/h/kg", "ln 2 · V / t_half", V, t_half)
    return CL


def _disposition(drug: str, species: str) -> tuple[PKNumber | None, PKNumber | None]:
    V = _volume(drug, species)
    for other in _others(species) if V is None else ():
        found = _volume(drug, other)
        if found is not None:
            V = replace(found, basis="assumed", note=f"per kg, taken from {other}; {found.note}".rstrip("; "))
            break
    CL = _clearance(drug, species, V)
    for other in _others(species) if CL is None else ():
        found = _clearance(drug, other, _volume(drug, other))
        if found is not None:
            exponent = reference.pk_default("allometric_exponent").value
            ratio = reference.species(other).weight / reference.species(species).weight
            CL = _derived(
                "CL", found.value * ratio**exponent, "L/h/kg", f"scaled by weight from {other}", found
            )
            break
    return V, CL


def _has_rate(drug: str, species: str) -> bool:
    """Whether any species has a clearance or half-life of a drug."""
    return any(_own(drug, name, "CL") or _own(drug, name, "t_half") for name in (species, *_others(species)))


def _refuse(drug: str, species: str, *missing: str) -> ReferenceDataError:
    words = " and ".join(filter(None, (", ".join(missing[:-1]), missing[-1])))
    return ReferenceDataError(
        f"drug {drug} in {species}: no table gives {words} for any species, so it cannot be given by "
        f"dose; give a `concentration:` instead, or add the number to pk_parameters.csv"
    )


@lru_cache(maxsize=512)
def pk_parameters(drug: str, species: str) -> PKParameters:
    """Disposition of a drug in a species by the species rule.

    Raises
    ------
    ReferenceDataError
        If the drug or species is not known, or V, a rate of elimination, fu_plasma or the molar mass is in no
        table.
    """
    found, species = reference.drug(drug), reference.species(species).name
    drug = found.name
    V, CL = _disposition(drug, species)
    fu = _own(drug, species, "fu_plasma") or _lent(drug, species, "fu_plasma")
    missing = {
        "a volume of distribution": V,
        "a clearance or half-life": CL or _has_rate(drug, species) or None,
        "the unbound fraction in plasma": fu,
        "the molar mass": found.molar_mass,
    }
    lacking = [words for words, number in missing.items() if number is None]
    if lacking:
        raise _refuse(drug, species, *lacking)
    Kpuu = _own(drug, species, "Kpuu") or _lent(drug, species, "Kpuu")
    Kpuu = Kpuu or _named("Kpuu", reference.pk_default("Kpuu"))
    ke0 = _own(drug, species, "ke0")
    around = [
        (volume, flow)
        for volume, flow in ((_own(drug, species, v), _own(drug, species, q)) for v, q in _PERIPHERAL)
        if volume is not None and flow is not None
    ]
    return PKParameters(
        drug=drug,
        species=species,
        V=V.value,
        CL=CL.value / _HOUR,
        peripheral=tuple((volume.value, flow.value / _HOUR) for volume, flow in around),
        fu_plasma=fu.value,
        Kpuu=Kpuu.value,
        molar_mass=found.molar_mass,
        numbers=(V, CL, *(n for pair in around for n in pair), fu, Kpuu, *([ke0] if ke0 else [])),
        ke0=ke0 and ke0.value / _HOUR,
    )


@lru_cache(maxsize=512)
def absorption(drug: str, species: str, route: str) -> Absorption:
    """How much of a dose arrives by a route, and how fast.

    Raises
    ------
    ReferenceDataError
        If a name is not known, or the bioavailability is in no table (routes whose F belongs to the drug).
    """
    drug, species = reference.drug(drug).name, reference.species(species).name
    way = reference.route(route)
    ka = None
    if way.kind == "depot":
        ka = _own(drug, species, f"ka_{way.name}")
        ka = ka or PKNumber(f"ka_{way.name}", way.ka, "1/h", way.basis, way.source, "by class of route")
    F = _bioavailability(drug, species, way)
    if F is None:
        routes = [
            name
            for name in reference.route_names()
            if _bioavailability(drug, species, reference.route(name)) is not None
        ]
        raise ReferenceDataError(
            f"drug {drug} in {species}: no table gives the bioavailability of the route {way.name} for any "
            f"species; allowed: {', '.join(routes)}, or add F_{way.name} to pk_parameters.csv"
        )
    # What goes into a vein is all there by definition: no number to show.
    numbers = tuple(n for n in (ka, F) if n is not None and (ka is not None or way.F_of))
    return Absorption(way.name, ka and ka.value / _HOUR, F.value, numbers, way.is_portal, way.needs_rate)


def _bioavailability(drug: str, species: str, way: Route) -> PKNumber | None:
    names = [f"F_{name}" for name in (way.name, way.F_of) if name]
    for find in (_own, _lent):
        for name in names:
            F = find(drug, species, name)
            if F is not None:
                return F
    if way.F is None:
        return None
    note = f"by class of route; {way.note}".rstrip("; ")
    return PKNumber(f"F_{way.name}", way.F, "", way.basis, way.source, note)
