"""The balance of dopamine and serotonin against a reference.

B = log2((DA/DA_ref)/(5-HT/5-HT_ref)) per region; 0 is balance, +1 a twofold tilt to dopamine. The reference
is the same subject, at the same scan point, in the reference arm and phase.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurosim.recording import VARIABLES

__all__ = ["balance", "balance_dataset", "mean_activation"]

_PAIR = ("DA", "5-HT")


def balance(levels: xr.DataArray, arm: str, phase: str) -> xr.DataArray:
    """Balance of a level that has a dimension ``transmitter`` with ``DA`` and ``5-HT``.

    Parameters
    ----------
    levels : DataArray, dims (arm, subject, ..., phase, transmitter, region)
        Concentration, nM, or mean activation.
    arm, phase : str
        The reference.

    Returns
    -------
    DataArray without ``transmitter``, dimensionless
        NaN where a region lacks one of the two, or where a trial or its reference has no data.
    """
    if not set(_PAIR) <= set(levels.transmitter.values.tolist()):
        return levels.sum("transmitter") * np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.log2(levels / levels.sel(arm=arm, phase=phase, drop=True))
        return change.sel(transmitter="DA", drop=True) - change.sel(transmitter="5-HT", drop=True)


def mean_activation(activation: xr.DataArray, regions: list[str]) -> xr.DataArray:
    """Mean activation of the sites that hear each transmitter in each region.

    Parameters
    ----------
    activation : DataArray, dims (..., site) with coordinates ``hears`` and ``site_transmitter``
    regions : list of str

    Returns
    -------
    DataArray, dims (..., transmitter, region)
        NaN where no site hears that transmitter there.

    Notes
    -----
    The plain mean over sites, whatever they sit on: what the region's receptors of one transmitter do
    together. Drugs that act at the receptors count, which is the difference from the balance of
    concentrations.
    """
    axis = activation.get_axis_num("site")
    values = np.moveaxis(activation.values, axis, -1)
    out = np.full((*values.shape[:-1], len(_PAIR), len(regions)), np.nan)
    for i, transmitter in enumerate(_PAIR):
        for j, region in enumerate(regions):
            hears = (activation.hears.values == region) & (activation.site_transmitter.values == transmitter)
            if hears.any():
                out[..., i, j] = values[..., hears].mean(axis=-1)
    dims = [d for d in activation.dims if d != "site"]
    coords = {d: activation.coords[d] for d in dims if d in activation.coords}
    return xr.DataArray(
        out,
        dims=[*dims, "transmitter", "region"],
        coords={**coords, "transmitter": list(_PAIR), "region": regions},
    )


def balance_dataset(
    concentration: xr.DataArray, activation: xr.DataArray, arm: str, phase: str
) -> xr.Dataset:
    """The group ``balance`` of a summary."""
    regions = concentration.region.values.tolist()
    parts = {
        "balance": balance(concentration, arm, phase),
        "balance_activation": balance(mean_activation(activation, regions), arm, phase),
    }
    dataset = xr.Dataset(parts)
    for name, entry in VARIABLES["balance"].items():
        dataset[name].attrs = {"units": entry.units, "long_name": entry.long_name}
    return dataset
