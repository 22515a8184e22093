"""What passes between Python and the compiled program: named arrays, one after the other.

A record is the length of its name (uint32), the name, the size of an item (uint32), the number of items (uint64) and
the items; the record ``end`` closes the stream, so that a stream that was cut is never taken for a whole one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

import numpy as np

from neurosim.errors import EngineError

__all__ = ["decode", "encode"]


def encode(arrays: Mapping[str, np.ndarray]) -> list[bytes | memoryview]:
    """Arrays as the chunks of a stream."""
    chunks: list[bytes | memoryview] = []
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        chunks.append(_header(name, array.itemsize, array.size))
        chunks.append(array.reshape(-1).view(np.uint8).data)
    chunks.append(_header("end", 1, 0))
    return chunks


def _header(name: str, itemsize: int, n: int) -> bytes:
    label = name.encode()
    return struct.pack("=I", len(label)) + label + struct.pack("=IQ", itemsize, n)


def decode(stream: bytes | memoryview, dtypes: Mapping[str, str], names: Iterable[str]) -> dict[str, np.ndarray]:
    """Arrays of a stream.

    Raises
    ------
    EngineError
        If the stream was cut or does not hold what is expected.
    """
    arrays, place = {}, 0
    try:
        while True:
            (length,) = struct.unpack_from("=I", stream, place)
            name = str(stream[place + 4 : place + 4 + length], "utf-8")
            itemsize, n = struct.unpack_from("=IQ", stream, place + 4 + length)
            place += 16 + length
            if name == "end":
                break
            dtype = np.dtype(dtypes[name])
            if dtype.itemsize != itemsize:
                raise EngineError(f"results: {name} has items of {itemsize} bytes; allowed: {dtype.itemsize}")
            arrays[name] = np.frombuffer(stream, dtype, n, place).copy()
            place += n * itemsize
    except (struct.error, UnicodeDecodeError, KeyError, ValueError) as error:
        raise EngineError(
            f"the results of the compiled program are cut or damaged at byte {place}"
        ) from error
    missing = [name for name in names if name not in arrays]
    if missing:
        raise EngineError(f"the results of the compiled program lack {', '.join(missing)}")
    return arrays
