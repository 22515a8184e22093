"""Finding circuits, experiments and disorders by name: a local file wins over those inside the package."""

from __future__ import annotations

import importlib.resources
import os
import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path as FilePath
from typing import Literal

from neurosim.errors import SpecError, nearest

__all__ = [
    "SCHEMAS",
    "FileKind",
    "check_schema",
    "find",
    "find_circuit",
    "find_disorder",
    "find_experiment",
    "list_circuits",
    "list_disorders",
    "list_experiments",
    "list_names",
    "shown",
]

FileKind = Literal["circuit", "experiment", "disorder"]
SCHEMAS: dict[str, str] = {
    "circuit": "neurosim-circuit/1",
    "experiment": "neurosim-experiment/1",
    "disorder": "neurosim-disorder/1",
}
#: How an experiment names a file of another kind.
_USES = {"circuit": "circuit:", "disorder": "disorders:"}
_ENDINGS = (".yaml", ".yml")


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _is_path(name: str) -> bool:
    return name.endswith(_ENDINGS) or "/" in name or os.sep in name


def shown(path: Traversable) -> str:
    """How messages name a file: relative to the current folder where it lies below it."""
    text = str(path)
    try:
        return str(FilePath(text).relative_to(FilePath.cwd()))
    except ValueError:
        return text


def _packaged(kind: FileKind) -> Traversable | None:
    """The folder inside the package, None where the package is used without being installed."""
    try:
        return importlib.resources.files(f"neurosim.{kind}s")
    except ModuleNotFoundError:
        return None


def _folders(kind: FileKind, base: FilePath | None) -> Iterator[Traversable]:
    if base is not None:
        yield base
    yield FilePath.cwd()
    yield FilePath.cwd() / f"{kind}s"
    packaged = _packaged(kind)
    if packaged is not None:
        yield packaged


def _stated_kind(path: Traversable) -> str | None:
    """The kind that a file's schema line states, None if it states none."""
    try:
        head = path.read_bytes()[:100_000].decode("utf-8", errors="replace")
    except OSError:
        return None
    match = re.search(r"^schema:\s*[\"']?neurosim-(\w+)/", head, re.MULTILINE)
    return match[1] if match else None


def _exists(place: Traversable) -> bool:
    """False too for names that no file can have."""
    try:
        return place.is_file() or place.is_dir()
    except (OSError, ValueError):
        return False


def find(kind: FileKind, name: str, base: FilePath | None = None) -> Traversable:
    """The file of a circuit, experiment or disorder.

    Parameters
    ----------
    kind : {"circuit", "experiment", "disorder"}
    name : str
        A name, or a path (ends in .yaml or has a slash).
    base : Path, optional
        Folder of the file that asks; looked into before the current folder, ``circuits/``,
        ``experiments/`` or ``disorders/`` below it, and the package.

    Raises
    ------
    SpecError
        Naming the nearest known name.
    """
    if _is_path(name):
        places = [folder / name for folder in (base, FilePath.cwd()) if folder is not None]
        return next((place for place in places if _exists(place)), FilePath(name))
    others = [other for other in SCHEMAS if other != kind]
    for folder in _folders(kind, base):
        for ending in _ENDINGS:
            place = folder / f"{name}{ending}"
            # Files of several kinds and one name may lie side by side.
            if _exists(place) and place.is_file() and _stated_kind(place) not in others:
                return place
    if name and _exists(FilePath(name)):
        return FilePath(name)
    for other in others:
        if name in list_names(other, base):
            uses = f"; an experiment names it with '{_USES[other]}'" if other in _USES else ""
            raise SpecError(f"unknown {kind} '{name}': it is {_article(other)}{uses}")
    raise SpecError(f"unknown {kind} '{name}'; {nearest(name, list_names(kind, base))}")


def list_names(kind: FileKind, base: FilePath | None = None) -> list[str]:
    """Names that :func:`find` knows, sorted."""
    names = set()
    for folder in _folders(kind, base):
        if folder.is_dir():
            names |= {
                place.name.rsplit(".", 1)[0]
                for place in folder.iterdir()
                if place.name.endswith(_ENDINGS) and _stated_kind(place) == kind
            }
    return sorted(names)


def check_schema(document: dict, kind: FileKind, file: str) -> None:
    """Refuse a document that is of another kind or version.

    Raises
    ------
    SpecError
    """
    schema, needed = document.get("schema"), SCHEMAS[kind]
    if schema == needed:
        return
    where = f"{document.marks['schema']}: schema" if "schema" in document else f"{file}: schema"
    if schema is None:
        raise SpecError(f"{where}: is missing; {_article(kind)} file begins with 'schema: {needed}'")
    if schema in SCHEMAS.values():
        given = next(k for k, s in SCHEMAS.items() if s == schema)
        raise SpecError(f"{where}: this is {_article(given)}, and {_article(kind)} is needed ('{needed}')")
    raise SpecError(f"{where}: unknown schema '{schema}'; {nearest(schema, [needed])}")


def find_circuit(name):
    """File of a circuit by name or path; a local file wins over the one that ships with neurosim."""
    return find("circuit", str(name))


def find_disorder(name):
    """File of a disorder by name or path; a local file wins over the one that ships with neurosim."""
    return find("disorder", str(name))


def find_experiment(name):
    """File of an experiment by name or path; a local file wins over the one that ships with neurosim."""
    return find("experiment", str(name))


def list_circuits() -> list[str]:
    """Names of the circuits in the current folder, in ``circuits/`` below it, and in neurosim itself."""
    return list_names("circuit")


def list_disorders() -> list[str]:
    """Names of the disorders in the current folder, in ``disorders/`` below it, and in neurosim itself."""
    return list_names("disorder")


def list_experiments() -> list[str]:
    """Names of the experiments in the current folder, in ``experiments/`` below it and in neurosim."""
    return list_names("experiment")
