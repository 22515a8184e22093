"""Experiment → trials → files, resumable at any moment."""

from neurosim.runner.check import CheckReport, check
from neurosim.runner.run import Listener, RunReport, run, run_experiment
from neurosim.runner.status import Status, status
from neurosim.runner.trials import TrialSpec, expand, trial_key

__all__ = [
    "CheckReport",
    "Listener",
    "RunReport",
    "Status",
    "TrialSpec",
    "check",
    "expand",
    "run",
    "run_experiment",
    "status",
    "trial_key",
]
