"""``calibrate``."""

from __future__ import annotations

import sys
from pathlib import Path

from neurosim.calibration import Calibrated, Listener
from neurosim.cli.console import note, plain, say, table, title
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


def calibrate(circuit: str, output: Path | None, workers: int | None) -> None:
    """Fit a circuit and print where each row ended."""
    from neurosim.calibration import calibrate
    from neurosim.runner.validate import validate_circuit
    from neurosim.spec import load_circuit

    validate_circuit(load_circuit(circuit))
    try:
        done = calibrate(circuit, output=output, workers=workers, listener=_Log())
    except OSError as error:
        raise BuildError(
            f"the fitted circuit cannot be written to {error.filename}: {error.strerror}; give a file with --output FILE"
        ) from error
    _report(done)


def _report(done: Calibrated) -> None:
    title(f"Calibration of {done.circuit}: {done.n_inside} of {len(done.rows)} rows inside their bands")
    rows = [
        [
            row.row,
            row.readout,
            row.unit,
            plain(row.low),
            plain(row.high),
            plain(row.model),
            f"{plain(row.lowest)} - {plain(row.highest)}",
            "inside" if row.is_inside else "OUTSIDE",
        ]
        for row in done.rows
    ]
    table(["row", "readout", "unit", "low", "high", "model", "subjects", "verdict"], rows, fixed=2)
    if done.file is not None:
        say(f"\n{len(done.values)} fitted values written to {done.file}")
