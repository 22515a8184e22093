"""Trials without spikes (``engine: none``): evaluated many at once, stored in blocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.build import CARRIERS, Still, phase_concentrations
from neurosim.errors import NeurosimError
from neurosim.recording import Block, SiteInfo, environment, write_block
from neurosim.runner.execute import Ended
from neurosim.runner.trials import TrialSpec
from neurosim.spec import Resolved, canonical_json, phase_times

__all__ = ["BLOCK_SIZE", "evaluate_blocks"]

#: Trials of one file: a kill loses at most these, and a file of them opens at once.
BLOCK_SIZE = 2000


def evaluate_blocks(
    trials: Sequence[TrialSpec],
    folder: Path,
    attributes: Mapping[str, Any],
    on_ended: Callable[[TrialSpec, Ended], None],
) -> dict[str, Ended]:
    """Evaluate trials without spikes and write them, block after block; what is written stays.

    Returns
    -------
    dict, key → Ended

    Raises
    ------
    ResultSchemaError
        A block could not be written.
    """
    ended: dict[str, Ended] = {}
    for group in _groups(trials).values():
        for start in range(0, len(group), BLOCK_SIZE):
            asked = group[start : start + BLOCK_SIZE]
            block, trial = _block(asked), asked[0][0]
            root = {**attributes, **environment(), "seed": trial.resolved.seed, "arm": trial.arm}
            root["resolved"] = canonical_json(_said(trial.resolved))
            write_block(folder, block, root)
            for (done, _), outcome, message in zip(asked, block.outcomes, block.messages, strict=True):
                ended[done.key] = Ended(done.key, outcome, message, block.wall_time / len(block.keys))
                on_ended(done, ended[done.key])
    return ended


def _said(resolved: Resolved) -> dict[str, Any]:
    """What the trials of a block share; their doses are in the arrays."""
    return {
        "circuit": resolved.circuit,
        "protocol": resolved.protocol,
        "species": resolved.species,
        "levels": resolved.levels,
        "profile": resolved.profile,
        "uncertainty": resolved.uncertainty,
    }


_Asked = tuple[TrialSpec, "dict[str, dict[str, float]] | NeurosimError"]


def _groups(trials: Sequence[TrialSpec]) -> dict[tuple, list[_Asked]]:
    """Trials that differ in concentrations only, each with its own (phase → ligand → nM), or what prevented them."""
    groups: dict[tuple, list[_Asked]] = {}
    for trial in trials:
        resolved = trial.resolved
        try:
            found = {p.name: phase_concentrations(resolved, p) for p in phase_times(resolved.protocol)}
            ligands = tuple(next(iter(found.values())))
        except NeurosimError as error:
            found, ligands = error, ()
        levels = tuple((name, float(value)) for name, value in resolved.levels.items())
        clock = tuple((p.name, p.at, p.record) for p in phase_times(resolved.protocol))
        groups.setdefault((id(resolved.circuit), resolved.species, levels, clock, ligands), []).append((trial, found))
    return groups


def _block(asked: Sequence[_Asked]) -> Block:
    since, resolved = time.perf_counter(), asked[0][0].resolved
    phases = phase_times(resolved.protocol)
    known = next((found for _, found in asked if not isinstance(found, NeurosimError)), {})
    ligands = tuple(known[phases[0].name]) if known else ()
    still = Still(resolved, ligands)
    C = np.full((len(asked), len(phases), len(ligands)), np.nan)
    for k, (_, found) in enumerate(asked):
        if not isinstance(found, NeurosimError):
            C[k] = [[found[phase.name][ligand] for ligand in ligands] for phase in phases]
    receptors = still.receptors(C)
    ends = list(_ends(asked, C))
    sites = resolved.circuit.sites
    return Block(
        keys=tuple(trial.key for trial, _ in asked),
        outcomes=tuple(outcome for outcome, _ in ends),
        messages=tuple(message for _, message in ends),
        phases=tuple(phase.name for phase in phases),
        at=np.array([phase.at for phase in phases]),
        record=np.array([phase.record for phase in phases]),
        sites=still.sites,
        site_infos=tuple(
            SiteInfo(s.receptor, s.on, s.compartment, s.hears) for s in (sites[name] for name in still.sites)
        ),
        site_transmitters=still.transmitters,
        ligands=ligands,
        carriers=CARRIERS,
        concentrations=C,
        receptors=receptors,
        wall_time=time.perf_counter() - since,
    )


def _ends(asked: Sequence[_Asked], C: np.ndarray) -> Iterator[tuple[str, str]]:
    for (_, found), own in zip(asked, C, strict=True):
        if isinstance(found, NeurosimError):
            yield "failed", " ".join(str(found).split())
        elif not np.isfinite(own).all():
            yield "nan", "a drug concentration is not finite"
        else:
            yield "ok", ""
