"""How far a run is: a bar with an estimate on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import time

from neurosim.cli.console import note
from neurosim.runner import Listener

__all__ = ["Progress"]

#: Without a terminal a line at most this often, s.
_EVERY = 10.0
#: Trials that must be done, in parts, before they tell how long the others take.
_SEEN = 0.01


class Progress(Listener):
    """Listens to a run and shows it; a context manager."""

    def __init__(self):
        self.total = self.kept = self.pending = 0
        self.bar = None
        self._begin()

    def _begin(self) -> None:
        """Nothing done yet; a command may follow several runs, one after the other."""
        if self.bar is not None:
            self.bar.stop()
        self.done = self.failed = 0
        self.first = self.told = 0.0
        self.parts: dict[str, float] = {}
        self.bar = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    @property
    def interrupted(self) -> str:
        """What to say after Ctrl-C."""
        if not self.total:
            return "interrupted before anything ran"
        return (
            f"interrupted; {self.kept + self.done} of {self.total} trials are kept, the same command resumes"
        )

    def note(self, text: str) -> None:
        if self.bar is not None:
            self.bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            note(text)

    def start(self, total: int, kept: int, failed: int) -> None:
        self._begin()
        self.total, self.kept, self.pending = total, kept, total - kept - failed
        if not self.pending:
            return
        there = f", {kept} there already" if kept else ""
        before = f", {failed} failed before (--retry-failed runs them again)" if failed else ""
        self.note(f"{total} trials{there}{before}, {self.pending} to run")
        if sys.stderr.isatty():
            self._start_bar()

    def _start_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task(self._words(), total=float(self.pending))
        self.bar.start()

    def _words(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done + self.failed} of {self.pending} trials{failed}"

    def progress(self, key: str, part: float) -> None:
        self.parts[key] = part
        self._show()

    def ended(self, trial, ended) -> None:
        # not before workers are made ready: it needs NumPy and HDF5
        from neurosim.recording import OUTCOMES_WITH_DATA

        if ended.outcome in OUTCOMES_WITH_DATA:
            self.done += 1
        else:
            self.failed += 1
            self.note(f"arm {trial.arm}, subject {trial.subject}: {ended.outcome}: {ended.message}")
        self.parts[trial.key] = 1.0
        self._show()

    def _show(self) -> None:
        part = sum(self.parts.values())
        self.first = self.first or time.monotonic()
        if self.bar is not None:
            self.bar.update(self.task, completed=part, description=self._words())
            return
        now, is_last = time.monotonic(), self.done + self.failed == self.pending
        if is_last or now - max(self.told, self.first) > _EVERY:
            from neurosim.runner.estimate import duration_text

            self.told = now
            left = (now - self.first) * (self.pending - part) / part if part > _SEEN else None
            note(self._words() + ("" if is_last or left is None else f", about {duration_text(left)} left"))
