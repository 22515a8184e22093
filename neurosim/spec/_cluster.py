"""What a site's cluster is like: a file of the user, the same for all experiments."""

from __future__ import annotations

import os
import re
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from neurosim.spec._circuit_file import validated
from neurosim.spec._model import Model, Problem, raise_problems
from neurosim.spec._quantities import Integer, stated
from neurosim.spec._yaml import read_document
from neurosim.units import Quantity

__all__ = ["ClusterFile", "DaskSite", "SlurmSite", "cluster_path", "load_cluster"]

#: Batch systems that Dask knows how to ask, by the names of their classes in dask-jobqueue.
_SYSTEMS = Literal["HTCondor", "LSF", "Moab", "OAR", "PBS", "SGE", "SLURM"]
Memory = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)? ?[KMGT]B?$")]


def _option(value: Any) -> Any:
    """What a scalar of a file says where no model knows its type: a whole number, true, false or text."""
    if isinstance(value, dict):
        return {key: _option(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_option(item) for item in value]
    if value in ("true", "false"):
        return value == "true"
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value) else value


class SlurmSite(Model):
    """How jobs are asked for on a site's SLURM; what is left out is left to the site or worked out.

    ``time`` and ``memory`` are of one task; ``trials_per_task`` trials run in it one after the other;
    ``tasks_at_once`` at most of an array run together. ``arguments`` are handed to sbatch, ``setup`` are lines of the
    batch script before it starts Python, and ``local_disk`` is where a node keeps the compiled programs.
    """

    partition: str | None = None
    account: str | None = None
    time: Annotated[Quantity, stated("time", "positive")] | None = None
    memory: Memory | None = None
    trials_per_task: Annotated[Integer, Field(ge=1)] | None = None
    tasks_at_once: Annotated[Integer, Field(ge=1)] | None = None
    arguments: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    local_disk: str = "${SLURM_TMPDIR:-${TMPDIR:-/tmp}}"


class DaskSite(Model):
    """A running Dask cluster (``address``), or how to ask a batch system for ``jobs`` of workers (``system``).

    ``options`` go to the class of dask-jobqueue as they are.
    """

    address: str | None = None
    system: _SYSTEMS | None = None
    jobs: Annotated[Integer, Field(ge=1)] = 1
    options: Annotated[dict[str, Any], BeforeValidator(_option)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of_both(self):
        if (self.address is None) == (self.system is None):
            has = "has neither address nor system" if self.address is None else "has both address and system"
            raise_problems([Problem((), f"{has}; allowed: exactly one of them")])
        return self


class ClusterFile(Model):
    """The file that says how to reach the clusters of a user."""

    schema_: Literal["neurosim-cluster/1"] = Field(default="neurosim-cluster/1", alias="schema")
    slurm: SlurmSite = SlurmSite()
    dask: DaskSite | None = None


def cluster_path() -> FilePath:
    """``NEUROSIM_CLUSTER``, else ``neurosim/cluster.yaml`` in the user's folder of settings."""
    named = os.environ.get("NEUROSIM_CLUSTER")
    if named:
        return FilePath(named).expanduser()
    return FilePath(os.environ.get("XDG_CONFIG_HOME") or FilePath.home() / ".config") / "neurosim" / "cluster.yaml"


def load_cluster() -> ClusterFile:
    """The user's file, or what holds without one.

    Raises
    ------
    SpecError
        The file named by ``NEUROSIM_CLUSTER`` is not there, or a file says what cannot be.
    """
    path = cluster_path()
    if not path.exists() and "NEUROSIM_CLUSTER" not in os.environ:
        return ClusterFile()
    document, _ = read_document(path, str(path))
    return validated(ClusterFile, document)
