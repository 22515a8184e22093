"""Whole files or none: netCDF-4 written under a temporary name, marked complete, sealed, synced, renamed.

A process that dies while netCDF writes leaves a file that opens without an error and is full of NaN. So a
file counts only once it carries the attribute ``complete``, which is written last, and it gets its name
only after that.

HDF5 keeps sums of compressed numbers only: of a bit flipped anywhere in a trial file one in twelve changes a
label, a unit or an attribute and no reader notices. So the last bytes of a file, behind what HDF5 reads, are
a sum of all bytes before them, and every reader compares it first.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import shutil
import time
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from neurosim.errors import ResultSchemaError
from neurosim.recording.chunks import write_chunks
from neurosim.recording.groups import COMPRESSION, WORTH_COMPRESSING, Group, write_groups
from neurosim.recording.schema import SCHEMA

if TYPE_CHECKING:
    import h5py
    import xarray as xr

__all__ = [
    "clean_attributes",
    "is_alive",
    "open_tree",
    "reading",
    "root_attributes",
    "sweep",
    "verify",
    "without_collection",
    "write_file",
    "write_tree",
]

_TEMPORARY = re.compile(r"^\..+\.(\d+)\.tmp(\.\w+)?$")
# a process id says nothing about another machine on a shared disk: what was touched this recently may be
# alive there
_YOUNG = 60.0
# the end of a file: these bytes, then the sum of all before them; the attribute says that they must be there
_SEAL = b"\nneurosim crc32 "
_SEAL_SIZE = len(_SEAL) + 8
_SEAL_WORDS = f"crc32 of all bytes but the last {_SEAL_SIZE}, in hexadecimal digits at the end of the file"
_CHUNK = 1 << 20
# bytes below which a disk counts as full: another process that failed on it may just have made room
_NEARLY_NOTHING = 1_000_000
#: One lazy tree per open file, and the trees on it that were given out; see :func:`open_tree`.
_OPENED: dict[tuple[int, ...], tuple[xr.DataTree, list[weakref.ref[xr.DataTree]]]] = {}
#: Files that may be open before the collector looks for trees that nobody holds: it takes 0.2 s in a large process.
_FEW_OPEN = 16
_collected_at = _FEW_OPEN


def clean_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as netCDF-4 can hold them.

    bool → int, None → dropped, dict and mixed lists → JSON, quantities and all else → text.
    """
    cleaned = {}
    for name, value in attributes.items():
        if value is None:
            continue
        cleaned[name] = _clean(value)
    return cleaned


def _clean(value: Any) -> Any:
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (str, np.integer, np.floating)) or type(value) in (int, float):
        return value
    if isinstance(value, (list, tuple)) and value:
        kinds = {type(item) for item in value}
        if kinds == {str} or (len(kinds) == 1 and kinds <= {int, float}):
            return list(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.ndim == 1 and value.size:
        return value
    if isinstance(value, (dict, list, tuple, Mapping)):
        return json.dumps(value, default=str)
    return str(value)


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Keep the garbage collector out of netCDF-C: a tree that it closes while another file is opened ends the process."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def write_tree(path: Path, tree: xr.DataTree) -> Path:
    """Write a tree as one file that is either whole or absent.

    Raises
    ------
    ResultSchemaError
        The folder cannot be written to or the disk is full; nothing is left behind.
    """
    from neurosim.recording.netcdf import write_netcdf

    return _write_whole(path, lambda temporary: write_netcdf(temporary, tree, _encoding(tree)))


def write_file(path: Path, root: Mapping[str, Any], groups: Mapping[str, Group]) -> Path:
    """Write groups and root attributes as one file, as :func:`write_tree` does a tree."""
    return _write_whole(path, lambda temporary: write_groups(temporary, root, groups))


def _write_whole(path: Path, write: Callable[[Path], Mapping[str, np.ndarray] | None]) -> Path:
    """Write by ``write``, which may leave variables for later, then seal."""
    # not by a process that only hands out trials
    import h5py

    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with without_collection():
            left = write(temporary)
        # netCDF-C would read all that it wrote to add two attributes
        with h5py.File(temporary, "r+") as file:
            for name, values in (left or {}).items():
                write_chunks(file[name], values)
            file.attrs["seal"] = _SEAL_WORDS
            file.attrs["complete"] = 1
        _seal(temporary)
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if _is_full(path.parent):
            # netCDF reports a full disk as whatever came of it.
            reason = "no space left on the disk"
        raise ResultSchemaError(
            f"cannot write {path}: {reason}; check that the folder is writable and the disk is not full"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path


def _encoding(tree: xr.DataTree) -> dict[str, dict[str, dict]]:
    encoding: dict[str, dict[str, dict]] = {}
    for node in tree.subtree:
        variables = encoding.setdefault(node.path, {})
        for name, variable in node.to_dataset(inherit=False).variables.items():
            if variable.dtype.kind in "iuf" and variable.size >= WORTH_COMPRESSING:
                variables[name] = dict(COMPRESSION)
            elif (
                variable.dtype.kind == "U"
                and variable.dims != (name,)
                and variable.encoding.get("dtype") == "S1"
            ):
                variables[name] = {"dtype": "S1", **COMPRESSION}
    return encoding


def _is_full(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder).free < _NEARLY_NOTHING
    return False


def _seal(path: Path) -> None:
    with path.open("r+b") as file:
        total = _sum(file, path.stat().st_size)
        file.write(_SEAL + b"%08x" % total)


def _sum(file: BinaryIO, size: int) -> int:
    """Sum of the first ``size`` bytes; the file is then at their end."""
    total = 0
    file.seek(0)
    while size > 0 and (part := file.read(min(size, _CHUNK))):
        total, size = zlib.crc32(part, total), size - len(part)
    return total


def _seal_holds(path: Path) -> bool | None:
    """Whether a file is, bit for bit, what was written; None if it does not end in a seal."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END) - _SEAL_SIZE
        file.seek(max(size, 0))
        end = file.read()
        return f"{_sum(file, size):08x}".encode() == end[len(_SEAL) :] if end.startswith(_SEAL) else None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> list[Path]:
    """Remove temporary files that dead processes left in a folder; returns what was removed."""
    removed = []
    for path in Path(folder).glob(".*.tmp*"):
        match = _TEMPORARY.match(path.name)
        if match and not is_alive(int(match[1])) and not _is_young(path):
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is at work."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return not _has_ended(pid)


def _has_ended(pid: int) -> bool:
    """Whether a process has ended and only waits for its parent to notice (a zombie); False where /proc does not say."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return said.rpartition(")")[2].split()[:1] == ["Z"]


def _is_young(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _YOUNG
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Open a result file that is whole and of this schema; whatever is wrong with it becomes one sentence.

    Raises
    ------
    ResultSchemaError
        Absent, truncated, damaged, not finished, or of another schema.
    """
    try:
        # Before HDF5, which may do anything with a damaged file.
        holds = _seal_holds(Path(path))
        if holds is False:
            raise ResultSchemaError(_damaged(path))
        import h5py

        with h5py.File(path, "r") as file:
            _check(path, file)
            if holds is None and "seal" in file.attrs:
                raise ResultSchemaError(_damaged(path))
            yield file
    except FileNotFoundError:
        raise ResultSchemaError(
            f"{path} does not exist: run the experiment first, or give the folder that it wrote to"
        ) from None
    except PermissionError as error:
        raise ResultSchemaError(f"cannot read {path}: {error.strerror}; check who may read it") from error
    except (OSError, RuntimeError, KeyError, UnicodeDecodeError) as error:
        raise ResultSchemaError(_damaged(path)) from error


def verify(path: Path) -> None:
    """Make sure that no byte of a file is damaged; without a seal (earlier versions), that no number is.

    Raises
    ------
    ResultSchemaError
        As :func:`reading`.
    """
    with reading(path) as file:
        if "seal" not in file.attrs:
            file.visititems(_read_all)


def _read_all(name: str, node: h5py.Group | h5py.Dataset) -> None:
    if getattr(node, "shape", None):
        node[()]


def _damaged(path: Path) -> str:
    return (
        f"{path} is truncated, damaged or not a result file: delete it and run the experiment again, "
        "finished trials are kept"
    )


def _check(path: Path, file: h5py.File) -> None:
    if "complete" not in file.attrs:
        raise ResultSchemaError(
            f"{path} was not written to its end (no attribute 'complete'): delete it and run the experiment "
            "again, finished trials are kept"
        )
    schema = _text(file.attrs.get("schema", ""))
    if schema != SCHEMA:
        raise ResultSchemaError(
            f"{path} holds {schema or 'no schema'!r}, this version reads {SCHEMA!r}: "
            "open it with the version that wrote it, or run the experiment again"
        )


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def root_attributes(file: h5py.File) -> dict[str, Any]:
    """Root attributes as plain Python values."""
    import h5py

    attributes = {}
    for name, value in file.attrs.items():
        if name.startswith("_"):
            continue
        if isinstance(value, h5py.Empty):
            value = ""
        elif isinstance(value, np.ndarray):
            value = value[0] if value.size == 1 else value.tolist()
        attributes[name] = _text(value.item() if isinstance(value, np.generic) else value)
    return attributes


def open_tree(path: Path, *, thorough: bool = False) -> xr.DataTree:
    """A whole result file as a lazy DataTree; values are read when they are used.

    Parameters
    ----------
    path : Path
    thorough : bool
        Make sure of its numbers too, as :func:`verify` does.

    Raises
    ------
    ResultSchemaError
        As :func:`reading`.

    Notes
    -----
    HDF5 (2.0) ends the process when one of several handles on a file with variable-length text has been closed and the
    file is opened again. So a process has one handle per file, which all trees on it share; what nobody holds any more is
    closed before another file is opened, not by the collector in the middle of it. A tree is a cycle, so the collector must
    find what nobody holds: it is asked each time that twice as many files are open as it left.
    """
    if thorough:
        verify(path)
    else:
        with reading(path):
            pass
    stat = os.stat(path)
    identity = (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)
    if identity not in _OPENED:
        import xarray as xr

        _close_unused()
        try:
            with without_collection():
                # No cache: what one tree has read and somebody has written over is not what the next one shows.
                tree = xr.open_datatree(path, engine="netcdf4", decode_timedelta=False, cache=False)
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            raise ResultSchemaError(_damaged(path)) from error
        _OPENED[identity] = tree, []
    tree, given = _OPENED[identity]
    given.append(weakref.ref(twin := _twin(tree)))
    return twin


def _close_unused() -> None:
    global _collected_at
    is_due = len(_OPENED) >= _collected_at
    if is_due:
        gc.collect()
    for identity, (tree, given) in list(_OPENED.items()):
        if all(twin() is None for twin in given):
            tree.close()
            del _OPENED[identity]
    if is_due:
        _collected_at = max(_FEW_OPEN, 2 * len(_OPENED))


def _twin(tree: xr.DataTree) -> xr.DataTree:
    """Another tree on the same handle; a closed handle opens again when a value is read."""
    import xarray as xr

    twin = xr.DataTree.from_dict({node.path: node.to_dataset(inherit=False).copy() for node in tree.subtree})
    for own, other in zip(twin.subtree, tree.subtree, strict=True):
        own.set_close(other._close)
    return twin
