#!/usr/bin/env python3
"""Run the tutorials again and store what they show.

Each notebook runs in a folder of its own that is thrown away, with this Python; only cells and what they printed or drew
are kept, so that a notebook changes only where its text or its results do. Without numbers, all of them:

    .venv/bin/python tools/tutorials.py 1 4
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
NBFORMAT = 4
#: The version of Python is left out: it differs between machines.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}


def tutorials(numbers: list[int] | None = None) -> list[Path]:
    """The notebooks, in their order; those of some numbers only, if numbers are given."""
    found = sorted(FOLDER.glob("[0-9]_*.ipynb"))
    return [path for path in found if not numbers or int(path.name[0]) in numbers]


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """A notebook as it is after all its cells ran in ``folder``, without what differs between two runs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        With the cell and its traceback.
    """
    notebook = nbformat.read(path, NBFORMAT)
    # the tests ask Matplotlib for figures without a screen, which in a notebook are figures that nobody sees
    env = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    quiet = Config({"KernelManager": {"transport_encryption": "auto"}})  # or the kernel warns that there is none
    client = NotebookClient(notebook, timeout=None, kernel_name="python3", record_timing=False, config=quiet)
    client.execute(cwd=str(folder), env=env)
    return cleaned(notebook)


def cleaned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Cells with their outputs; of the metadata, what a reader of the file needs."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        for output in cell.get("outputs", ()):
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
    return notebook


def store(notebook: nbformat.NotebookNode, path: Path) -> bool:
    """Write a notebook, whole or not at all; whether that changed the file."""
    text = nbformat.writes(notebook) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("number", nargs="*", type=int, help="of the tutorials to run; all by default")
    asked = parser.parse_args().number
    paths = tutorials(asked)
    if missing := set(asked) - {int(path.name[0]) for path in paths}:
        print(f"no tutorial {min(missing)} in {FOLDER}", file=sys.stderr)
        return 2
    for path in paths:
        since = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            changed = store(executed(path, Path(folder)), path)
        words = "changed" if changed else "as before"
        print(f"{path.name}: {words}, {time.perf_counter() - since:.0f} s, {path.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
