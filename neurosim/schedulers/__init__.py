"""Where tasks run: keys and a callable, no neurons."""

from neurosim._lazy import load_at_first_use

#: Name → file; a run on this machine needs nothing of clusters.
_HOME = {
    "Outcome": "base",
    "Rescue": "base",
    "Scheduler": "base",
    "Task": "base",
    "Dask": "dask",
    "Local": "local",
    "cpu_count": "local",
    "free_memory": "local",
    "nursery": "local",
    "Nursery": "nursery",
    "Request": "slurm",
    "Slurm": "slurm",
    "at_work": "slurm",
}

__all__ = load_at_first_use(__name__, _HOME)
