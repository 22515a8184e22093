"""Every number that an experiment rests on, with its basis and its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim import pharmacology, reference
from neurosim.pharmacology import PKNumber
from neurosim.reference import Binding
from neurosim.runner.validate import validate
from neurosim.runner.work import given
from neurosim.spec import Circuit, Dose, Experiment, GradedDisorder, disorder_effects, provenance

__all__ = ["BASES", "UNSTATED", "Number", "NumbersUsed", "numbers_used"]

#: How sure a number is, the surest first.
BASES = ("measured", "derived", "fitted", "assumed")
#: What stands for the basis of a number of which neither its file nor a block around it states one.
UNSTATED = "not stated"


@dataclass(frozen=True)
class Number:
    """One number that the experiment uses.

    Attributes
    ----------
    topic : str
        What it is for, as ``cite`` groups sources: ``circuit, pools``, ``receptors``, ``drug NAME, binding`` ...
    where : str
        Path in the experiment, or drug, receptor or carrier and what the number is called there.
    text : str
        The number with its unit.
    basis : str
        One of :data:`BASES`, or :data:`UNSTATED`.
    source, why : str
        The source as the circuit or table writes it; what is said about the number beside it.
    """

    topic: str
    where: str
    text: str
    basis: str
    source: str
    why: str = ""


@dataclass(frozen=True)
class NumbersUsed:
    """The numbers of an experiment in the order circuit, receptors, carriers, drugs, disorders.

    ``counts`` has an entry for each of :data:`BASES`, and for :data:`UNSTATED` where there are any.
    """

    experiment: Experiment
    numbers: tuple[Number, ...]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(number.basis for number in self.numbers)
        return {basis: found[basis] for basis in (*BASES, UNSTATED) if basis in BASES or found[basis]}

    @property
    def unmeasured(self) -> tuple[Number, ...]:
        """Numbers that nobody measured: sorted by basis, the least sure first, then by place."""
        rank = {UNSTATED: -2, "assumed": -1}
        found = [number for number in self.numbers if number.basis != "measured"]
        return tuple(sorted(found, key=lambda number: (rank.get(number.basis, 0), number.basis)))


def numbers_used(
    experiment: Experiment | str | Path,
    set: Mapping[str, Any] | None = None,  # noqa: A002 (the name of the option)
) -> NumbersUsed:
    """Collect the numbers that an experiment rests on; nothing is simulated.

    Parameters
    ----------
    experiment : Experiment, str or Path
        Or its name or file.
    set : mapping, optional
        Path → value, with ``experiment`` as a name or file.

    Returns
    -------
    NumbersUsed
        All numbers of the circuit; the table rows of its receptors and carriers; of each drug the rows of the targets
        that the circuit has and, where it is given as a dose, its pharmacokinetics in the species; what
        each disorder alters at full severity, with the rows of the table that say so. Without spikes
        (``engine: none``) only the sites and baselines of the circuit. Values that the experiment itself sets (doses,
        severities, ``set:``, lesions) are what is asked, not what it rests on, and are left out.

    Raises
    ------
    SpecError, UnitError, ReferenceDataError
        The experiment could not run.
    """
    experiment = given(experiment, set)
    validate(experiment)
    circuit = experiment.circuit
    receptors, carriers = receptors_of(circuit), carriers_of(circuit)
    drugs = dict.fromkeys(reference.drug(d.drug).name for arm in experiment.arms.values() for d in arm.drugs)
    numbers = [*_circuit_numbers(circuit, experiment.has_spikes)]
    for name in receptors:
        numbers += _receptor_numbers(name)
    for name in carriers if experiment.has_spikes else ():
        numbers += _carrier_numbers(name, circuit)
    stores = {t: None for pools in circuit.pools.values() for t, pool in pools.items() if pool.store is not None}
    for transmitter in stores if experiment.has_spikes else ():
        numbers += _store_numbers(transmitter)
    for name in drugs:
        numbers += _binding_numbers(name, experiment, receptors, carriers)
        numbers += _slow_numbers(name, experiment.species)
    numbers += _pk_numbers(experiment)
    numbers += _disorder_numbers(experiment)
    return NumbersUsed(experiment, tuple(dict.fromkeys(numbers)))


def receptors_of(circuit: Circuit) -> tuple[str, ...]:
    """Receptors of the sites and synapses of a circuit, in file order."""
    names = [kind.receptor for kind in circuit.synapses.values() if kind.receptor is not None]
    names += [site.receptor for site in circuit.sites.values()]
    return tuple(dict.fromkeys(names))


def carriers_of(circuit: Circuit) -> tuple[str, ...]:
    """Carriers of the pools of a circuit, in file order."""
    return tuple(
        dict.fromkeys(c for pools in circuit.pools.values() for pool in pools.values() for c in pool.transporters)
    )


def _circuit_numbers(circuit: Circuit, has_spikes: bool) -> Iterator[Number]:
    for entry in provenance(circuit):
        if not has_spikes and not _heard_at_rest(entry.path):
            continue
        block = entry.path.split(".")[0]
        yield Number(
            f"circuit {circuit.name}, {block}",
            f"circuit.{entry.path}",
            entry.text,
            entry.basis or UNSTATED,
            entry.source or "",
            entry.locator or "",
        )


def _heard_at_rest(path: str) -> bool:
    """Whether a number of a circuit counts where no cell spikes: sites without effects, and baselines of pools."""
    block, *rest = path.split(".")
    return (block == "sites" and "effects" not in rest) or (block == "pools" and "band" in rest)


#: Numbers of the receptor table that a site may use → unit, and the column of their own source ("" the row's).
_RECEPTOR_COLUMNS = {
    "EC50_functional_nM": ("EC_50 of the transmitter", "nM", ""),
    "K_func_nM": ("K of the transmitter in tissue", "nM", "K_func_source"),
    "Ki_high_nM": ("Ki of the transmitter, high state", "nM", ""),
    "Ki_low_nM": ("Ki of the transmitter, low state", "nM", ""),
    "tau_assay": ("reserve of the assays", "", "tau_assay_source"),
    "onset_ms": ("onset", "ms", ""),
    "decay_ms": ("decay", "ms", ""),
}


def _receptor_numbers(name: str) -> Iterator[Number]:
    found = reference.receptor(name)
    for column, (words, unit, own) in _RECEPTOR_COLUMNS.items():
        if not found.row.get(column):
            continue
        basis, source = found.basis, found.source
        if own and found.row.get(own):
            source = found.row[own]
            # Such a source begins with its basis: "derived: 45 nM DA occupies ...".
            first = source.partition(":")[0]
            basis = first if first in BASES else basis
        text = f"{found.row[column]} {unit}".strip()
        yield Number("receptors", f"receptor {found.name}: {words}", text, basis or UNSTATED, source)


def _carrier_numbers(name: str, circuit: Circuit) -> Iterator[Number]:
    """K_m of the foreign transmitters in the pools of a carrier; that of its own substrate is the circuit's."""
    found = reference.carrier(name)
    foreign = {
        other
        for pools in circuit.pools.values()
        for transmitter, pool in pools.items()
        if name in pool.transporters
        for other in pools
        if other != transmitter
    }
    for row in found.rows:
        if row["transmitter"] in foreign:
            yield Number(
                "carriers",
                f"carrier {found.name}: K_m of {row['transmitter']}",
                f"{row['K_m_nM']} nM",
                row["basis"] or UNSTATED,
                row["source"],
                row["note"],
            )


def _store_numbers(transmitter: str) -> Iterator[Number]:
    """How stores of a transmitter behave for their size, and which enzymes make and break it."""
    topic = f"stores of {transmitter}"
    for row in reference.table("stores.csv"):
        if row["transmitter"] == transmitter:
            unit = row["unit"] if row["unit"] == "1/h" else ""
            where, text = f"{topic}: {row['parameter']}", f"{row['value']} {unit}".strip()
            yield Number(topic, where, text, row["basis"], row["source"], row["note"])
    for row in reference.table("enzyme_shares.csv"):
        if row["transmitter"] == transmitter:
            where = f"{topic}: share of {row['enzyme']}, {row['place']}"
            yield Number(topic, where, row["share"], row["basis"], row["source"], row["note"])
    for row in reference.table("synthesis.csv"):
        if row["transmitter"] == transmitter:
            for column, words in (("K_m_nM", "K_m"), ("substrate_level_nM", "level")):
                where = f"{topic}: {words} of {row['substrate']} at {row['enzyme']}"
                yield Number(topic, where, f"{row[column]} nM", row["basis"], row["source"], row["note"])


def _slow_numbers(drug: str, species: str) -> Iterator[Number]:
    """Irreversible inhibition by a drug with the renewal of its target, and how fast it leaves receptors."""
    topic = f"drug {drug}, slow actions"
    for row in reference.table("inactivation.csv"):
        if row["drug"] == drug:
            where, source = f"drug {drug} at {row['target']}", (row["basis"], row["source"], row["note"])
            yield Number(topic, f"{where}: k_inact", f"{row['k_inact_1_per_min']} 1/min", *source)
            yield Number(topic, f"{where}: K_I", f"{row['K_I_nM']} nM", *source)
            hours = reference.protein_half_life(row["target"], species) / 3600.0
            renewal = [r for r in reference.table("protein_turnover.csv") if r["target"] == row["target"]]
            used = next((r for r in renewal if r["species"] == species), renewal[0])
            yield Number(
                topic, f"half-life of {row['target']}", f"{hours:g} h", used["basis"], used["source"], used["note"]
            )
    for row in reference.table("binding_kinetics.csv"):
        if row["ligand"] == drug:
            where = f"drug {drug} at {row['receptor']}: koff"
            yield Number(topic, where, f"{row['koff_1_per_s']} 1/s", row["basis"], row["source"], row["note"])


def _binding_numbers(
    drug: str, experiment: Experiment, receptors: tuple[str, ...], carriers: tuple[str, ...]
) -> Iterator[Number]:
    acting = pharmacology.report_targets(drug, receptors, carriers).expressed
    for row in pharmacology.Knowledge(profile=experiment.profile).bindings(drug):
        if row.target in acting:
            yield from _row_numbers(reference.in_species(row, experiment.species), row, experiment.species)


def _row_numbers(binding: Binding, default: Binding, species: str) -> Iterator[Number]:
    topic, where = f"drug {binding.drug}, binding", f"drug {binding.drug} at {binding.target}"
    own = binding != default
    if binding.Ki is not None:
        basis = _species_basis(binding, species) if own else binding.row.get("basis") or "measured"
        name = f"{where}: {binding.parameter or 'Ki'}"
        yield Number(topic, name, f"{binding.Ki:g} nM", basis, binding.source, binding.notes)
    is_agonist = binding.kind == "receptor" and binding.action.kind == "agonist"
    if is_agonist and binding.efficacy is not None:
        yield Number(topic, f"{where}: efficacy", f"{binding.efficacy:g}", "measured", default.source)
    elif is_agonist:
        action = next(row for row in reference.table("actions.csv") if row["action"] == binding.action.name)
        text = f"{binding.action.default_efficacy:g}"
        yield Number(topic, f"{where}: efficacy", text, action["basis"], action["source"], action["note"])
    if binding.EC_50 is not None and (is_agonist or binding.kind != "receptor"):
        scaled = own and binding.EC_50 != default.EC_50
        why = f"scaled by the Ki in the {species}" if scaled else ""
        basis = "derived" if scaled else "measured"
        yield Number(topic, f"{where}: EC_50", f"{binding.EC_50:.3g} nM", basis, _EC_50_source(default), why)


def _species_basis(binding: Binding, species: str) -> str:
    for row in reference.affinity_rows(binding.drug):
        if reference.target(row["target"]).name == binding.target and row["species"] == species:
            return row["basis"]
    return UNSTATED


def _EC_50_source(binding: Binding) -> str:
    """The source of a functional EC_50: of the first row of the drug and target that states one."""
    rows = reference.drug(binding.drug).rows
    return next((r.source for r in rows if r.target == binding.target and r.EC_50 is not None), binding.source)


def _pk_numbers(experiment: Experiment) -> Iterator[Number]:
    species = experiment.species
    doses = [d for arm in experiment.arms.values() for d in arm.drugs if isinstance(d, Dose)]
    for drug, route in dict.fromkeys((reference.drug(d.drug).name, d.route) for d in doses):
        for number in pharmacology.pk_provenance(drug, species, route):
            if number.value is not None:
                yield _pk_number(drug, species, number)
                if "scaled by weight" in number.note:
                    yield from _scaling(species)


def _pk_number(drug: str, species: str, number: PKNumber) -> Number:
    return Number(
        f"drug {drug}, pharmacokinetics",
        f"drug {drug} in {species}: {number.name}",
        number.text,
        number.basis or UNSTATED,
        number.source,
        number.note,
    )


def _disorder_numbers(experiment: Experiment) -> Iterator[Number]:
    """What disorders alter at full severity, where the circuit has the part."""
    for arm in experiment.arms.values():
        present = {(e.disorder, e.alteration) for e in disorder_effects(arm, experiment.circuit) if e.absent is None}
        for entry in arm.disorders:
            yield from (n for name, n in _of_disorder(entry) if (entry.disorder.name, name) in present)


def _of_disorder(entry: GradedDisorder) -> Iterator[tuple[str, Number]]:
    """(alteration, number) of every number of a disorder."""
    disorder = entry.disorder
    for name, alteration in disorder.alterations.items():
        source = "; ".join(dict.fromkeys(reference.disorder_row(row).source for row in alteration.rows))
        if alteration.lesion is not None:
            full = {f"loss of {alteration.lesion.population}": str(alteration.lesion.fraction)}
        else:
            full = dict(alteration.set)
        why = f"{', '.join(alteration.rows)}: {alteration.measured}; {alteration.note}"
        for path, text in full.items():
            where = f"disorder {disorder.name}, {name}: {path}"
            yield name, Number(f"disorder {disorder.name}", where, text, alteration.basis, source, why)


def _scaling(species: str) -> Iterator[Number]:
    """What a clearance taken from another species rests on besides."""
    exponent = reference.pk_default("allometric_exponent")
    topic = "species rule"
    yield Number(
        topic, "clearance per kg falls with weight to the power", f"{exponent.value:g}", exponent.basis, exponent.source
    )
    for row in reference.table("species.csv"):
        if row["species"] in (species, reference.species_names()[0]):
            yield Number(
                topic, f"weight, {row['species']}", f"{row['weight_kg']} kg", row["basis"], row["source"], row["note"]
            )
