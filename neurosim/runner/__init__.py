"""Experiment → trials → files, resumable at any moment."""

from neurosim._lazy import load_at_first_use

#: Name → file; a worker needs few of them.
_HOME = {
    "CheckReport": "check",
    "check": "check",
    "Number": "numbers",
    "NumbersUsed": "numbers",
    "numbers_used": "numbers",
    "Listener": "run",
    "RunReport": "run",
    "run": "run",
    "run_experiment": "run",
    "SourcesUsed": "sources",
    "sources_of_results": "sources",
    "sources_used": "sources",
    "Status": "status",
    "status": "status",
    "TrialSpec": "trials",
    "expand": "trials",
    "trial_key": "trials",
}

__all__ = load_at_first_use(__name__, _HOME)
