"""Which variables of a group share a table."""

from __future__ import annotations

import xarray as xr

__all__ = ["tables_of"]


def tables_of(dataset: xr.Dataset, group: str) -> dict[str, list[str]]:
    """Variables of a group by the table that they share: those of the same dimensions.

    The table of the fewest dimensions is called as the group, the others have what they have more in their names:
    ``receptors``, ``receptors_site_ligand``.
    """
    kinds: dict[tuple[str, ...], list[str]] = {}
    for name, values in dataset.data_vars.items():
        kinds.setdefault(tuple(map(str, values.dims)), []).append(str(name))
    least = min(kinds, key=len, default=())
    shared = {dim for dim in least if all(dim in dims for dims in kinds)}
    return {
        group if dims == least else "_".join([group, *(d for d in dims if d not in shared)]): names
        for dims, names in sorted(kinds.items(), key=lambda kind: (len(kind[0]), kind[0]))
    }
