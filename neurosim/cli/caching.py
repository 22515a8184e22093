"""``cache``."""

from __future__ import annotations

import time
from collections.abc import Sequence

from neurosim.cli.console import note, say, table

__all__ = ["show"]


def show(clear: bool, stale: bool) -> None:
    """Print the compiled programs; with ``clear`` remove all, with ``stale`` those that cannot be used here."""
    from neurosim.engines.cache import cache_directory
    from neurosim.engines.cached import cached_programs, remove, unfinished
    from neurosim.runner.estimate import size_text

    programs, begun = cached_programs(), unfinished()
    total = size_text(sum(program.size for program in programs))
    say(f"{len(programs)} compiled program(s), {total}, in {cache_directory() / 'programs'}")
    if not (clear or stale):
        if programs:
            table(
                ["program", "structure", "cells", "synapses", "size", "made", "compiler", "usable here"],
                [_row(program, size_text(program.size)) for program in programs],
            )
        if begun:
            note(f"{len(begun)} build(s) at work or killed; --stale removes what killed ones left")
        return
    chosen = [program.key for program in programs if clear or program.why_not]
    stay = remove(dict.fromkeys([*chosen, *begun]))
    _told(chosen, stay)


def _told(chosen: Sequence[str], stay: Sequence[str]) -> None:
    gone = len(set(chosen) - set(stay))
    say(f"{gone} removed; a run that needs one compiles it anew" if gone else "nothing to remove")
    if stay:
        note(f"{len(stay)} left alone: a run compiles it at this moment")


def _row(program, size: str) -> list:
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(program.made))
    compiler = program.compiler.split(" (")[0]
    usable = f"no: {program.why_not}" if program.why_not else "yes"
    return [program.key[:12], program.structure[:8], program.n_cells, program.n_synapses, size, made, compiler, usable]
