"""Comparing the results of two runs."""

from __future__ import annotations

import threading

import numpy as np
import xarray as xr

#: HDF5 is used by one thread at a time.
_ONE_AT_A_TIME = threading.Lock()


def assert_same_results(a, b, at_least=20):
    """Every variable of two summaries has the same bits, but for the time the trials took."""
    with _ONE_AT_A_TIME:
        _compare(a, b, at_least)


def _compare(a, b, at_least):
    with xr.open_datatree(a / "summary.h5") as one, xr.open_datatree(b / "summary.h5") as other:
        assert [node.path for node in one.subtree] == [node.path for node in other.subtree]
        n_compared = 0
        for node in one.subtree:
            assert set(node.to_dataset().variables) == set(other[node.path].to_dataset().variables)
            for name, variable in node.to_dataset().variables.items():
                if name != "wall_time":
                    there = other[node.path][name].values
                    np.testing.assert_array_equal(variable.values, there, strict=True, err_msg=name)
                    n_compared += 1
    assert n_compared > at_least
