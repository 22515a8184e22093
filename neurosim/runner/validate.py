"""Names and numbers that a spec alone cannot judge, looked at before anything runs: receptors, pools, drugs, doses."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim import pharmacology, reference
from neurosim.build.exposure import phase_concentrations
from neurosim.errors import NeurosimError, ReferenceDataError, SpecError
from neurosim.spec import (
    Circuit,
    Experiment,
    Sourced,
    disorder_effects,
    locate,
    phase_times,
    resolve,
    spec_error,
)

__all__ = ["exposures", "idle_drugs", "left_out", "validate", "validate_circuit"]


def validate(experiment: Experiment) -> None:
    """Refuse an experiment that could not run.

    Raises
    ------
    SpecError
        One sentence per mistake: an unknown profile, receptor or drug, a receptor that the species lacks, a site that hears
        a pool that does not exist, a dose that cannot become a concentration, a
        disorder that names rows that do not exist.
    """
    problems = [
        *_profile_problems(experiment),
        *_circuit_problems(experiment.circuit, experiment.species),
        *_disorder_problems(experiment),
        *_drug_problems(experiment),
    ]
    if not problems and not experiment.has_spikes:
        from neurosim.build.still import levels_at_rest

        for arm in experiment.arms:
            levels_at_rest(resolve(experiment, arm))
    if problems:
        raise SpecError(*dict.fromkeys(problems))


def validate_circuit(circuit: Circuit) -> None:
    """The part of :func:`validate` that concerns a circuit alone."""
    problems = list(_circuit_problems(circuit, circuit.species))
    if problems:
        raise SpecError(*problems)


def _profile_problems(experiment: Experiment) -> Iterator[str]:
    if experiment.profile not in reference.profile_names():
        names = reference.profile_names()
        yield str(spec_error(experiment, ("profile",), experiment.profile, names, "profile"))


def _circuit_problems(circuit: Circuit, species: str) -> Iterator[str]:
    yield from _transmitter_problems(circuit)
    for name, kind in circuit.synapses.items():
        if kind.receptor is not None:
            yield from _receptor_problems(circuit, ("synapses", name, "receptor"), kind.receptor, species)
    wrong = []
    for name, site in circuit.sites.items():
        path = ("sites", name, "receptor")
        wrong += list(_receptor_problems(circuit, path, site.receptor, species)) or _site_problems(circuit, name)
    yield from wrong or _near_field_problems(circuit)


def _transmitter_problems(circuit: Circuit) -> Iterator[str]:
    named = [(("populations", name, "transmitter"), p.transmitter, None) for name, p in circuit.populations.items()]
    named += [(("pools", region, t), t, "modulator") for region, pools in circuit.pools.items() for t in pools]
    for path, transmitter, role in named:
        if transmitter not in reference.transmitter_names(role):
            what = "transmitter" if role is None else "transmitter of a pool"
            yield str(spec_error(circuit, path, transmitter, reference.transmitter_names(role), what))


def _receptor_problems(circuit: Circuit, path: tuple, receptor: str, species: str) -> Iterator[str]:
    try:
        found = reference.receptor(receptor)
    except ReferenceDataError:
        yield str(spec_error(circuit, path, receptor, reference.receptor_names(), "receptor"))
        return
    if species in found.absent_in:
        where = ".".join(path)
        sentence = (
            f"{where}: species {species} has no receptor {found.name}; give another circuit, or extend this one "
            f"and say {path[0]}: {{{path[1]}: {{remove: true}}}}"
        )
        yield _placed(circuit, path, SpecError(sentence))


def _site_problems(circuit: Circuit, name: str) -> Iterator[str]:
    site = circuit.sites[name]
    ligand = reference.receptor(site.receptor).ligand
    pools = [region for region, of_region in circuit.pools.items() if ligand in of_region]
    if site.hears not in pools:
        yield str(
            spec_error(
                circuit, ("sites", name, "hears"), site.hears, pools, f"region with a pool of {ligand}"
            )
        )
    elif site.near_field is not None:
        releasing = circuit.pools[site.hears][ligand].release
        if site.near_field.population not in releasing:
            path = ("sites", name, "near_field", "population")
            what = f"population that releases {ligand} in {site.hears}"
            yield str(spec_error(circuit, path, site.near_field.population, releasing, what))


def _near_field_problems(circuit: Circuit) -> Iterator[str]:
    """Sites that hear one near field with two time constants."""
    fields: dict[tuple[str, str, str], tuple[str, Sourced]] = {}
    for name, site in circuit.sites.items():
        near = site.near_field
        if near is None:
            continue
        key = (near.population, site.hears, reference.receptor(site.receptor).ligand)
        other, tau = fields.setdefault(key, (name, near.tau))
        if float(tau.value) != float(near.tau.value):
            path = ("sites", name, "near_field", "tau")
            sentence = f"{'.'.join(path)}: {near.tau.value}, but {other} hears the same near field with {tau.value}"
            yield _placed(circuit, path, SpecError(f"{sentence}; allowed: one tau for all sites that hear it"))


def _disorder_problems(experiment: Experiment) -> Iterator[str]:
    """Rows that a disorder names and the table does not have."""
    for arm, what in experiment.arms.items():
        for k, entry in enumerate(what.disorders):
            path = ("arms", arm, "disorders", k, "disorder")
            for row in (*entry.disorder.rows, *entry.disorder.not_mapped):
                try:
                    reference.disorder_row(row)
                except ReferenceDataError as error:
                    yield _placed(experiment, path, SpecError(f"{entry.disorder.name}: {error}"))


def _drug_problems(experiment: Experiment) -> Iterator[str]:
    for arm in experiment.arms:
        known = True
        for index, drug in enumerate(experiment.arms[arm].drugs):
            path = ("arms", arm, "drugs", index, "drug")
            try:
                reference.drug(drug.drug)
            except ReferenceDataError:
                known = False
                yield str(spec_error(experiment, path, drug.drug, reference.drug_names(), "drug"))
        if known and experiment.arms[arm].drugs:
            try:
                exposures(experiment, arm)
            except NeurosimError as error:
                yield _placed(experiment, ("arms", arm, "drugs"), error)


def idle_drugs(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Drugs that are in the brain in no phase of their arm, as (path, sentence)."""
    phases = phase_times(experiment.protocol)
    for arm, what in experiment.arms.items():
        if not what.drugs:
            continue
        found = exposures(experiment, arm)
        for name in next(iter(found.values())):
            given = [d for d in what.drugs if pharmacology.ligand_name(d.drug) == name]
            stated = any(getattr(d, key, None) for d in given for key in ("concentration", "dose", "rate"))
            if any(pharmacology.acts_outside(row) for row in reference.bindings(name)):
                continue
            if stated and all(levels[name] == 0 for levels in found.values()):
                last = "" if phases[-1].before_drugs else f"; the last phase is at {phases[-1].at / 60:g} min"
                yield f"arms.{arm}.drugs.{name}", f"is in the brain in no phase{last}: it does nothing here"


def left_out(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Optional alterations of disorders that the circuit has no part for, as (path, sentence); worth a warning."""
    for arm, what in experiment.arms.items():
        for effect in disorder_effects(what, experiment.circuit):
            if effect.absent is not None:
                sentence = f"{effect.alteration} is left out: the circuit {effect.absent}"
                yield f"arms.{arm}.disorders.{effect.disorder}", sentence


def _placed(owner: Circuit | Experiment, path: tuple, error: NeurosimError) -> str:
    place = locate(owner, path)
    return f"{place}: {error}" if place else str(error)


def exposures(experiment: Experiment, arm: str) -> dict[str, dict[str, float]]:
    """Phase → free brain concentration (nM) of every ligand of an arm, outside of any scan."""
    resolved = resolve(experiment, arm)
    return {phase.name: phase_concentrations(resolved, phase) for phase in phase_times(resolved.protocol)}
