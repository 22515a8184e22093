"""Files that appear whole or not at all, whoever writes them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from neurosim.errors import ResultSchemaError

__all__ = ["whole_file"]


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to, with the same ending; at the end it is synced and gets its name.

    Raises
    ------
    ResultSchemaError
        The folder cannot be written to or the disk is full; nothing is left behind.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        for above in path.parents:
            if above.exists() and not above.is_dir():
                raise ResultSchemaError(f"cannot write {path}: {above} is a file, not a folder") from error
        raise ResultSchemaError(
            f"cannot write {path}: {error.strerror or error}; check that the folder is writable and the disk not full"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
