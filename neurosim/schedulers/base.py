"""What every scheduler promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Call", "Outcome", "OnProgress", "Scheduler", "Task"]

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
        ``done``; ``raised`` (an exception), ``died`` (its process ended without an answer), ``timeout``.
    value : object
        What the callable returned, where it is ``done``.
    message : str
        One sentence, else.
    detail : str
        The traceback, or the last words of the process that died.
    """

    key: str
    status: Literal["done", "raised", "died", "timeout"]
    value: Any = None
    message: str = ""
    detail: str = ""


class Scheduler(ABC):
    """Runs tasks somewhere.

    A scheduler promises: each task is called once and has one outcome; a task that raises, dies or takes too long is an
    outcome and stops no other; closing the iterator, or an interrupt, ends everything that was started.
    """

    @abstractmethod
    def run(
        self, tasks: Sequence[Task], call: Call, on_progress: OnProgress | None = None
    ) -> Iterator[Outcome]:
        """Outcomes as they come, in no particular order."""
