"""Where a run was asked to go. Light: it is known before anything else is imported."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neurosim.errors import SpecError, nearest
from neurosim.schedulers import Nursery, cpu_count, nursery

__all__ = ["CLUSTERS", "Place", "early_nursery", "nursery_of", "place_of"]

CLUSTERS = ("slurm", "dask")
#: What a trial imports.
_MODULES = (
    "neurosim.runner.execute",
    "neurosim.analysis.outcome",
    "neurosim.recording.phase",
    "h5py",
    "netCDF4",
    "scipy.linalg.lapack",
)


@dataclass(frozen=True)
class Place:
    """Where a run goes.

    Attributes
    ----------
    cluster : str or None
        One of :data:`CLUSTERS`; None is this machine.
    address : str
        Of a Dask scheduler; empty for the user's file.
    sbatch_args : tuple of str
    workers : int or None
        On this machine; None for as many as it has processors and memory for.
    detach : bool
        Submit and leave.
    """

    cluster: str | None = None
    address: str = ""
    sbatch_args: tuple[str, ...] = ()
    workers: int | None = None
    detach: bool = False


def place_of(
    cluster: str | None, sbatch_args: Sequence[str] = (), workers: int | None = None, detach: bool = False
) -> Place:
    """What ``--cluster``, ``--sbatch-arg``, ``--detach`` and ``--workers`` say together.

    Raises
    ------
    SpecError
        An unknown cluster, or options that do not go together.
    """
    if workers is not None and workers < 1:
        raise SpecError(f"workers: {workers} was given; allowed: 1 or more")
    for option, given in (("--sbatch-arg", bool(sbatch_args)), ("--detach", detach)):
        if given and cluster != "slurm":
            raise SpecError(f"{option} goes with --cluster slurm")
    if cluster is None:
        return Place(workers=workers)
    name, _, address = cluster.partition(":")
    if name not in CLUSTERS:
        raise SpecError(f"unknown cluster '{cluster}'; {nearest(name, CLUSTERS)}")
    if address and name != "dask":
        raise SpecError(f"--cluster {cluster}: only dask takes an address, e.g. --cluster dask:tcp://10.0.0.1:8786")
    if workers is not None:
        raise SpecError(f"--workers is of this machine; --cluster {name} says elsewhere how many run together")
    return Place(name, address, tuple(sbatch_args), detach=detach)


#: Begun before it is known where a run goes; taken by the first run that wants one.
_BEGUN: list[Nursery] = []


@contextlib.contextmanager
def early_nursery() -> Iterator[None]:
    """Begin what :func:`nursery_of` will want, for a run that will most likely have several workers on this machine.

    What they import takes longer than to read the command and the experiment. At the end it is closed if nobody took it.
    """
    made = nursery(_MODULES) if cpu_count() > 1 else None
    if made is not None:
        _BEGUN.append(made)
    try:
        yield
    finally:
        if made in _BEGUN:
            _BEGUN.remove(made)
            made.close()


def nursery_of(place: Place) -> contextlib.AbstractContextManager[Nursery | None]:
    """What makes the workers of a run that has several on this machine; it begins at once to import what they need."""
    begun = _BEGUN.pop() if _BEGUN else None
    if place.cluster is None and (place.workers or cpu_count()) > 1:
        return begun or nursery(_MODULES) or contextlib.nullcontext()
    if begun is not None:
        begun.close()
    return contextlib.nullcontext()
