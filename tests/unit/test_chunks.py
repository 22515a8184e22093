"""Chunks that are filtered here are, for every reader, what HDF5 would have written."""

import zlib

import h5py
import netCDF4
import numpy as np
import pytest

from neurosim.recording import chunks
from neurosim.recording.chunks import fletcher32, write_chunks
from neurosim.recording.groups import COMPRESSION

RANDOM = np.random.default_rng(5)
ARRAYS = {
    "whole numbers": RANDOM.integers(0, 200_000, 5_001).astype(np.int32),
    "bytes, an odd number of them": RANDOM.integers(-9, 9, 777).astype(np.int8),
    "doubles, whose sum is no whole number": RANDOM.normal(size=(3, 211)),
    "single precision with nothing in some": np.where(RANDOM.random((2, 7, 300)) < 0.1, np.nan, 1.5).astype(np.float32),
    "zeros": np.zeros(400, np.int32),
}


@pytest.fixture
def defined(tmp_path):
    """A variable of a file as netCDF defines it, without its values."""

    def define(values, chunk=None, **options):
        path = tmp_path / "file.h5"
        with netCDF4.Dataset(path, "w") as file:
            for k, n in enumerate(values.shape):
                file.createDimension(f"d{k}", n)
            dims = [f"d{k}" for k in range(values.ndim)]
            file.createVariable("x", values.dtype, dims, chunksizes=chunk, **(COMPRESSION | options))
        return path

    return define


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("what", ARRAYS)
def test_hdf5_and_netcdf_read_what_was_written(defined, what, in_pieces):
    values = ARRAYS[what]
    # pieces that do not divide the whole: those at the edges are filled up
    path = defined(values, tuple(max(1, n // 2 - 1) for n in values.shape) if in_pieces else None)
    with h5py.File(path, "r+") as file:
        write_chunks(file["x"], values)
        assert (file["x"].id.get_num_chunks() > 1) == in_pieces
    with h5py.File(path) as file:
        assert file["x"].dtype == values.dtype and np.array_equal(file["x"][()], values, equal_nan=True)
    with netCDF4.Dataset(path) as file:
        file["x"].set_auto_maskandscale(False)
        assert np.array_equal(file["x"][...], values, equal_nan=values.dtype.kind == "f")


def test_a_chunk_is_to_the_byte_what_hdf5_makes_of_it_before_deflate(defined):
    values = ARRAYS["doubles, whose sum is no whole number"]
    path = defined(values)
    with h5py.File(path, "r+") as file:
        write_chunks(file["x"], values)
        ours = file["x"].id.read_direct_chunk((0, 0))[1]
        file["x"][...] = values
        theirs = file["x"].id.read_direct_chunk((0, 0))[1]
    assert zlib.decompress(ours) == zlib.decompress(theirs)


def test_a_wrong_sum_is_noticed_by_readers(defined, monkeypatch):
    values = ARRAYS["whole numbers"]
    path = defined(values)
    monkeypatch.setattr(chunks, "fletcher32", lambda data: fletcher32(data) ^ 1)
    with h5py.File(path, "r+") as file:
        write_chunks(file["x"], values)
    with h5py.File(path) as file, pytest.raises(OSError, match="[Cc]hecksum|filter"):
        file["x"][()]


def test_without_isa_l_zlib_writes_the_same_numbers(defined, monkeypatch):
    values = ARRAYS["whole numbers"]
    path = defined(values)
    monkeypatch.setattr(chunks, "compress", zlib.compress)
    with h5py.File(path, "r+") as file:
        write_chunks(file["x"], values)
        assert np.array_equal(file["x"][()], values)


@pytest.mark.parametrize("options", [{"fletcher32": False}, {"shuffle": False}, {"zlib": False}])
def test_other_filters_are_refused_and_nothing_is_written(defined, options):
    values = ARRAYS["whole numbers"]
    path = defined(values, **options)
    with h5py.File(path, "r+") as file:
        with pytest.raises(ValueError, match=r"allowed: filters \(3, 2, 1\)"):
            write_chunks(file["x"], values)
        assert not file["x"].id.get_num_chunks()


@pytest.mark.parametrize("values", [ARRAYS["whole numbers"].astype(np.int64), ARRAYS["whole numbers"][1:]])
def test_another_type_or_shape_is_refused(defined, values):
    with h5py.File(defined(ARRAYS["whole numbers"]), "r+") as file, pytest.raises(ValueError, match="int32"):
        write_chunks(file["x"], values)


@pytest.mark.parametrize("n", [0, 1, 2, 719, 720, 721, 2 * chunks._WORDS + 3])
def test_the_sum_is_that_of_the_definition(n):
    data = RANDOM.integers(0, 256, n).astype(np.uint8)
    first = second = 0
    for word in np.append(data, np.uint8(0))[: n + n % 2].view(">u2").tolist():
        first += word
        second += first
    words = [total % 0xFFFF or (0xFFFF if total else 0) for total in (second, first)]
    assert fletcher32(data) == words[0] << 16 | words[1]
