"""``calibrate``."""

from __future__ import annotations

import sys
from pathlib import Path

from neurosim.calibration import Calibrated, Listener, gain_table, row_table
from neurosim.cli.console import note, say, table, title
from neurosim.errors import BuildError

__all__ = ["calibrate"]


class _Log(Listener):
    """Tells each stage in a line and, on a terminal, counts the programs of a step."""

    def stage(self, text: str) -> None:
        self._clear()
        note(text)

    def progress(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(
                f"\r{done} of {total}\033[K", end="\r" if done == total else "", file=sys.stderr, flush=True
            )

    @staticmethod
    def _clear() -> None:
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)


def calibrate(circuit: str, output: Path | None, workers: int | None, report: Path | None = None) -> None:
    """Fit a circuit and print where each row ended; write that to a file as well."""
    from neurosim.calibration import calibrate
    from neurosim.calibration import report as as_text
    from neurosim.runner.validate import validate_circuit
    from neurosim.spec import load_circuit

    validate_circuit(load_circuit(circuit))
    try:
        done = calibrate(circuit, output=output, workers=workers, listener=_Log())
        if report is not None:
            report.write_text(as_text(done), encoding="utf-8")
    except OSError as error:
        raise BuildError(
            f"{error.filename} cannot be written: {error.strerror}; give other files with --output and --report"
        ) from error
    _report(done)


def _report(done: Calibrated) -> None:
    title(f"Calibration of {done.circuit}: {done.n_inside} of {len(done.rows)} rows inside their bands")
    table(*row_table(done), fixed=2)
    if done.gains:
        title("Gains, and what the rows say about each")
        table(*gain_table(done))
    if done.file is not None:
        say(f"\n{len(done.values)} fitted values written to {done.file}")
