"""Published observations that an experiment touches, with what the model says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neurosim import reference
from neurosim.errors import NeurosimError
from neurosim.report.numbers import Stated, plain_text, stated
from neurosim.spec import Experiment, Row, Rows, digest
from neurosim.validation import get_readout, judge, published, read_rows, release_scores

__all__ = ["RowTouched", "touched_rows"]


@dataclass(frozen=True)
class RowTouched:
    """A row of the validation set.

    Attributes
    ----------
    id, what, unit : str
    why : str
        What it shares with the experiment.
    band : str
        What was published.
    reading : list of Stated
        What the model says, read from this very folder, with its interval; empty where the folder cannot say.
    release : str
        What the scoreboard of the release says.
    verdict, reason : str
        Of ``reading`` if it is there, else of ``release``.
    source, url : str
    """

    id: str
    what: str
    unit: str
    why: str
    band: str
    reading: tuple[Stated, ...]
    release: str
    verdict: str
    reason: str
    source: str
    url: str


@dataclass(frozen=True)
class _Done:
    """What is done to arms: drugs, lesioned populations, disorders."""

    drugs: frozenset[str]
    lesions: frozenset[str]
    disorders: frozenset[str]

    def shared(self, other: _Done) -> str:
        words = sorted(self.drugs & other.drugs)
        words += [f"lesion of {name}" for name in sorted(self.lesions & other.lesions)]
        words += sorted(self.disorders & other.disorders)
        return ", ".join(words)


def touched_rows(results, experiment: Experiment | None) -> tuple[RowTouched, ...]:
    """Rows of the same experiment, then rows that share a drug, a lesion or a disorder with it."""
    if experiment is None:
        return ()
    rows, scores = read_rows(), release_scores()
    done = _done_in(experiment)
    documents = dict(rows.experiments.items())
    found = []
    for id, row in rows.rows.items():
        document = documents.get(row.experiment) if isinstance(row.experiment, str) else row.experiment
        if not isinstance(document, Mapping) or row.expected is None:
            continue
        is_own = document.get("name") == results.name and _is_same(rows, id, row, experiment)
        shared = done.shared(_done_by(row, document))
        if is_own or shared:
            found.append((not is_own, _touched(results, id, row, is_own, shared, scores.get(id, {}))))
    return tuple(row for _, row in sorted(found, key=lambda pair: pair[0]))


def _is_same(rows: Rows, id: str, row: Row, experiment: Experiment) -> bool:
    """Whether a row asks of this experiment, with as many subjects and the same seed."""
    try:
        asked = rows.experiment(id, {"subjects": str(experiment.subjects), "seed": str(experiment.seed)})
    except NeurosimError:
        return False
    return digest(asked) == digest(experiment)


def _touched(results, id: str, row: Row, is_own: bool, shared: str, score: Mapping[str, str]) -> RowTouched:
    _, _, _, what, _ = published(id, row)
    found = get_readout(row.readout_name)
    reading, verdict, reason = (), score.get("verdict", ""), score.get("reason", "")
    if is_own:
        reading, verdict, reason = _read(results, row, id)
    model = score.get("model", "")
    try:
        target = reference.target_row(id)
        source, url = target.citation, target.url
    except NeurosimError:
        source, url = "", ""
    return RowTouched(
        id, what, found.unit, "this experiment" if is_own else shared, _band(row, found.unit), reading,
        f"{plain_text(float(model))} {found.unit}" if model else "", verdict, reason, source, url,
    )  # fmt: skip


def _read(results, row: Row, id: str) -> tuple[tuple[Stated, ...], str, str]:
    """The reading of a row in this folder, its verdict and why."""
    try:
        reading = get_readout(row.readout_name)(results, row.arguments)
    except NeurosimError as error:
        return (), "error", " ".join(str(error).split())
    verdict, reason = judge(reading, row.expected)
    if row.also or row.positive:
        reason = "; ".join(filter(None, (reason, "of its number alone: the scoreboard judges its other conditions too")))
    values = (reading.value, reading.low, reading.high)
    found = tuple(stated(v, f"validation/{id}", s, {}) for v, s in zip(values, ("value", "low", "high"), strict=True))
    return (found if reading.low == reading.low else found[:1]), verdict, reason


def _band(row: Row, unit: str) -> str:
    expected = row.expected
    if not expected.is_band:
        return expected.direction
    return f"{plain_text(float(expected.low))} to {plain_text(float(expected.high))} {unit}"


def _done_in(experiment: Experiment) -> _Done:
    arms = experiment.arms.values()
    return _Done(
        frozenset(reference.drug(drug.drug).name for arm in arms for drug in arm.drugs),
        frozenset(lesion.population for arm in arms for lesion in arm.lesions),
        frozenset(entry.disorder.name for arm in arms for entry in arm.disorders),
    )


def _done_by(row: Row, document: Mapping[str, Any]) -> _Done:
    """What is done to the arms that a row names, as its experiment's file says it."""
    arms = document.get("arms") or {}
    named = [arms[name] for name in _words(row.arguments.values()) if isinstance(arms.get(name), Mapping)]
    return _Done(
        frozenset(map(_canonical, _entries(named, "drugs", "drug"))),
        frozenset(_entries(named, "lesions", "population")),
        frozenset(_entries(named, "disorders", "disorder")),
    )


def _canonical(drug: str) -> str:
    try:
        return reference.drug(drug).name
    except NeurosimError:
        return drug


def _words(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from _words(value)


def _entries(arms: Iterable[Mapping], key: str, what: str) -> Iterable[str]:
    return (entry[what] for arm in arms for entry in arm.get(key) or () if isinstance(entry.get(what), str))
