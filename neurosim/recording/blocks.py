"""Trials without spikes, many to a file: ``DIR/trials/block-<hash>.h5``.

A trial of ``engine: none`` is a few dozen numbers, so ten thousand of them in files of their own would be mostly files. A
block holds trials that have the same phases, sites and ligands, with ``trial`` as their first dimension and the groups
``receptors``, ``drugs`` and ``trials`` of :data:`~neurosim.recording.schema.VARIABLES`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ResultSchemaError
from neurosim.recording.files import clean_attributes, open_tree, reading, root_attributes, write_tree
from neurosim.recording.schema import OUTCOMES_WITH_DATA, SCHEMA, VARIABLES, SiteInfo
from neurosim.recording.trials import TrialRecord, names_in, site_coords, variable

if TYPE_CHECKING:
    import h5py
    import xarray as xr

__all__ = ["BLOCK_GROUPS", "Block", "block_headers", "block_paths", "block_records", "load_block_trial", "write_block"]

BLOCK_GROUPS = ("receptors", "drugs", "trials")
_PATTERN = "block-*.h5"


@dataclass(frozen=True, eq=False)
class Block:
    """Trials without spikes that hold the same things.

    Attributes
    ----------
    keys, outcomes, messages : tuples of str, one entry per trial
    phases : tuple of str
    at, record : arrays, shape (phase,), s
    sites : tuple of str
    site_infos : tuple of SiteInfo
    site_transmitters : tuple of str
    ligands, carriers : tuples of str
    concentrations : array, shape (trial, phase, ligand), nM
    receptors : dict of arrays, shape (trial, phase, ...)
        The variables of the group ``receptors``.
    wall_time : float, s
        Of the whole block.
    """

    keys: tuple[str, ...]
    outcomes: tuple[str, ...]
    messages: tuple[str, ...]
    phases: tuple[str, ...]
    at: np.ndarray
    record: np.ndarray
    sites: tuple[str, ...]
    site_infos: tuple[SiteInfo, ...]
    site_transmitters: tuple[str, ...]
    ligands: tuple[str, ...]
    carriers: tuple[str, ...]
    concentrations: np.ndarray
    receptors: Mapping[str, np.ndarray] = field(repr=False)
    wall_time: float = 0.0

    @property
    def name(self) -> str:
        """Name of its file, from the keys in it."""
        return f"block-{hashlib.sha256(' '.join(self.keys).encode()).hexdigest()[:24]}.h5"


def write_block(folder: Path, block: Block, attributes: Mapping[str, Any] | None = None) -> Path:
    """Write a block, whole or not at all.

    Raises
    ------
    ResultSchemaError
        Folder not writable, disk full.
    """
    import xarray as xr

    n = len(block.keys)
    coords = {"trial": np.array(block.keys, dtype=str), "phase": np.array(block.phases, dtype=str)}
    sites = site_coords(block.sites, block.site_infos, block.site_transmitters)
    ligand = np.array(block.ligands, dtype=str)
    own = {
        "receptors": (block.receptors, {**sites, "carrier": list(block.carriers), "ligand": ligand}),
        "drugs": ({"concentration": block.concentrations}, {"drug": ligand}),
        "trials": (
            {
                "at": np.broadcast_to(block.at, (n, len(block.phases))),
                "record": np.broadcast_to(block.record, (n, len(block.phases))),
                "wall_time": np.full(n, block.wall_time / n),
            },
            {},
        ),
    }
    groups = {
        group: xr.Dataset(
            {
                name: variable(group, name, array, ("trial", *VARIABLES[group][name].dims))
                for name, array in arrays.items()
            },
            coords={**coords, **more},
        )
        for group, (arrays, more) in own.items()
    }
    for name, texts in (("outcome", block.outcomes), ("message", block.messages)):
        groups["trials"][name] = ("trial", np.array(texts, dtype=str))
    root = clean_attributes(
        {**(attributes or {}), "schema": SCHEMA, "Conventions": "CF-1.11", "wall_time": float(block.wall_time)}
    )
    path = Path(folder) / "trials" / block.name
    return write_tree(path, xr.DataTree.from_dict({"/": xr.Dataset(attrs=root), **groups}))


def block_paths(folder: Path) -> list[Path]:
    """The block files of an experiment's folder."""
    return sorted((Path(folder) / "trials").glob(_PATTERN))


def block_headers(path: Path) -> dict[str, TrialRecord]:
    """Key → how the trial ended, for all trials of a block, without their numbers.

    Raises
    ------
    ResultSchemaError
        The file is truncated, damaged or not finished.
    """
    with reading(path) as file:
        return {record.key: record for record in _headers(file)}


def block_records(path: Path) -> dict[str, TrialRecord]:
    """Key → outcome and summary numbers, for all trials of a block.

    Raises
    ------
    ResultSchemaError
        As :func:`block_headers`.
    """
    with reading(path) as file:
        entries = {g: {n: v for n, v in VARIABLES[g].items() if n in file[g]} for g in BLOCK_GROUPS}
        dims = {d: g for g, names in entries.items() for v in names.values() for d in v.dims}
        labels = {dim: names_in(file[group][dim]) for dim, group in dims.items()}
        columns = {name: names_in(file["receptors"][name]) for name in site_coords((), (), ()) if name != "site"}
        values = {(g, n): np.asarray(file[g][n], float) for g, names in entries.items() for n in names}
        found = {}
        for k, header in enumerate(_headers(file)):
            has_data = header.outcome in OUTCOMES_WITH_DATA
            own = {name: array[k] for name, array in values.items()} if has_data else {}
            named = {"labels": labels, "columns": columns} if has_data else {}
            found[header.key] = replace(header, values=own, **named)
    return found


def _headers(file: h5py.File) -> Iterator[TrialRecord]:
    attributes, trials = root_attributes(file), file["trials"]
    texts = (names_in(trials[name]) for name in ("trial", "outcome", "message"))
    for key, outcome, message, wall_time in zip(*texts, np.asarray(trials["wall_time"]), strict=True):
        yield TrialRecord(key, outcome, message, float(wall_time), attributes)


def load_block_trial(folder: Path, key: str) -> xr.DataTree | None:
    """One trial out of the blocks of a folder, in memory; None if no block holds it.

    Raises
    ------
    ResultSchemaError
        A block file that cannot be read.
    """
    import xarray as xr

    for path in block_paths(folder):
        tree = open_tree(path)
        try:
            keys = tree["trials"].trial.values.tolist()
            if key in keys:
                at = {"trial": keys.index(key)}
                root = xr.Dataset(attrs=dict(tree.attrs))
                groups = {g: tree[g].to_dataset().isel(at).load() for g in BLOCK_GROUPS}
                return xr.DataTree.from_dict({"/": root, **groups})
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            raise ResultSchemaError(f"{path} is damaged: delete it and run the experiment again") from error
        finally:
            tree.close()
    return None
