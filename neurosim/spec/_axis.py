"""What a scan goes over: axes of values, and how points between bounds are drawn."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from neurosim.errors import SpecError, nearest
from neurosim.spec._model import Model, Named, Problem, problem_error, raise_problems
from neurosim.spec._quantities import Flag, Integer

__all__ = ["Axis", "Sample", "Setting", "n_drawn", "scan_problems", "unit_points"]

#: How the values of an axis can be given; exactly one of them.
_SPACINGS = ("values", "linear", "log", "uniform", "log_uniform", "csv")
#: Designs that need a power of two of points to be balanced.
_IN_POWERS_OF_TWO = ("sobol", "saltelli")
_MOST = 1_000_000


def _setting(value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise problem_error(Problem((), "is not a number, a quantity or a multiple such as 0.5x"))


Setting = Annotated[str, BeforeValidator(_setting), WithJsonSchema({"type": ["string", "number"]})]
_Count = Annotated[Integer, Field(ge=2, le=_MOST)]


class Axis(Model):
    """One axis of a scan.

    ``values`` lists, ``linear`` and ``log`` space between two ends, ``csv`` reads a column of a file (``column``, by
    default the one named like the axis; ``unit`` where its cells are bare numbers), ``uniform`` and ``log_uniform``
    are bounds between which the experiment's ``sample`` draws. Axes are crossed, each a dimension of the results;
    those with ``zip``, from a file or drawn go together along one dimension, ``point``.
    """

    path: str
    values: Annotated[tuple[Setting, ...], Field(min_length=1)] | None = None
    linear: tuple[Setting, Setting, _Count] | None = None
    log: tuple[Setting, Setting, _Count] | None = None
    uniform: tuple[Setting, Setting] | None = None
    log_uniform: tuple[Setting, Setting] | None = None
    csv: str | None = None
    column: str | None = None
    unit: str | None = None
    zip: Flag = False

    @model_validator(mode="before")
    @classmethod
    def _from_file(cls, data: Any) -> Any:
        """A column of a file becomes values, so that an experiment holds all that it says."""
        if not isinstance(data, Mapping) or data.get("csv") is None:
            return data
        others = [key for key in _SPACINGS if key != "csv" and data.get(key) is not None]
        if others or not isinstance(data["csv"], str):
            return data
        if not isinstance(data.get("column"), str):
            raise problem_error(Problem((), "has csv without column; allowed: the name of a column of that file"))
        values = _column(FilePath(data["csv"]), data["column"], data.get("unit"))
        kept = {key: value for key, value in data.items() if key not in ("csv", "column", "unit")}
        return {**kept, "values": values, "zip": True}

    @model_validator(mode="after")
    def _one_spacing(self):
        given = [key for key in _SPACINGS if getattr(self, key) is not None]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "has no values"
            raise_problems([Problem((), f"{what}; an axis has exactly one of: {', '.join(_SPACINGS)}")])
        stray = [key for key in ("column", "unit") if getattr(self, key) is not None]
        if stray:
            raise_problems([Problem((stray[0],), "goes with csv; write the unit beside each value")])
        return self

    @property
    def is_drawn(self) -> bool:
        """Whether the experiment's ``sample`` chooses its values."""
        return self.uniform is not None or self.log_uniform is not None

    @property
    def is_along_point(self) -> bool:
        """Whether it goes along the dimension ``point``, together with others."""
        return self.zip or self.is_drawn

    @property
    def n_values(self) -> int:
        """How many values it has, 0 if they are drawn."""
        if self.values is not None:
            return len(self.values)
        return 0 if self.is_drawn else (self.linear or self.log)[2]


class Sample(Model):
    """How the points of the axes with ``uniform`` or ``log_uniform`` are drawn.

    ``random``, ``latin_hypercube`` and ``sobol`` (scrambled) fill the space with ``n`` points; a larger ``n`` keeps the
    points of all but ``latin_hypercube``. ``saltelli`` and ``morris`` are the designs that
    :func:`neurosim.analysis.sensitivity` needs, ``n`` of base samples or trajectories.
    """

    method: Literal["random", "latin_hypercube", "sobol", "saltelli", "morris"]
    n: Annotated[Integer, Field(ge=1, le=_MOST)]
    seed: Annotated[Integer, Field(ge=0, lt=2**32)] = 0

    @model_validator(mode="after")
    def _balanced(self):
        if self.method in _IN_POWERS_OF_TWO and self.n & (self.n - 1):
            below = 1 << (self.n.bit_length() - 1)
            words = f"'{self.n}' is no power of two, without which {self.method} points lose their balance"
            raise_problems([Problem(("n",), f"{words}; allowed: e.g. {below} or {2 * below}")])
        if self.method == "morris" and self.n < 2:
            raise_problems([Problem(("n",), "'1' trajectory tells no spread; allowed: 2 or more, e.g. 20")])
        return self


def scan_problems(scan: Named[str, Axis], sample: Sample | None) -> Iterator[Problem]:
    """What axes and sampling do not agree on."""
    drawn = [name for name, axis in scan.items() if axis.is_drawn]
    if drawn and sample is None:
        words = "has bounds, and nothing says how points are drawn between them"
        yield Problem(("scan", drawn[0]), f"{words}; add e.g. sample: {{method: sobol, n: 256}}")
    if sample is not None and not drawn:
        yield Problem(("sample",), "draws nothing: no axis of the scan has uniform or log_uniform")
    if sample is None and drawn:
        return
    sizes = {
        name: n_drawn(sample, len(drawn)) if axis.is_drawn else axis.n_values
        for name, axis in scan.items()
        if axis.is_along_point
    }
    first = next(iter(sizes), None)
    for name, n in sizes.items():
        if n != sizes[first]:
            words = f"has {n} points and the axis '{first}' has {sizes[first]}"
            yield Problem(("scan", name), f"{words}; axes that go together have equally many")


def n_drawn(sample: Sample, n_axes: int) -> int:
    """Points that a design has for so many axes."""
    return sample.n * {"saltelli": n_axes + 2, "morris": n_axes + 1}.get(sample.method, 1)


def unit_points(sample: Sample, n_axes: int) -> list[list[float]]:
    """Points of a design in the unit cube, shape (point, axis); the same for the same seed.

    Raises
    ------
    SpecError
        A design that needs a package which is not installed.

    References
    ----------
    saltelli2010 (Comput. Phys. Commun. 181:259-270); morris1991 (Technometrics 33:161-174); campolongo2007
    (Environ. Model. Softw. 22:1509-1518)
    """
    return _unit_points(sample.method, sample.n, sample.seed, n_axes)


@lru_cache(maxsize=8)
def _unit_points(method: str, n: int, seed: int, n_axes: int) -> list[list[float]]:
    if method in ("saltelli", "morris"):
        return _design(method, n, seed, n_axes)
    import numpy as np
    from scipy.stats import qmc

    rng = np.random.default_rng(seed)
    if method == "random":
        return rng.random((n, n_axes)).tolist()
    kind = qmc.Sobol if method == "sobol" else qmc.LatinHypercube
    return kind(n_axes, rng=rng).random(n).tolist()


def _design(method: str, n: int, seed: int, n_axes: int) -> list[list[float]]:
    try:
        from SALib.sample import morris, sobol
    except ImportError:
        raise SpecError(
            f"sample.method '{method}' needs the package SALib, which is not installed: install neurosim with its extra "
            "'explore'; without it: random, latin_hypercube, sobol"
        ) from None
    problem = {"num_vars": n_axes, "names": [f"x{k}" for k in range(n_axes)], "bounds": [[0.0, 1.0]] * n_axes}
    if method == "saltelli":
        return sobol.sample(problem, n, calc_second_order=False, seed=seed).tolist()
    return morris.sample(problem, n, seed=seed).tolist()


def _column(path: FilePath, column: str, unit: Any) -> list[str]:
    """The cells of one column of a CSV file, each with its unit."""

    def refuse(words: str):
        return problem_error(Problem(("csv",), words))

    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            names = rows.fieldnames or []
            if column not in names:
                raise refuse(f"{path} has no column '{column}'; {nearest(column, names)}")
            if names.count(column) > 1:
                raise refuse(f"{path} has two columns '{column}'; give each its own name")
            cells = [(rows.line_num, row[column]) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise refuse(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if not cells:
        raise refuse(f"{path} has no rows below its names")
    empty = next((line for line, cell in cells if cell is None or not cell.strip()), None)
    if empty is not None:
        raise refuse(f"{path}:{empty}: column '{column}' is empty; each row is a point")
    end = f" {unit}" if unit else ""
    return [f"{cell.strip()}{end}" for _, cell in cells]
