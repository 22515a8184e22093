"""What the cache of compiled programs holds, what of it this machine can use, and how it goes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim.engines.cache import cache_directory, compiler_here, fingerprint, is_whole
from neurosim.errors import EngineError

__all__ = ["CachedProgram", "cached_programs", "remove", "unfinished"]

#: What a program was made with, in words.
_WORDS = {
    "sources": "other sources of neurosim",
    "cpu": "another processor",
    "compiler": "another compiler",
    "flags": "other flags of the compiler",
}


@dataclass(frozen=True)
class CachedProgram:
    """A folder of the cache.

    Attributes
    ----------
    key : str
        Its name: the hash of structure, compiler, flags, processor, versions and sources.
    structure : str
        Digest of the structure; programs of one circuit share it.
    n_cells, n_synapses : int
    size : int, bytes
    made : float, s
        Since 1970.
    compiler : str
    why_not : str
        Why it cannot be used here; empty where it can.
    """

    key: str
    structure: str
    n_cells: int
    n_synapses: int
    size: int
    made: float
    compiler: str
    why_not: str


def _folder() -> Path:
    return cache_directory() / "programs"


def cached_programs() -> list[CachedProgram]:
    """All programs of the cache, the oldest first; unfinished builds are no programs."""
    folder = _folder()
    if not folder.is_dir():
        return []
    compiler = compiler_here()
    here = None if compiler is None else fingerprint(compiler)
    paths = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted((_described(path, here) for path in paths), key=lambda program: (program.made, program.key))


def _described(path: Path, here: Mapping[str, str] | None) -> CachedProgram:
    said, structure = _read(path / "program.json"), _read(path / "structure.json")
    own = said.get("fingerprint", {})
    return CachedProgram(
        key=path.name,
        structure=str(said.get("structure", "")),
        n_cells=structure.get("n_cells", 0),
        n_synapses=sum(group["n"] for group in structure.get("synapses", ())),
        size=sum(file.lstat().st_size for file in path.rglob("*") if file.is_file()),
        made=path.stat().st_mtime,
        compiler=str(own.get("compiler", "")),
        why_not=_why_not(path, own, here),
    )


def _read(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text())
        return found if isinstance(found, dict) else {}
    return {}


def _why_not(path: Path, own: Mapping[str, str], here: Mapping[str, str] | None) -> str:
    if not own or not is_whole(path):
        return "it is not whole"
    if here is None:
        return "no compiler works here"
    other = [name for name in here if own.get(name) != here[name]]
    return ", ".join(_WORDS.get(name, f"{name} {own.get(name)}, not {here[name]}") for name in other)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[bool]:
    """The lock of a program, if nobody builds it at this moment."""
    with open(path, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        except OSError:
            # this disk has no locks
            yield True
        else:
            yield True


def remove(keys: Iterable[str]) -> list[str]:
    """Remove programs, and what killed builds of them left; returns those that stay because they are being built.

    A run that uses one at this moment goes on, and builds it again for its next phase.

    Raises
    ------
    EngineError
        The cache cannot be written.
    """
    folder, stay = _folder(), []
    try:
        for key in keys:
            # the file of the lock stays: somebody may be waiting for it
            with _held(folder / f"{key}.lock") as is_ours:
                if not is_ours:
                    stay.append(key)
                    continue
                _remove(folder, key)
    except OSError as error:
        raise EngineError(f"the cache {folder} cannot be removed: {error.strerror or error}") from error
    return stay


def _remove(folder: Path, key: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        # out of the way at once: nobody finds half a program
        os.replace(folder / key, folder / f".{key}.{os.getpid()}.removed")
    for leftover in folder.glob(f".{key}.*"):
        shutil.rmtree(leftover)


def unfinished() -> list[str]:
    """Keys of builds that have not ended, at work or killed."""
    return sorted({path.name.split(".")[1] for path in _folder().glob(".*.*") if path.is_dir()})
