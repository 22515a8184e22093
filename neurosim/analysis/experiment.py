"""The experiment that some results say was run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurosim.errors import ResultSchemaError
from neurosim.spec import Experiment, digest, experiment_of_texts

if TYPE_CHECKING:
    from neurosim.analysis.results import Results

__all__ = ["StoredExperiment", "settings_of", "stored_experiment"]


@dataclass(frozen=True)
class StoredExperiment:
    """An experiment from a results folder.

    Attributes
    ----------
    experiment : Experiment
    is_exact : bool
        Whether it is what ran; else it is what the file says, without values that were set besides.
    """

    experiment: Experiment
    is_exact: bool


def stored_experiment(results: Results) -> StoredExperiment:
    """Read back the experiment of some results, with all that ``--set`` and code changed.

    Raises
    ------
    ResultSchemaError
        The results hold no text of their circuit.
    SpecError
        Texts that this version cannot read, or that need files that are not there any more.

    Notes
    -----
    ``experiment_as_run`` says all. Summaries of earlier versions hold the file's text, which counts as exact if its hash is
    that of what ran.
    """
    told = results.attributes
    if "experiment_as_run" in told:
        said = {**json.loads(told["experiment_as_run"]), "circuit": results.circuit}
        return StoredExperiment(Experiment.model_validate(said), True)
    if not results.circuit_text:
        raise ResultSchemaError(f"experiment of {results.name}: these results do not hold the text of their circuit")
    found = experiment_of_texts(results.experiment_text, results.circuit_text, settings_of(results))
    return StoredExperiment(found, digest(found) == told.get("experiment_digest"))


def settings_of(results: Results) -> dict[str, str]:
    """Path → value of what ``--set`` changed; empty in summaries of earlier versions."""
    return json.loads(results.attributes.get("settings", "{}"))
