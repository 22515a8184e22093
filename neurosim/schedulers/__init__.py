"""Where tasks run: keys and a callable, no neurons."""

from neurosim.schedulers.base import Outcome, Rescue, Scheduler, Task
from neurosim.schedulers.dask import Dask
from neurosim.schedulers.local import Local, cpu_count, free_memory, nursery
from neurosim.schedulers.nursery import Nursery
from neurosim.schedulers.slurm import Request, Slurm, at_work

__all__ = [
    "Dask",
    "Local",
    "Nursery",
    "Outcome",
    "Request",
    "Rescue",
    "Scheduler",
    "Slurm",
    "Task",
    "at_work",
    "cpu_count",
    "free_memory",
    "nursery",
]
