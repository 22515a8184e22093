"""The summary as CSV: tidy tables, and a description of every column that programs read too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurosim import __version__ as version
from neurosim.analysis import Results
from neurosim.analysis.readout import known_name
from neurosim.export.grouping import tables_of
from neurosim.export.nwb import Exported
from neurosim.recording.whole import whole_file

__all__ = ["DESCRIPTION", "export_csv"]

#: The file that describes the tables: a Frictionless Data Package.
DESCRIPTION = "datapackage.json"
#: Infinity as the Table Schema writes it, which pandas and R read too.
_INFINITE = {np.inf: "INF", -np.inf: "-INF"}


def export_csv(
    results: Results, output: str | Path | None = None, *, arm: str | None = None, subject: int | None = None
) -> Exported:
    """Write the summary as tables, ``rates.csv`` and so on, with ``datapackage.json`` that says what is in them.

    Parameters
    ----------
    results : Results
    output : path, optional
        Folder; by default ``export/csv`` in that of the results. Tables that are there are replaced.
    arm : str, optional
    subject : int, optional
        All by default.

    Returns
    -------
    Exported

    Raises
    ------
    ResultSchemaError
        Unknown arm or subject, or a folder that cannot be written to.

    Notes
    -----
    Rows and columns are those of :meth:`neurosim.analysis.Results.to_dataframe`. One arm of one subject is in memory at a
    time. Numbers have the fewest digits that read back as the same number; nothing is written where a number is NaN.
    """
    for what, name, allowed in (("arm", arm, results.arms), ("subject", subject, results.subjects)):
        if name is not None:
            known_name(what, name, allowed)
    folder = Path(output) if output is not None else results.folder / "export" / "csv"
    parts = [
        {"arm": a, "subject": s}
        for a in (results.arms if arm is None else (arm,))
        for s in (results.subjects if subject is None else (subject,))
    ]
    written, resources = [], []
    for group in results.summary.children:
        for table, names in tables_of(results.summary[group].to_dataset(), group).items():
            path = folder / f"{table}.csv"
            fields = _write(results, group, names, parts, path)
            resources.append(_resource(table, group, fields))
            written.append(path)
    with whole_file(folder / DESCRIPTION) as temporary:
        text = json.dumps(_package(results, resources), indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    return Exported(folder, (*written, folder / DESCRIPTION))


def _write(results: Results, group: str, names: list[str], parts: list[dict], path: Path) -> list[dict[str, Any]]:
    """Write a table part by part; returns the description of its columns."""
    paths, fields = [f"{group}/{name}" for name in names], []
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        for number, part in enumerate(parts):
            frame = results.to_dataframe(paths, **part)
            if not number:
                fields = list(_described(frame, results.summary[group].to_dataset()))
            _plain(frame).to_csv(file, index=False, header=not number, lineterminator="\n")
    return fields


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with infinity in words."""
    endless = [c for c in frame if frame[c].dtype.kind == "f" and np.isinf(frame[c]).any()]
    return frame.assign(**{c: frame[c].astype(object).replace(_INFINITE) for c in endless}) if endless else frame


def _described(frame: pd.DataFrame, dataset: xr.Dataset) -> Iterator[dict[str, Any]]:
    units = frame.attrs["units"]
    for name in frame:
        kind = {"f": "number", "i": "integer", "u": "integer"}.get(frame[name].dtype.kind, "string")
        words = dataset[name].attrs.get("long_name", str(name).replace("_", " "))
        field = {"name": str(name), "type": kind, "description": words}
        yield field | ({"unit": units[name]} if name in units else {})


def _resource(table: str, group: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "profile": "tabular-data-resource",
        "name": table,
        "path": f"{table}.csv",
        "description": f"group {group} of the summary, one row for each observation",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": fields, "missingValues": [""]},
    }


def _package(results: Results, resources: list[dict[str, Any]]) -> dict[str, Any]:
    """The description of the folder: every column with unit, and where the numbers come from."""
    told = results.attributes
    names = ("commit", "seed", "reference_arm", "reference_phase", "experiment_digest")
    origin = {name: getattr(told[name], "item", lambda own=told[name]: own)() for name in names if name in told}
    return {
        "profile": "tabular-data-package",
        "name": "".join(c if c.isascii() and c.isalnum() else "-" for c in results.name.lower()),
        "title": f"Simulated results of the experiment {results.name}",
        "description": "Output of a computer model; no animal and no person took part. Each column has its unit under "
        "'unit' (none: a plain number or a name); 1 is dimensionless. An empty field is a number that does not exist (NaN); "
        f"on a scan axis, that the axis does not touch the arm, which ran once. {results.notice}".strip(),
        "neurosim": {"exported_by": version, **origin},
        "resources": resources,
    }
