"""The page: everything that a reader who did not run the experiment needs, in one file without outside requests."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from neurosim import __version__
from neurosim.analysis import Results, open_results
from neurosim.analysis.plots import (
    circuit_figure,
    results_circuit_figure,
    results_timeline_figure,
    timeline_figure,
)
from neurosim.analysis.plots.common import spaced, subjects_text
from neurosim.analysis.plots.style import arm_colors
from neurosim.errors import ResultSchemaError
from neurosim.recording.whole import whole_file
from neurosim.report.asked import (
    Failed,
    Stored,
    axes_of,
    failures_of,
    outcome_words,
    phases_of,
    sentence_of,
    stored,
)
from neurosim.report.changes import Answer, Change, answers_of, changes_of
from neurosim.report.drugs import DrugFound, drugs_of, occupancy_figure
from neurosim.report.figures import Figure, change_figure, level_figure
from neurosim.report.numbers import Stated
from neurosim.report.readouts import activation, readouts_of
from neurosim.report.scans import curve_figure, held_figures, plane_figures
from neurosim.report.touched import RowTouched, touched_rows
from neurosim.report.traces import trace_figure
from neurosim.runner import Number, SourcesUsed, numbers_used, sources_used
from neurosim.spec import Experiment, arm_text

__all__ = ["REPORT", "write_report"]

REPORT = "report.html"
#: Changes in the table of clear ones.
_MOST_CHANGES = 15
#: The order in which a reader wants to know what was not measured.
_DRUGS_FIRST = ("drug", "disorder", "receptor", "carrier", "specie", "store", "circuit")


@dataclass(frozen=True)
class Topics:
    """Numbers that nobody measured, by what they are for; how many there are in all, and of each basis."""

    n: int
    counts: Mapping[str, int]
    topics: Mapping[str, Sequence[Number]]


@dataclass(frozen=True)
class Picture:
    """A picture that does not move: SVG as a data address, and its text alternative."""

    id: str
    source: str
    words: str


@dataclass(frozen=True)
class Page:
    """All that the template is given, by the names that it uses.

    Attributes
    ----------
    version, title, sentence, outcomes : str
        ``sentence`` says what was asked, ``outcomes`` how trials ended.
    results : Results
    stored : Stored
    failures, more_failures
        Trials without data, and how many more there are.
    answers, clear, n_clear, n_changes
        The largest changes by condition; clear ones that are shown, and how many are clear and are there.
    phases : list of (name, clock, settle, record)
    axes : list of (name, words, path)
    arms : list of (name, colour, what is done, description)
    figure_data : dict
        Figure → views, for the script.
    activation : Figure or None
        Whose table stands below the drugs.
    numbers_used : Topics or None
    sources, topics
        What to cite, and in which order of topics; None where the experiment cannot be read back.
    provenance : list of (name, value)
    plotly : str
        The library that draws; empty where nothing is drawn.
    """

    version: str
    title: str
    results: Results
    stored: Stored
    sentence: str
    outcomes: str
    subjects: str
    failures: Sequence[Failed]
    more_failures: int
    answers: Sequence[Answer]
    clear: Sequence[Change]
    n_clear: int
    n_changes: int
    phases: Sequence[tuple[str, str, str, str]]
    axes: Sequence[tuple[str, str, str]]
    arms: Sequence[tuple[str, str, str, str]]
    pictures: Mapping[str, Picture]
    figures: Sequence[Figure]
    figure_data: Mapping[str, list[dict]]
    drugs: Sequence[DrugFound]
    activation: Figure | None
    rows: Sequence[RowTouched]
    numbers_used: Topics | None
    sources: SourcesUsed | None
    topics: Sequence[str]
    provenance: Sequence[tuple[str, str]]
    plotly: str


def write_report(folder: str | Path) -> Path:
    """Write ``report.html`` into a results folder, whole or not at all.

    Parameters
    ----------
    folder : path
        That ``neurosim run`` wrote.

    Returns
    -------
    Path
        The page: everything is in it, it asks nothing of the network.

    Raises
    ------
    ResultSchemaError
        No such folder, no summary in it, a damaged summary or trial, or a folder that cannot be written to.
    """
    with open_results(folder) as results:
        page = _render(_page(results))
    return _write(Path(folder) / REPORT, page)


def _render(page: Page) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("neurosim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["stated"] = lambda value: isinstance(value, Stated)
    environment.filters["script"] = _script
    return environment.get_template("report.html.jinja").render({own.name: getattr(page, own.name) for own in fields(page)})


def _script(data: Any) -> str:
    """JSON that may stand inside a script element."""
    from markupsafe import Markup

    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _write(path: Path, text: str) -> Path:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def _page(results: Results) -> Page:
    found = stored(results)
    experiment = found.experiment
    if experiment is not None:
        results.circuit = experiment.circuit  # the same, without reading its text again
    readouts = readouts_of(results) if results.has_data else ()
    changes = changes_of(results, readouts)
    clear = [change for change in changes if change.is_clear]
    drugs = drugs_of(results, experiment) if results.has_data else ()
    failures, more_failures = failures_of(results)
    figures = tuple(_figures(results, readouts)) if results.has_data else ()
    sources = None if experiment is None else sources_used(experiment)
    return Page(
        version=__version__,
        title=spaced(results.name),
        results=results,
        stored=found,
        sentence=sentence_of(results, experiment),
        outcomes=outcome_words(results),
        subjects=subjects_text(results),
        failures=failures,
        more_failures=more_failures,
        answers=answers_of(results, readouts, changes, drugs),
        clear=clear[:_MOST_CHANGES],
        n_clear=len(clear),
        n_changes=len(changes),
        phases=phases_of(experiment),
        axes=axes_of(results),
        arms=_arms(results, experiment),
        pictures={picture.id: picture for picture in _pictures(results, experiment)},
        figures=figures,
        figure_data={f.id: [{"label": v, "data": d, "layout": o} for v, d, o in f.views] for f in figures},
        drugs=drugs,
        activation=level_figure(results, activation(results)) if results.has_data and results.has_spikes else None,
        rows=touched_rows(results, experiment) if results.has_data else (),
        numbers_used=None if experiment is None else _numbers(experiment),
        sources=sources,
        topics=() if sources is None else sorted(dict.fromkeys([*sources.publications, *sources.others]), key=_rank),
        provenance=_provenance(results),
        plotly=_plotly() if figures else "",
    )


def _arms(results, experiment: Experiment | None) -> list[tuple[str, str, str, str]]:
    """(name, colour, what is done, description) of each arm."""
    colors = arm_colors(results.arms, results.reference[0])
    said = {} if experiment is None else dict(experiment.arms)
    found = []
    for name in results.arms:
        arm = said.get(name)
        found.append((name, colors[name], arm_text(arm) if arm else "", (arm.description or "") if arm else ""))
    return found


def _pictures(results, experiment: Experiment | None) -> Iterator[Picture]:
    """The timeline and the circuit, as far as the results say them."""
    with contextlib.suppress(ResultSchemaError):
        timeline = timeline_figure(experiment) if experiment is not None else results_timeline_figure(results)
        words = [f"{spaced(name)}: {what or 'not known'}" for name, _, what, _ in _arms(results, experiment)]
        phases = "; ".join(f"{name} {clock}, recorded for {record}" for name, clock, _, record in phases_of(experiment))
        told = f"Timeline of the protocol. Phases: {phases}. Arms: {'; '.join(words)}."
        yield Picture("timeline", _svg(timeline), told)
    if experiment is None or not experiment.circuit.projections:
        return
    with contextlib.suppress(ResultSchemaError):
        is_run = results.has_data and results.has_spikes
        circuit = results_circuit_figure(results) if is_run else circuit_figure(experiment.circuit)
        arm, phase = results.reference
        state = f"as simulated in arm {spaced(arm)}, phase {phase}" if is_run else "at the published resting rates"
        yield Picture("circuit", _svg(circuit), f"Circuit diagram, {state}. {_circuit_words(experiment)}")


def _circuit_words(experiment: Experiment) -> str:
    circuit = experiment.circuit
    regions = list(dict.fromkeys(p.region for p in circuit.populations.values()))
    pools = ", ".join(f"{region} ({' and '.join(own)})" for region, own in circuit.pools.items())
    return (
        f"{len(circuit.populations)} populations in {', '.join(regions)}; {len(circuit.projections)} projections; pools in "
        f"{pools}; {len(circuit.sites)} receptor sites. Who reaches whom is in the table below."
    )


def _svg(figure) -> str:
    """A picture as a data address."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def _figures(results, readouts) -> Iterator[Figure]:
    """The interactive figures, what was scanned first."""
    if results.axes:
        yield from plane_figures(results)
        yield from (figure for readout in readouts if (figure := curve_figure(results, readout)))
        if not results.has_spikes:
            yield from held_figures(results)
    for readout in readouts:
        if not readout.is_shift:
            yield from filter(None, [level_figure(results, readout)])
        yield from filter(None, [change_figure(results, readout)])
    yield from filter(None, [occupancy_figure(results), trace_figure(results)])


def _numbers(experiment: Experiment) -> Topics:
    """What was not measured, drugs first."""
    used = numbers_used(experiment)
    topics: dict[str, list[Number]] = {}
    for one in used.unmeasured:
        topics.setdefault(one.topic, []).append(one)
    return Topics(len(used.numbers), used.counts, {topic: topics[topic] for topic in sorted(topics, key=_rank)})


def _rank(topic: str) -> int:
    word = topic.split()[0].rstrip("s,")
    return _DRUGS_FIRST.index(word) if word in _DRUGS_FIRST else len(_DRUGS_FIRST)


def _provenance(results) -> list[tuple[str, str]]:
    """What made the results, in words; the name of the machine stays in the file."""
    attributes = results.attributes
    versions, engine = (json.loads(attributes.get(name, "{}")) for name in ("versions", "engine"))
    flags = engine.get("flags", "")
    found = [
        ("neurosim", versions.get("neurosim-da5ht", "")),
        ("commit", attributes.get("commit", "")),
        ("engine", ", ".join(filter(None, [engine.get("engine", ""), engine.get("compiler", "")]))),
        ("compiler flags", flags),
        ("packages", ", ".join(f"{name} {version}" for name, version in versions.items() if name != "neurosim-da5ht")),
        ("Python", attributes.get("python", "")),
        ("platform", attributes.get("platform", "")),
        ("CPU type", attributes.get("cpu", "")),
        ("seed", str(attributes.get("seed", ""))),
        ("experiment hash", attributes.get("experiment_digest", "")),
        ("trials hash", attributes.get("trials_digest", "")),
        ("source hash", attributes.get("source_digest", "")),
        ("result schema", attributes.get("schema", "")),
        ("computing time", f"{float(attributes.get('wall_time', 0.0)):.3g} s, all trials together"),
    ]
    return [(name, str(value)) for name, value in found if value]


def _plotly() -> str:
    """The library that draws, as text that may stand inside a script element."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs().replace("</script", "<\\/script"))


