"""What every scheduler promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

__all__ = ["Call", "OnProgress", "Outcome", "Rescue", "Scheduler", "Task", "settled"]

#: What runs: ``call(argument, report)``; ``report(part)`` tells how far it is, a number from 0 to 1.
Call = Callable[[Any, Callable[[float], None]], Any]
#: Told of progress: ``on_progress(key, part)``.
OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class Task:
    """One call to make.

    Attributes
    ----------
    key : str
        Unique among the tasks of one run.
    argument : object
        Handed to the callable; must survive pickling.
    limit : float or None, s
        Wall-clock limit after which the task is given up; None for no limit.
    """

    key: str
    argument: Any = None
    limit: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How one task ended.

    Attributes
    ----------
    key : str
    status : str
        ``done``; ``raised`` (an exception), ``died`` (its process ended without an answer), ``timeout``; ``lost`` where
        it was taken away before it had an end (a job that somebody cancelled), so that it may run again.
    value : object
        What the callable returned, where it is ``done``; what ``rescue`` made of it, where it is not.
    message : str
        One sentence, else.
    detail : str
        The traceback, or the last words of the process that died.
    """

    key: str
    status: Literal["done", "raised", "died", "timeout", "lost"]
    value: Any = None
    message: str = ""
    detail: str = ""


#: What a task that raised, died or took too long comes to: ``rescue(argument, outcome)``, called once, where the
#: scheduler itself runs, not in the process that died.
Rescue = Callable[[Any, Outcome], Any]


def settled(outcome: Outcome, task: Task, rescue: Rescue | None) -> Outcome:
    """The outcome with what ``rescue`` makes of it, if it is one that needs it."""
    if rescue is None or outcome.status in ("done", "lost"):
        return outcome
    return replace(outcome, value=rescue(task.argument, outcome))


class Scheduler(ABC):
    """Runs tasks somewhere.

    A scheduler promises: each task is called once and has one outcome; a task that raises, dies or takes too long is an
    outcome and stops no other; closing the iterator ends everything that was started, unless :meth:`detach` was called
    before. So does an interrupt on this machine; jobs of a batch system go on.
    """

    @abstractmethod
    def run(
        self,
        tasks: Sequence[Task],
        call: Call,
        on_progress: OnProgress | None = None,
        rescue: Rescue | None = None,
    ) -> Iterator[Outcome]:
        """Outcomes as they come, in no particular order."""

    def detach(self) -> str:
        """Let what runs elsewhere go on after the iterator is closed; says so in one sentence, empty where nothing does."""
        return ""
