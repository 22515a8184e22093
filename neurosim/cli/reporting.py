"""``report``: a results folder as a page."""

from __future__ import annotations

from pathlib import Path

from neurosim.cli.console import say

__all__ = ["report"]


def report(folder: Path) -> None:
    """Write the page of a results folder and say where it is."""
    from neurosim.report import write_report

    page = write_report(folder)
    say(f"report   {page} ({page.stat().st_size / 1e6:.1f} MB, needs no network)")
