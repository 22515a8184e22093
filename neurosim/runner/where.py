"""Where the trials of a run go: processes here, SLURM, Dask."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neurosim.runner.estimate import Estimate, size_text
from neurosim.runner.folder import JOBS
from neurosim.runner.place import Place
from neurosim.schedulers import Local, Nursery, Scheduler, cpu_count, free_memory

if TYPE_CHECKING:
    from neurosim.schedulers import Request

__all__ = ["jobs_folder", "scheduler_of", "slurm_request", "workers_that_fit"]

#: Part of the free memory that workers may take.
_SHARE = 0.8
#: Memory of a SLURM task over what is expected, and at least, bytes.
_MEMORY_MARGIN, _LEAST_MEMORY = 1.5, 1e9


def jobs_folder(folder: Path) -> Path:
    """Where an experiment's folder keeps what was submitted."""
    return folder / JOBS


def scheduler_of(
    place: Place,
    needs: Sequence[Estimate],
    folder: Path,
    name: str,
    say: Callable[[str], None] = lambda text: None,
    nursery: Nursery | None = None,
) -> Scheduler:
    """The scheduler for trials that need so much.

    Parameters
    ----------
    place : Place
    needs : sequence of Estimate
        Of the pending trials.
    folder : Path
        Of the experiment.
    name : str
        Of the experiment.
    say : callable
        Is told what a user should know.
    nursery : Nursery, optional
        Makes the workers of this machine.

    Raises
    ------
    SpecError
        The user's cluster file is wrong.
    """
    if place.cluster == "slurm":
        from neurosim.schedulers import Slurm

        return Slurm(jobs_folder(folder), slurm_request(place, needs, name), say, not place.detach)
    if place.cluster == "dask":
        from neurosim.schedulers import Dask
        from neurosim.spec import load_cluster

        site = None if place.address else load_cluster().dask
        return Dask(place.address, site, max((need.time for need in needs), default=1.0), say)
    workers = min(workers_that_fit(place.workers, needs, say), max(1, len(needs)))
    return Local(workers, nursery=nursery)


def workers_that_fit(
    asked: int | None, needs: Sequence[Estimate], say: Callable[[str], None] = lambda text: None
) -> int:
    """Worker processes for this machine: what was asked for, else as many as processors and memory allow."""
    each, free = max((need.memory for need in needs), default=0.0), free_memory()
    fit = max(1, math.floor(_SHARE * free / each)) if each and math.isfinite(free) else cpu_count()
    words = f"each needs about {size_text(each)} and {size_text(free)} of memory are free"
    if asked is not None:
        if asked > fit:
            say(f"warning: {asked} workers may not fit into memory: {words}; --workers {fit} would")
        return asked
    if fit < cpu_count():
        say(f"{fit} workers instead of {cpu_count()}: {words}")
    return min(fit, cpu_count())


def slurm_request(place: Place, needs: Sequence[Estimate], name: str) -> Request:
    """How a job for these trials is asked for on the user's site."""
    from neurosim.engines import cache_directory
    from neurosim.schedulers import Request
    from neurosim.spec import load_cluster

    site = load_cluster().slurm
    memory = max(_LEAST_MEMORY, _MEMORY_MARGIN * max((need.memory for need in needs), default=0.0))
    return Request(
        name=f"neurosim-{name}",
        seconds=sum(need.time for need in needs) / max(1, len(needs)),
        memory=site.memory or f"{math.ceil(memory / 1e6)}M",
        limit=None if site.time is None else float(site.time),
        tasks_per_share=site.trials_per_task,
        at_once=site.tasks_at_once,
        partition=site.partition,
        account=site.account,
        arguments=(*site.arguments, *place.sbatch_args),
        setup=site.setup,
        environment={
            # Compiled before the array starts; each node copies programs once to its own disk.
            "NEUROSIM_CACHE_FROM": str(cache_directory()),
            "NEUROSIM_CACHE": f"{site.local_disk}/neurosim-$(id -u)",
        },
    )
