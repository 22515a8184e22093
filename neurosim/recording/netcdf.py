"""A tree of datasets as netCDF-4, by xarray's conventions and netCDF4's hand.

A trial file has sixty small variables. ``DataTree.to_netcdf`` writes the same and takes twice as long, which in a scan of
short trials shows: writing is most of what is not simulation. A test holds both to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
from xarray.coding.strings import CharacterArrayCoder, EncodedStringCoder
from xarray.conventions import cf_encoder, encode_dataset_coordinates

__all__ = ["write_netcdf"]

_Group = netCDF4.Dataset | netCDF4.Group
_Value = tuple[netCDF4.Variable, np.ndarray]


def write_netcdf(path: Path, tree: xr.DataTree, encoding: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Write a tree; inherited coordinates are in every group, for readers that know no trees.

    Parameters
    ----------
    path : Path
    tree : DataTree
        Of numbers and texts.
    encoding : mapping of group path → variable → options of ``netCDF4.Dataset.createVariable``
        A text with ``dtype`` ``S1`` becomes an array of characters, which compresses; others are variable-length text.
    """
    # All definitions before all values: netCDF-C writes and flushes the definitions of the whole file whenever a value
    # follows one.
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        values = [
            pair
            for node in tree.subtree
            for pair in _define(
                file if node.path == "/" else file.createGroup(node.path),
                node.to_dataset(inherit=True),
                encoding.get(node.path, {}),
            )
        ]
        for variable, value in values:
            variable[...] = value


def _define(group: _Group, dataset: xr.Dataset, encoding: Mapping[str, Mapping[str, Any]]) -> list[_Value]:
    own = dataset.copy(deep=False)
    for name, options in encoding.items():
        if options.get("dtype") == "S1":
            own[name].encoding["dtype"] = "S1"
    variables, attributes = cf_encoder(*encode_dataset_coordinates(own))
    group.setncatts(attributes)
    for dim, size in dataset.sizes.items():
        group.createDimension(dim, size)
    values = []
    for name, variable in variables.items():
        options = {key: value for key, value in encoding.get(name, {}).items() if key != "dtype"}
        coded = CharacterArrayCoder().encode(EncodedStringCoder().encode(variable))
        values.append(_define_variable(group, name, coded, options))
    return values


def _define_variable(group: _Group, name: str, variable: xr.Variable, options: Mapping[str, Any]) -> _Value:
    attributes = dict(variable.attrs)
    fill, is_text = attributes.pop("_FillValue", None), variable.dtype.kind in "UO"
    for dim, size in variable.sizes.items():
        if dim not in group.dimensions:
            group.createDimension(dim, size)
    made = group.createVariable(name, str if is_text else variable.dtype, variable.dims, fill_value=fill, **options)
    made.set_auto_maskandscale(False)
    made.set_auto_chartostring(False)
    made.setncatts(attributes)
    return made, variable.values.astype(object) if is_text else variable.values
