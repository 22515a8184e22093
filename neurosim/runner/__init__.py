"""Experiment → trials → files, resumable at any moment."""

from neurosim.runner.check import CheckReport, check
from neurosim.runner.numbers import Number, NumbersUsed, numbers_used
from neurosim.runner.run import Listener, RunReport, run, run_experiment
from neurosim.runner.sources import SourcesUsed, sources_of_results, sources_used
from neurosim.runner.status import Status, status
from neurosim.runner.trials import TrialSpec, expand, trial_key

__all__ = [
    "CheckReport",
    "Listener",
    "Number",
    "NumbersUsed",
    "RunReport",
    "SourcesUsed",
    "Status",
    "TrialSpec",
    "check",
    "expand",
    "numbers_used",
    "run",
    "run_experiment",
    "sources_of_results",
    "sources_used",
    "status",
    "trial_key",
]
