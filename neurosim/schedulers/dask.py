"""Any Dask cluster: one that runs, by its address, or one that a batch system starts through dask-jobqueue."""

from __future__ import annotations

import contextlib
import logging
import math
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from neurosim.errors import EngineError
from neurosim.schedulers.base import Call, OnProgress, Outcome, Rescue, Scheduler, Task, settled
from neurosim.schedulers.local import Local, sentence

__all__ = ["Dask"]

#: What one future is meant to take at least, s, so that its worker process is a small part of it.
_LEAST_SHARE = 60.0
_CONNECT = "20 s"
#: How often a share asks whether anybody still waits for it, s.
_ASK = 2.0


class Site(Protocol):
    """How a cluster is started: :class:`neurosim.spec.DaskSite` is one."""

    address: str | None
    system: str | None
    jobs: int
    options: dict[str, Any]


class Dask(Scheduler):
    """Tasks as futures of a Dask cluster, several in each.

    Parameters
    ----------
    address : str
        Of a running scheduler; empty to go by ``site``.
    site : Site or None
        The user's cluster.
    seconds : float
        What one task is expected to take.
    say : callable
        Is told in words where the tasks go.
    """

    def __init__(
        self,
        address: str = "",
        site: Site | None = None,
        seconds: float = 1.0,
        say: Callable[[str], None] = lambda text: None,
    ):
        self.address, self.site, self.seconds, self.say = address, site, seconds, say

    def run(
        self,
        tasks: Sequence[Task],
        call: Call,
        on_progress: OnProgress | None = None,
        rescue: Rescue | None = None,
    ) -> Iterator[Outcome]:
        size = max(1, math.ceil(_LEAST_SHARE / max(self.seconds, 1e-3)))
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(_client(self.address, self.site, stack, self.say))
            size = max(1, min(size, math.ceil(len(tasks) / max(1, _threads(client)))))
            shares = [list(tasks[k : k + size]) for k in range(0, len(tasks), size)]
            from distributed import Event, as_completed

            # cancelling a future does not reach a task that runs, so its share asks for this
            over = Event(f"neurosim-{uuid.uuid4()}", client=client)
            futures = {
                client.submit(run_share, share, call, rescue, over.name, pure=False, retries=0): share
                for share in shares
            }
            stack.callback(client.cancel, list(futures), force=True)
            stack.callback(over.set)
            for future in as_completed(list(futures)):
                yield from _outcomes(future, futures.pop(future), rescue)


def run_share(tasks: Sequence[Task], call: Call, rescue: Rescue | None, over: str) -> list[Outcome]:
    """Run some tasks where the cluster has put them, in a worker process that may die or hang alone.

    ``over`` names the event that says that nobody waits for them any more.
    """
    return list(Local(1, apart=True, is_over=_Asks(over)).run(tasks, call, None, rescue))


class _Asks:
    """Asks the cluster, not too often, whether an event was set."""

    def __init__(self, name: str):
        from distributed import Event, get_client

        self.event, self.asked = Event(name, client=get_client()), time.monotonic()

    def __call__(self) -> bool:
        if time.monotonic() - self.asked < _ASK:
            return False
        self.asked = time.monotonic()
        return self.event.is_set()


def _outcomes(future, share: Sequence[Task], rescue: Rescue | None) -> Iterator[Outcome]:
    if future.cancelled():
        yield from (Outcome(task.key, "lost", None, "the Dask cluster gave it up") for task in share)
        return
    error = future.exception()
    if error is None:
        yield from future.result()
        return
    # the cluster's own worker died, again and again, with all that it had
    words = f"its Dask worker ended: {sentence(error)}"
    for task in share:
        yield settled(Outcome(task.key, "died", None, words), task, rescue)


def _threads(client) -> int:
    return sum(client.nthreads().values())


def _client(address: str, site: Site | None, stack: contextlib.ExitStack, say: Callable[[str], None]):
    """A client of the cluster that was asked for."""
    try:
        from distributed import Client
    except ImportError:
        raise EngineError(
            "--cluster dask needs the package distributed, which is not installed: install neurosim with its extra 'dask'"
        ) from None
    logging.getLogger("distributed").setLevel(logging.ERROR)
    if not address and site is None:
        raise EngineError(
            "--cluster dask: which cluster? Give an address, e.g. --cluster dask:tcp://10.0.0.1:8786, or say in the file "
            "cluster.yaml how to start one (dask: {system: PBS, jobs: 4, options: {...}})"
        )
    address = address or site.address or ""
    if not address:
        cluster = stack.enter_context(_cluster(site))
        say(f"asked {site.system} for {site.jobs} jobs of Dask workers")
        return Client(cluster)
    try:
        client = Client(address, timeout=_CONNECT)
    except (OSError, ValueError, TimeoutError) as error:
        raise EngineError(f"no Dask scheduler answers at {address}: {sentence(error)}") from None
    say(f"Dask at {address}: {_threads(client)} threads of {len(client.nthreads())} workers")
    return client


def _cluster(site: Site):
    try:
        import dask_jobqueue
    except ImportError:
        raise EngineError(
            "starting Dask workers through a batch system needs the package dask-jobqueue: install neurosim with its extra "
            "'dask'"
        ) from None
    try:
        cluster = getattr(dask_jobqueue, f"{site.system}Cluster")(**site.options)
    except (TypeError, ValueError) as error:
        raise EngineError(f"cluster.yaml: dask.options: {site.system} does not take them: {error}") from None
    command = cluster.submit_command.split()[0]
    if shutil.which(command) is None:
        cluster.close()
        raise EngineError(f"cluster.yaml: dask.system: {site.system} is not here: its command {command} is not found")
    cluster.scale(jobs=site.jobs)
    return cluster
