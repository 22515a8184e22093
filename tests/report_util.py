"""Numbers of a report, computed from ``summary.h5`` by other ways than the report takes."""

from __future__ import annotations

import json
import math
from functools import cache

from neurosim.analysis.compare import paired_statistics

MEANS = {"mean": "difference", "mean_low": "low", "mean_high": "high"}


def figures_of(page) -> dict[str, list[dict]]:
    """Figure → its views, as the page's script reads them."""
    found = page.all("script", id="figure-data")
    return json.loads(found[0].raw) if found else {}


class Numbers:
    """The numbers of some results by where they stand in the summary."""

    def __init__(self, results):
        self.results = results
        self.summary = results.summary.load()
        self.compare = cache(results.compare)
        self.means = cache(self._means)
        self.held = cache(lambda group, name: 100.0 * self.summary[group][name].sum("ligand").mean("subject"))

    def _means(self, group, name):
        values = self.summary[group][name]
        return paired_statistics(values, 0.0 * values.fillna(0.0), False)

    def expected(self, variable: str, statistic: str, at: dict) -> float:
        """The number that stands at a place."""
        at = dict(at)
        group, name = variable.split("/")
        point, against = self._point(at), at.pop("against", None)
        if statistic == "held":
            return float(self.held(group, name).sel(at).isel(point))
        if against is None:
            return float(self.means(group, name).sel(statistic=MEANS[statistic], **at).isel(point))
        here = at.pop("arm"), at.pop("phase")
        if isinstance(against, list):
            return float(self.compare(here, tuple(against))[group][name].sel(statistic=statistic, **at).isel(point))
        own = self.summary[group][name].sel(arm=here[0], phase=here[1], **at)
        (dim,) = self.results.axes
        other = own.median(dim) if against == "median" else own.isel({dim: against["point"]})
        return float(paired_statistics(own.isel(point), other, group != "balance").sel(statistic=statistic))

    def subjects(self, variable: str, at: dict) -> list[float]:
        """The number of every subject."""
        at = dict(at)
        group, name = variable.split("/")
        point = self._point(at)
        return self.summary[group][name].sel(at).isel(point).values.tolist()

    def _point(self, at: dict) -> dict[str, int]:
        if "along" in at:
            dim, index = at.pop("along"), at.pop("index")
            return {name: index if name == dim else 0 for name in self.results.axes}
        point = at.pop("point", None)
        return {} if point is None else dict(zip(self.results.axes, point, strict=True))

    def traced(self, meta: dict) -> list[float]:
        """What a trace must draw, from what its ``meta`` says."""
        if meta["statistic"] == "plane":
            chosen = dict(zip(self.results.axes, meta["points"], strict=True))
            values = self.summary["balance"]["balance"].sel(meta["at"]).isel(chosen)
            return values.mean("subject").transpose(*reversed(list(self.results.axes))).values.ravel().tolist()
        if "along" in meta:
            place = {**meta["at"], "along": meta["along"]}
            if meta["statistic"] != "held":
                place["against"] = meta["against"]
            found = [self.expected(meta["variable"], meta["statistic"], {**place, "index": k}) for k in meta["order"]]
            return [meta["factor"] * value for value in found]
        return [value for name in meta["names"] for value in self._row(meta, name)]

    def _row(self, meta: dict, name: str) -> list[float]:
        variable, row, scale = meta["variable"], meta["row"], meta.get("scale", 1.0) * meta.get("factor", 1.0)
        if variable == "receptors/held":
            is_carrier = name in self.summary["receptors"].carrier.values
            variable, row = ("receptors/carrier_occupancy", "carrier") if is_carrier else ("receptors/occupancy", "site")
        place = {**meta["at"], row: name}
        if meta["statistic"] == "subjects":
            return [scale * value for value in self.subjects(variable, place)]
        return [scale * self.expected(variable, meta["statistic"], place)]


def same(a, b) -> bool:
    """Equal but for the order in which sums were formed."""
    a, b = (math.nan if value is None else value for value in (a, b))
    if not (math.isfinite(a) and math.isfinite(b)):
        return not math.isfinite(a) and not math.isfinite(b)
    return math.isclose(a, b, rel_tol=1e-11, abs_tol=1e-12)
