"""What a trial says of itself, in the words of an NWB file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import xarray as xr

from neurosim.analysis.resolved import arm_of, stretches_of
from neurosim.export.clock import PlacedPhase
from neurosim.spec import Arm, Clamp, Dose

__all__ = ["Session"]

#: Species of experiments → name that archives take.
_LATIN = {"rat": "Rattus norvegicus", "mouse": "Mus musculus", "human": "Homo sapiens"}
_SIMULATED = "SIMULATED DATA: the output of a computer model. No animal and no person took part."
_CLOCK = (
    "Time 0 of this file is the start of the first recorded phase. A phase before all drugs follows the one before it, the "
    "first dose falls at the end of the last of these, and from there on the file counts the time of the model (column 'at' "
    "of the epochs: seconds from the first dose). Between phases nothing was recorded."
)
_START = (
    "session_start_time is when the file of the trial was written, the only date that a simulation has; it says nothing "
    "about the time that passed in the model."
)
_KEYWORDS = (
    "simulation", "computational model", "spiking neural network", "dopamine", "serotonin", "pharmacology", "neurosim",
)  # fmt: skip


@dataclass(frozen=True)
class Session:
    """One trial as the session of an NWB file.

    Attributes
    ----------
    attributes : mapping
        Root attributes of the trial's file.
    arm : str
    point : str
        Scan point in words, empty without one.
    drug_levels : str
        What was free in the brain, in words.
    experiment : mapping
        Root attributes of the summary, for what the trial does not say.
    """

    attributes: Mapping[str, Any]
    arm: str
    point: str
    drug_levels: str
    experiment: Mapping[str, Any]

    @classmethod
    def of(cls, trial: xr.DataTree, arm: str, point: str, experiment: Mapping[str, Any]) -> Session:
        """The session of a trial from :meth:`neurosim.analysis.Results.trial`."""
        return cls(dict(trial.attrs), arm, point, _drug_levels(trial), experiment)

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """What was simulated, as canonical JSON says it: quantities are pairs of dimension and number."""
        return json.loads(self.attributes.get("resolved", "{}"))

    @cached_property
    def _treatment(self) -> Arm:
        return arm_of(self.resolved)

    def _get(self, name: str, default: Any = "") -> Any:
        return self.attributes.get(name, self.experiment.get(name, default))

    @property
    def species(self) -> str:
        return self.resolved.get("species", "")

    @property
    def subject_id(self) -> str:
        """The same in all arms of an experiment: one brain, met in several sessions."""
        parts = ("simulated", self.species, self._get("seed", 0), self._get("subject", 0))
        return "-".join(str(part) for part in parts if part != "")

    @property
    def session_id(self) -> str:
        """Arm and key, in characters that archives take in file names."""
        arm = "".join(c if c.isascii() and c.isalnum() else "-" for c in self.arm)
        return f"{arm}-{self.attributes['key'][:8]}"

    @property
    def subject(self) -> dict[str, Any]:
        """Arguments of :class:`pynwb.file.Subject`."""
        latin = {"species": _LATIN[self.species]} if self.species in _LATIN else {}
        return {
            "subject_id": self.subject_id,
            "description": f"{_SIMULATED} Virtual subject number {self._get('subject', 0)} of a model of the "
            f"{self.species or 'brain'} (seed {self._get('seed', 0)}): wiring, cell parameters and noise are drawn from "
            "seed and number, so the same number is the same brain in every arm. It has no sex and no age.",
            "sex": "U",
            "age": "P0D/",
            **latin,
        }

    @property
    def fields(self) -> dict[str, Any]:
        """Arguments of :class:`pynwb.NWBFile` besides who and when."""
        name, versions = self._get("name", "experiment"), json.loads(self._get("versions", "{}"))
        where = f", {self.point}" if self.point else ""
        told = {
            "session_description": f"{_SIMULATED} Experiment {name}, arm {self.arm}{where}. {_CLOCK}",
            "identifier": f"neurosim-{self.attributes['key']}",
            "session_id": self.session_id,
            "experiment_description": f"{_SIMULATED} {_description(self._get('experiment_yaml')) or name}",
            "keywords": list(_KEYWORDS),
            "notes": f"{self._provenance(versions)} {_START} {self._get('notice')}".strip(),
            "pharmacology": self._pharmacology(),
            "surgery": self._lesions(),
            "stimulus_notes": self._stimulus_notes(),
            "source_script": self._get("experiment_yaml"),
            "was_generated_by": [[package, version] for package, version in versions.items() if version],
        }
        if told["source_script"]:
            told["source_script_file_name"] = f"{name}.yaml"
        return {key: value for key, value in told.items() if value}

    def _provenance(self, versions: Mapping[str, str]) -> str:
        known = {
            "neurosim": versions.get("neurosim-da5ht"),
            "commit": self._get("commit"),
            "seed": self._get("seed"),
            "subject": self._get("subject"),
            "key of the trial": self.attributes["key"],
            "outcome": self.attributes["outcome"],
            "processor": self._get("cpu"),
        }
        return "; ".join(f"{name} {value}" for name, value in known.items() if value not in (None, "")) + "."

    def _pharmacology(self) -> str:
        given = [_drug(drug) for drug in self._treatment.drugs]
        words = f"Simulated: {'; '.join(given)}." if given else "Simulated: no drug." if self.resolved else ""
        return f"{words} {self.drug_levels}".strip()

    def _lesions(self) -> str:
        lost = [f"{float(le.fraction):g} of {le.population}" for le in self._treatment.lesions]
        return f"Simulated lesions, before the first phase: {'; '.join(lost)}." if lost else ""

    def _stimulus_notes(self) -> str:
        given = [f"{s.kind} to {s.population} in {s.phase}" for s in self._treatment.stimulations]
        return f"Simulated currents: {'; '.join(given)}; see intervals/stimulations." if given else ""

    @property
    def texts(self) -> dict[str, tuple[str, str]]:
        """Name → text and what it is: all that reproduces the trial."""
        told = {
            "circuit_yaml": "the circuit file of the simulation",
            "resolved": "everything that determined this trial, as canonical JSON: quantities are [dimension, number in the "
            "internal unit]",
            "versions": "versions of the software that ran it, as JSON",
            "engine": "what integrated the equations, as JSON",
            "source_digest": "hash of the program's sources",
        }
        return {name: (_text(self._get(name)), words) for name, words in told.items() if self._get(name)}

    def stimulations(self, phase: PlacedPhase) -> Iterator[tuple[float, float, dict[str, Any]]]:
        """Start and end on the session's clock, and the columns, of every pulse or stretch in a phase."""
        for given in self._treatment.stimulations:
            if given.phase != phase.name:
                continue
            values = {
                "population": given.population,
                "kind": given.kind,
                "phase": phase.name,
                "rate": float("nan") if given.rate is None else float(given.rate),
                "amplitude": float("nan") if given.amplitude is None else float(given.amplitude),
                "fraction": float(given.fraction),
            }
            for start, end in stretches_of(given, phase.stop - phase.start):
                yield phase.start + start, phase.start + end, values


def _drug(given: Dose | Clamp) -> str:
    if isinstance(given, Clamp):
        where = f" in {', '.join(given.phases)}" if given.phases else ""
        return f"{given.drug} held at {given.concentration} free in the brain{where}"
    rate = None if given.rate is None else f"{given.rate.to('mg/kg/h'):g} mg/kg/h"
    amount = " at ".join(str(part) for part in (given.dose, rate) if part is not None)
    words = f"{given.drug} {amount} {given.route} at {given.time}"
    if given.ii is not None:
        words += f", repeated every {given.ii}"
        words += "" if given.addl is None else f" {given.addl} more times"
    if given.ss:
        words += ", at steady state"
    if given.duration is not None:
        words += f", over {given.duration}"
    return words


def _drug_levels(trial: xr.DataTree) -> str:
    levels = trial["drugs"]["concentration"].load()
    drugs, rows = levels.drug.values, levels.transpose("phase", "drug").values
    told = [
        f"{phase}: " + ", ".join(f"{name} {level:.4g} nM" for name, level in zip(drugs, row, strict=True))
        for phase, row in zip(levels.phase.values, rows, strict=True)
    ]
    return f"Free in the brain, {'; '.join(told)}." if levels.sizes["drug"] else ""


def _description(text: str) -> str:
    """The description of an experiment file."""
    from ruamel.yaml import YAML, YAMLError

    try:
        found = YAML(typ="safe").load(text) if text else {}
    except YAMLError:
        return ""
    return " ".join(str(found.get("description") or "").split()) if isinstance(found, dict) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
