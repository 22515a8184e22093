"""``cache``."""

from __future__ import annotations

import shutil

from neurosim.cli.console import say, table
from neurosim.errors import EngineError

__all__ = ["show"]


def show(clear: bool) -> None:
    """Print the compiled programs with their sizes; with ``clear``, remove them."""
    from neurosim.engines.cache import cache_directory
    from neurosim.runner.estimate import size_text

    folder = cache_directory() / "programs"
    programs = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    sizes = [sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) for path in programs]
    say(f"{len(programs)} compiled program(s), {size_text(sum(sizes))}, in {folder}")
    if clear and folder.is_dir():
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise EngineError(f"the cache {folder} cannot be removed: {error.strerror}") from error
        say("removed; the next run compiles its program anew")
    elif programs:
        table(
            ["program", "size"],
            [[path.name, size_text(size)] for path, size in zip(programs, sizes, strict=True)],
        )
