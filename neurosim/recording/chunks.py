"""Variables written chunk by chunk, through the filters of a trial file: Fletcher's sum, shuffle, deflate.

What HDF5 would do by itself, with the same result for a reader. Half of the time of a trial's file was its deflate: ISA-L
makes the same format eight times as fast. Without it zlib does.
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING

import numpy as np

try:
    from isal.isal_zlib import compress
except ImportError:  # no wheel for this processor
    from zlib import compress

if TYPE_CHECKING:
    import h5py

__all__ = ["FILTERS", "fletcher32", "write_chunks"]

#: What a variable's filters must be, in this order, by their numbers in HDF5: Fletcher's sum, shuffle, deflate.
FILTERS = (3, 2, 1)
_LEVEL = 1
_SUM = struct.Struct("<I")
#: Words whose weighted sum is a whole number of 53 bits.
_WORDS = 1 << 18
_WEIGHTS = np.arange(_WORDS, 0, -1, dtype=float)


def write_chunks(dataset: h5py.Dataset, values: np.ndarray) -> None:
    """Write all of a variable.

    Parameters
    ----------
    dataset : Dataset
        In chunks, with :data:`FILTERS`; of the type and shape of ``values``.
    values : ndarray

    Raises
    ------
    ValueError
        Other filters, another type or another shape.
    """
    properties = dataset.id.get_create_plist()
    filters = tuple(properties.get_filter(k)[0] for k in range(properties.get_nfilters()))
    if filters != FILTERS or (dataset.dtype, dataset.shape) != (values.dtype, values.shape):
        kind, given = f"{dataset.dtype} {dataset.shape}", f"{values.dtype} {values.shape}"
        raise ValueError(f"{dataset.name}: filters {filters} and {kind} for {given}; allowed: filters {FILTERS} and alike")
    places = (range(0, n, size) for n, size in zip(dataset.shape, dataset.chunks, strict=True))
    for place in itertools.product(*places):
        part = values[tuple(slice(start, start + size) for start, size in zip(place, dataset.chunks, strict=True))]
        dataset.id.write_direct_chunk(place, _filtered(_whole(part, dataset.chunks)))


def _whole(part: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A chunk at an edge is stored whole; nobody reads what lies beyond."""
    return np.pad(part, [(0, size - n) for n, size in zip(part.shape, shape, strict=True)]) if part.shape != shape else part


def _filtered(chunk: np.ndarray) -> bytes:
    size, summed = chunk.itemsize, np.empty(chunk.nbytes + _SUM.size, np.uint8)
    summed[: chunk.nbytes] = np.ascontiguousarray(chunk).reshape(-1).view(np.uint8)
    _SUM.pack_into(summed, chunk.nbytes, fletcher32(summed[: chunk.nbytes]))
    # the sum is shuffled too, as far as it makes a whole number
    n = len(summed) // size
    planes, shuffled = summed[: n * size].reshape(n, size), np.empty(len(summed), np.uint8)
    for k in range(size):
        # a copy of the transposed array takes seven times as long
        shuffled[k * n : (k + 1) * n] = planes[:, k]
    shuffled[n * size :] = summed[n * size :]
    return compress(shuffled, _LEVEL)


def fletcher32(data: np.ndarray) -> int:
    """Fletcher's sum of bytes as HDF5 takes it: over big-endian words of 16 bits, the last filled up with zeros.

    References
    ----------
    Fletcher JG (1982) IEEE Trans Commun 30:247-252
    """
    words = (np.append(data, np.uint8(0)) if len(data) % 2 else data).view(">u2")
    first = second = 0
    for start in range(0, len(words), _WORDS):
        part = words[start : start + _WORDS].astype(float)
        second += len(part) * first + int(part @ _WEIGHTS[-len(part) :])
        first += int(part.sum())
    return _folded(second) << 16 | _folded(first)


def _folded(total: int) -> int:
    """Modulo 65535, where only nothing at all is 0."""
    return (total - 1) % 0xFFFF + 1 if total else 0
