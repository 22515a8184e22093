"""A tree of datasets as netCDF-4, by xarray's conventions and netCDF4's hand.

A trial file has sixty small variables. ``DataTree.to_netcdf`` writes the same and takes a sixth longer, which in a scan of
short trials shows: writing is most of what is not simulation. A test holds both to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import netCDF4
import xarray as xr
from xarray.coding.strings import CharacterArrayCoder, EncodedStringCoder
from xarray.conventions import cf_encoder, encode_dataset_coordinates

__all__ = ["write_netcdf"]

_Group = netCDF4.Dataset | netCDF4.Group


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
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        for node in tree.subtree:
            group = file if node.path == "/" else file.createGroup(node.path)
            _write(group, node.to_dataset(inherit=True), encoding.get(node.path, {}))


def _write(group: _Group, dataset: xr.Dataset, encoding: Mapping[str, Mapping[str, Any]]) -> None:
    own = dataset.copy(deep=False)
    for name, options in encoding.items():
        if options.get("dtype") == "S1":
            own[name].encoding["dtype"] = "S1"
    variables, attributes = cf_encoder(*encode_dataset_coordinates(own))
    group.setncatts(attributes)
    for dim, size in dataset.sizes.items():
        group.createDimension(dim, size)
    for name, variable in variables.items():
        options = {key: value for key, value in encoding.get(name, {}).items() if key != "dtype"}
        _write_variable(group, name, CharacterArrayCoder().encode(EncodedStringCoder().encode(variable)), options)


def _write_variable(group: _Group, name: str, variable: xr.Variable, options: Mapping[str, Any]) -> None:
    attributes = dict(variable.attrs)
    fill, is_text = attributes.pop("_FillValue", None), variable.dtype.kind in "UO"
    for dim, size in variable.sizes.items():
        if dim not in group.dimensions:
            group.createDimension(dim, size)
    kind = str if is_text else variable.dtype
    made = group.createVariable(name, kind, variable.dims, fill_value=fill, **options)
    made.set_auto_maskandscale(False)
    made.set_auto_chartostring(False)
    made[...] = variable.values.astype(object) if is_text else variable.values
    made.setncatts(attributes)
