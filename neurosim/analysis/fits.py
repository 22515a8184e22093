"""Dose-response curves: the dose of half effect and how well the data hold it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy.optimize import brentq
from scipy.special import expit, fdtrc, stdtrit

from neurosim.analysis.compare import CONFIDENCE
from neurosim.analysis.logistic import Data, Model, is_steepest, jacobian
from neurosim.analysis.readout import drawn_arms, known_name, selected, variable_of
from neurosim.errors import ResultSchemaError

if TYPE_CHECKING:
    from neurosim.analysis.results import Results
    from neurosim.analysis.summary import Axis

__all__ = ["DoseResponse", "fit_dose_response", "fit_of_results"]

_NO_EFFECT = 0.05  # p above which the doses are not told apart from one response
_EDGE = 1e-6  # of a log dose
_ROUNDING = 1e-12  # of the responses' size, below which they do not differ


@dataclass(frozen=True, eq=False)
class DoseResponse:
    """A logistic curve over log dose, fitted by least squares; from :func:`fit_dose_response`.

    Attributes
    ----------
    ED50 : float, in ``unit``
        Dose in the middle between the plateaus. ``inf`` if that lies above the doses tried, 0 if below the lowest: the
        data do not hold a number then; NaN if they show no effect of dose.
    low, high : float, in ``unit``
        95 % interval of it: 0 or ``inf`` where the data do not bound that end, NaN without a degree of freedom.
    n_H : float, dimensionless
        Hill coefficient, above 0 for a rising curve, below 0 for a falling one; NaN if there is no effect.
    bottom, top : float, in ``response_unit``
        Lower and upper plateau. One that lies far from all responses was not reached by the doses.
    unit, response_unit : str
    name : str
        What was fitted, for its text.
    fixed : tuple of str
        Which of ``bottom top n_H`` were given.
    p : float
        Of no effect: F test against one response for all doses, subjects' own levels removed, or against the nearer plateau
        that is known.
    doses, responses, residuals : float arrays, shape (observation,)
        What was fitted, and responses less the curve.
    subjects : array or None, shape (observation,)
    n_missing : int
        Observations that were NaN and left out.
    middle : float, in ``unit``
        ED50 of the curve that is drawn, also where it lies beyond the doses and is no number to believe.
    """

    ED50: float
    low: float
    high: float
    n_H: float
    bottom: float
    top: float
    unit: str
    response_unit: str
    name: str
    fixed: tuple[str, ...]
    p: float
    doses: np.ndarray = field(repr=False)
    responses: np.ndarray = field(repr=False)
    residuals: np.ndarray = field(repr=False)
    subjects: np.ndarray | None = field(repr=False)
    n_missing: int = 0
    middle: float = np.nan

    @property
    def has_effect(self) -> bool:
        """Whether the responses change with dose at all."""
        return not np.isnan(self.ED50)

    @property
    def is_within(self) -> bool:
        """Whether ED50 lies among the doses tried."""
        return bool(np.isfinite(self.ED50) and self.ED50 > 0)

    @property
    def is_step(self) -> bool:
        """Whether the curve is as steep as is looked for: ED50 lies somewhere between two doses."""
        return "n_H" not in self.fixed and is_steepest(abs(self.n_H))

    @property
    def n_subjects(self) -> int:
        """Subjects that were seen; 0 if every observation was taken as one of its own."""
        return 0 if self.subjects is None else len(np.unique(self.subjects))

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest dose above 0."""
        given = self.doses[self.doses > 0]
        return float(given.min()), float(given.max())

    def predict(self, dose: Any) -> np.ndarray:
        """Response of the curve to doses in ``unit``, in ``response_unit``, shape of ``dose``."""
        dose = np.asarray(dose, float)
        if (dose < 0).any():
            raise ResultSchemaError(f"dose {dose.min():g} {self.unit} is below 0")
        if not self.has_effect:
            return np.full(dose.shape, self.bottom)
        with np.errstate(divide="ignore"):
            part = expit(self.n_H * (np.log(dose) - np.log(self.middle)))
        return self.bottom + (self.top - self.bottom) * part

    def dose_at(self, response: float) -> float:
        """Dose at which the curve has a response, in ``unit``; NaN if no dose tried does it.

        The half of control that an assay of inhibition asks for is ``dose_at(50)`` of a fit in per cent: it differs from
        ED50 where the curve does not end at 0.
        """
        part = (response - self.bottom) / (self.top - self.bottom) if self.top > self.bottom else np.nan
        if not (self.has_effect and 0 < part < 1):
            return np.nan
        dose = self.middle * (part / (1 - part)) ** (1 / self.n_H)
        low, high = self.range
        return float(dose) if low <= dose <= high else np.nan

    def __repr__(self) -> str:
        n = len(np.unique(self.doses))
        of = f" × {self.n_subjects} subjects" if self.subjects is not None else f", {self.doses.size} observations"
        missing = f", {self.n_missing} missing" if self.n_missing else ""
        return f"<DoseResponse of {self.name}: {self.text}; {n} doses{of}{missing}>"

    @property
    def text(self) -> str:
        """``"ED50 0.52 mg/kg [0.41, 0.66], n_H -1.2, 0.2 to 1.9 Hz"``, or in words why there is none."""
        unit, of = self.unit and f" {self.unit}", self.response_unit and f" {self.response_unit}"
        if not self.has_effect:
            return f"no ED50, the doses show no effect (p = {self.p:.2g})"
        low, high = self.range
        if not self.is_within:
            beyond = f"> {high:.3g}" if np.isposinf(self.ED50) else f"< {low:.3g}"
            return f"ED50 {beyond}{unit}, beyond the doses tried"
        least = 1e-9 * (self.top - self.bottom)  # what remains of a plateau of 0 is rounding
        bottom, top = (0.0 if abs(plateau) < least else plateau for plateau in (self.bottom, self.top))
        shape = f"n_H {self.n_H:.2g}, {bottom:.3g} to {top:.3g}{of}"
        return f"ED50 {self.ED50:.3g}{unit} {self._interval_text}, {shape}{', a step between two doses' * self.is_step}"

    @property
    def _interval_text(self) -> str:
        if np.isnan(self.low):
            return "[no interval: as many parameters as doses]"
        low = f"{self.low:.3g}" if self.low > 0 else "no lower end"
        return f"[{low}, {self.high:.3g}]" if np.isfinite(self.high) else f"[{low}, no upper end]"


def fit_dose_response(
    doses: np.ndarray,
    responses: np.ndarray,
    subjects: np.ndarray | None = None,
    *,
    bottom: float | None = None,
    top: float | None = None,
    n_H: float | None = None,
    unit: str = "",
    response_unit: str = "",
    name: str = "response",
) -> DoseResponse:
    """Fit a logistic curve over log dose: the dose of half effect and its 95 % interval.

    Parameters
    ----------
    doses : float array, shape (observation,), in ``unit``
        0 is a control: it has the response of no drug.
    responses : float array, shape (observation,), in ``response_unit``
        NaN are left out.
    subjects : array, shape (observation,), optional
        Whom each was measured in. Without it every observation counts as a subject of its own.
    bottom, top : float, optional
        Plateaus that are known: ``bottom=0, top=100`` for an occupancy in per cent, ``bottom=0`` for an effect that starts
        at nothing. Free by default.
    n_H : float, optional
        Hill coefficient that is known (its size, above 0: data say whether the curve rises or falls), 1 for simple
        binding. Free by default, between 0.1 and 20.
    unit, response_unit, name : str

    Returns
    -------
    DoseResponse

    Raises
    ------
    ResultSchemaError
        Fewer doses than free parameters; a negative dose; arrays of different lengths; a bottom that is not below the top;
        an n_H that is not above 0.

    Notes
    -----
    ``R = bottom + (top - bottom) / (1 + (ED50/dose)**n_H)``, the four-parameter logistic of drc (LL.4) and of other
    programs of the trade ("variable slope"). For given ED50 and n_H the plateaus are a linear regression, so that only two
    numbers are searched for (variable projection), from the best of a grid.

    The interval holds every ED50 at which the best other parameters fit hardly worse (profile likelihood), so that it is
    open where the data do not bound it. Without subjects, "hardly worse" is the F test with n - p degrees of freedom. With
    subjects they are what is repeated, not doses: the profile is scaled so that its curvature at the best fit is that of
    the variance between subjects (Chandler & Bate 2007), with t of n_subjects - 1. So a scan of a thousand doses in three
    subjects knows an ED50 no better than three subjects do. In the same doses for all, this is to first order the t
    interval over the subjects' own log ED50.

    References
    ----------
    Ritz C, Baty F, Streibig JC, Gerhard D (2015) PLoS ONE 10:e0146021 (drc)
    Golub GH, Pereyra V (1973) SIAM J Numer Anal 10:413-432
    Chandler RE, Bate S (2007) Biometrika 94:167-183
    """
    doses, responses = np.asarray(doses, float).ravel(), np.asarray(responses, float).ravel()
    owners = None if subjects is None else np.asarray(subjects).ravel()
    _refuse(doses, responses, owners, bottom, top, n_H)
    used = np.isfinite(responses)
    doses, responses = doses[used], responses[used]
    owners = None if owners is None else owners[used]
    known = {"bottom": bottom, "top": top, "n_H": n_H}
    fixed = tuple(key for key, value in known.items() if value is not None)
    _refuse_few(doses, 4 - len(fixed), name)
    data = Data.of(doses, responses, owners)
    model = Model(data, bottom, top, n_H)
    m, log_h = model.best()
    curve = model.curve(m, log_h)
    residuals = responses - curve.at(data.x)
    p = _p_of_no_effect(data, model, residuals)
    own = {
        "unit": unit, "response_unit": response_unit, "name": name, "fixed": fixed, "p": p, "doses": doses,
        "responses": responses, "subjects": owners, "n_missing": int((~used).sum()),
    }  # fmt: skip
    if not p < _NO_EFFECT:
        level = float(responses.mean())
        return DoseResponse(np.nan, 0.0, np.inf, np.nan, level, level, residuals=responses - level, **own)
    low, high = _interval(data, model, m, log_h, residuals)
    size = float(np.exp(log_h))
    n_H, ends = (size if curve.end > curve.start else -size), sorted([curve.start, curve.end])
    return DoseResponse(_believed(m, data.span), low, high, n_H, *ends, residuals=residuals, middle=float(np.exp(m)), **own)


def _believed(m: float, span: tuple[float, float]) -> float:
    """The middle as a dose, if it lies among those tried."""
    if m > span[1] + _EDGE:
        return np.inf
    return 0.0 if m < span[0] - _EDGE else float(np.exp(m))


def _refuse(doses, responses, subjects, bottom, top, n_H) -> None:
    for what, values in (("responses", responses), ("subjects", subjects)):
        if values is not None and values.size != doses.size:
            raise ResultSchemaError(f"{doses.size} doses and {values.size} {what} do not go together")
    wrong = doses[~(np.isfinite(doses) & (doses >= 0))]
    if wrong.size:
        raise ResultSchemaError(f"a dose of {wrong[0]:g} was given; allowed: 0 or more")
    if bottom is not None and top is not None and not bottom < top:
        raise ResultSchemaError(f"bottom {bottom:g} must be below top {top:g}")
    if n_H is not None and not 0 < n_H < np.inf:
        raise ResultSchemaError(f"n_H {n_H:g} was given; allowed: above 0 (the data say whether the curve rises or falls)")


def _refuse_few(doses: np.ndarray, n_free: int, name: str) -> None:
    n = len(np.unique(doses))
    if n < max(n_free, 2) or (doses > 0).sum() == 0 or len(np.unique(doses[doses > 0])) < 2:
        raise ResultSchemaError(
            f"{name}: {n} dose{'s' * (n != 1)} with a response cannot hold a curve with {n_free} free parameters; "
            f"give at least {max(n_free, 2)} doses, two of them above 0, or say what is known of bottom, top and n_H"
        )


def _p_of_no_effect(data: Data, model: Model, residuals: np.ndarray) -> float:
    """F test of the curve against one response: any, each subject's own level removed, or a known plateau."""
    plateaus = [known for known in (model.bottom, model.top) if known is not None]
    flats = [data.y - level for level in plateaus or [data.y.mean()]]
    left = data.y.size - model.n_free
    if not plateaus and data.n_owners > 1:
        flats, residuals = [_within(flat, data.owners) for flat in flats], _within(residuals, data.owners)
        left -= data.n_owners - 1
    flat, rest = min(float(flat @ flat) for flat in flats), float(residuals @ residuals)
    nothing = data.y.size * (_ROUNDING * float(np.abs(data.y).max())) ** 2
    if flat <= max(nothing, rest):
        return 1.0
    if left < 1 or rest <= nothing:
        return 0.0
    more = model.n_free - (not plateaus)
    return float(fdtrc(more, left, (flat - rest) / more / (rest / left)))


def _within(values: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Less the mean of each subject."""
    return values - (np.bincount(owners, weights=values) / np.bincount(owners))[owners]


def _interval(data: Data, model: Model, m: float, log_h: float, residuals: np.ndarray) -> tuple[float, float]:
    """Ends of the profile interval of the middle, as doses."""
    least, allowed = float(model.plateaus(m, log_h)[2]), _allowed(data, model, m, log_h, residuals)
    if np.isnan(allowed):
        return np.nan, np.nan

    def excess(middle: float) -> float:
        return model.profile(middle) - least - allowed

    grid, _, squares = model.grid
    lowest = squares.min(axis=1)
    inside = grid[lowest - lowest.min() <= allowed]
    below = _crossing(excess, m, np.sort(inside[inside < m]), grid[grid < m][::-1], 0.0)
    above = _crossing(excess, m, np.sort(inside[inside > m])[::-1], grid[grid > m], np.inf)
    if model.n_H is None and is_steepest(np.exp(log_h)):  # a step: anywhere between two doses
        neighbours = np.exp([*data.dose_x[data.dose_x < m][-1:], *data.dose_x[data.dose_x > m][:1]])
        return min(below, *neighbours), max(above, *neighbours)
    return below, above


def _crossing(
    excess: Callable[[float], float], m: float, inside: np.ndarray, outwards: np.ndarray, beyond: float
) -> float:
    """Dose at which the excess turns positive, beyond the outermost place inside: a profile can have valleys.

    Parameters
    ----------
    inside : places that may be inside, the outermost first
    outwards : places from the middle outwards
    beyond : what is given if it never does
    """
    last = next((place for place in inside if np.isfinite(place) and excess(place) <= 0), m)
    for outside in outwards[np.abs(outwards - m) > np.abs(last - m)]:
        if excess(outside) > 0:
            return float(np.exp(brentq(excess, last, outside, xtol=1e-6) if excess(last) < 0 else last))
        last = outside
    return beyond


def _allowed(data: Data, model: Model, m: float, log_h: float, residuals: np.ndarray) -> float:
    """By how much the sum of squares may rise within the interval; NaN without a degree of freedom."""
    n, n_free, n_owners = data.y.size, model.n_free, data.n_owners
    within = residuals if n_owners < 2 else _within(residuals, data.owners)
    left = n - n_free - max(n_owners - 1, 0)
    if left < 1:
        return np.nan
    variance = float(within @ within) / left
    if n_owners < 2:
        return float(stdtrit(left, 0.5 + CONFIDENCE / 2)) ** 2 * variance
    scaled = _variance_between(data, model, m, log_h, residuals)
    quantile = float(stdtrit(n_owners - 1, 0.5 + CONFIDENCE / 2))
    return quantile**2 * (variance if np.isnan(scaled) else scaled)


def _variance_between(data: Data, model: Model, m: float, log_h: float, residuals: np.ndarray) -> float:
    """What the variance of a residual would have to be for independent ones to leave the middle as uncertain as subjects do.

    NaN where the doses do not show the middle, as between two doses that hold a step.
    """
    J = jacobian(model, m, log_h, data.x)
    H = J.T @ J
    if np.linalg.cond(H) > 1e12:
        return np.nan
    inverse = np.linalg.inv(H)
    scores = np.stack([np.bincount(data.owners, weights=column * residuals) for column in J.T])
    n = data.n_owners
    robust = n / (n - 1) * inverse @ (scores @ scores.T) @ inverse
    return float(robust[0, 0] / inverse[0, 0])


def fit_of_results(
    results: Results,
    name: str,
    arm: str | None = None,
    phase: str | None = None,
    axis: str | None = None,
    relative: bool = False,
    bottom: float | None = None,
    top: float | None = None,
    n_H: float | None = None,
    **selection: Any,
) -> DoseResponse:
    """Fit a dose-response curve to a variable of the summary, over subjects.

    Parameters
    ----------
    results : Results
    name : str
        ``firing_rate``; with its group where two groups have one of that name: ``pools/concentration``.
    arm : str, optional
        The arm that this axis changes by default.
    phase : str, optional
        The last by default.
    axis : str, optional
        The scan axis that is the dose, or one that goes along ``point``; not needed if there is only one.
    relative : bool
        In per cent of the reference arm, in the same subject, phase and point.
    bottom, top, n_H : float, optional
        What is known, in the unit of the response; see :func:`fit_dose_response`.
    **selection
        As :func:`~neurosim.analysis.select`: whatever the variable has beside subject and dose.

    Raises
    ------
    ResultSchemaError
        A name that the results do not have; an axis of texts; a dimension of which nothing is said; too few doses.
    """
    own = _dose_axis(results, axis)
    dim = next(d for d, one in results.axes.items() if own in (one, *one.members))
    wanted = {"arm": arm or _one_arm(results, dim), "phase": phase or results.phases[-1]} | selection
    values = selected(variable_of(results.summary, name), wanted)
    unit = _unit(values.attrs.get("units", ""))
    if relative:
        rest = selected(variable_of(results.summary, name), wanted | {"arm": results.reference[0]})
        with np.errstate(divide="ignore", invalid="ignore"):
            # a reference of 0 has no parts
            values = (100.0 * values / rest.drop_vars("arm")).where(rest.drop_vars("arm") != 0)
        unit = f"% of {results.reference[0]}"
    # an entry that is the only one needs no choice
    values = values.isel({d: 0 for d in values.dims if d not in ("subject", dim) and values.sizes[d] == 1})
    over = [str(d) for d in values.dims if d not in ("subject", dim)]
    if over or dim not in values.dims:
        raise ResultSchemaError(_undecided(name, values, over, dim))
    values = values.transpose(..., dim)
    has_subjects = "subject" in values.dims and values.sizes["subject"] > 1
    chosen = [str(values[d].item()) for d in selection if d in values.coords and values[d].ndim == 0]
    return fit_dose_response(
        np.broadcast_to(np.array(own.values, float), values.shape),
        values.values,
        np.repeat(values.subject.values, values.sizes[dim]) if has_subjects else None,
        bottom=bottom,
        top=top,
        n_H=n_H,
        unit=_unit(own.unit),
        response_unit=unit,
        name=f"{' '.join([name, *chosen])} over {own.name}, arm {wanted['arm']}",
    )


def _dose_axis(results: Results, name: str | None) -> Axis:
    """The scan axis that is the dose, which has numbers."""
    known = {own.name: own for axis in results.axes.values() for own in axis.members or (axis,)}
    if not known:
        raise ResultSchemaError(f"{results.name} has no scan, so it has no dose-response curve")
    if name is None and len(known) > 1:
        raise ResultSchemaError(f"{results.name} has the scan axes {', '.join(known)}: say which is the dose, axis=...")
    axis = known[known_name("scan axis", name or next(iter(known)), known)]
    if any(isinstance(value, str) for value in axis.values):
        raise ResultSchemaError(f"the scan axis {axis.name!r} has texts for values, over which there is no curve")
    return axis


def _unit(unit: str) -> str:
    """Of plain numbers, none."""
    return "" if unit == "1" else unit


def _one_arm(results: Results, dim: str) -> str:
    """The arm whose trials change along the dose; another axis may change the others too."""
    keys = results.keys.isel(subject=0)
    changes = (keys != keys.isel({dim: 0})).any([d for d in keys.dims if d != "arm"])
    own = [arm for arm in results.arms if bool(changes.sel(arm=arm))]
    arms = own[0] if len(own) == 1 else own or drawn_arms(results)
    if not isinstance(arms, str):
        raise ResultSchemaError(f"the scan changes the arms {', '.join(arms)}: say which one is fitted, arm=...")
    return arms


def _undecided(name: str, values: xr.DataArray, over: list[str], dim: str) -> str:
    if not over:
        return f"{name} has no dimension {dim!r} left: give no label on it, a curve needs all doses"
    labels = values[over[0]].values.tolist()
    more = f"{len(labels)} of {over[0]}"
    return f"{name} has {more} beside subject and dose: say which one is fitted, e.g. {over[0]}={labels[0]!r}"
