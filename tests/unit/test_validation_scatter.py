"""Model against published: every scored row is a mark where its numbers say."""

import math
from pathlib import Path

import pytest
from legible import assert_legible, drawn_texts

from neurosim.errors import ResultSchemaError
from neurosim.validation.figure import MARKS
from neurosim.validation.registry import Reading
from neurosim.validation.report import Score, write_scores
from neurosim.validation.scatter import points_of, read_points, scatter_figure

TABLE = Path(__file__).resolve().parents[2] / "docs" / "validation.csv"
AREAS = sorted({point.area for point in read_points(TABLE)})


def score(id, reading, band=(math.nan, math.nan), unit="%", verdict="pass", direction=None, value=math.nan):
    return Score(id, "own", "mine", False, id, Reading(*reading), value, *band, unit, verdict, "", direction)


SCORES = [
    score("inside", (50.0, 40.0, 60.0), (45.0, 70.0), value=55.0),
    score("fell", (-30.0, -40.0, -20.0), (-60.0, -10.0), direction=-1, value=-40.0),
    score("rose", (25.0, 12.0, 38.0), direction=1),
    score("wrong", (-45.0, -60.0, -30.0), verdict="wrong sign", direction=1),
    score("tenfold", (2.0, 1.5, 2.5), (5.0, 15.0), unit="x", verdict="wrong size", direction=1, value=10.0),
    score("never", (math.inf, math.inf, math.inf), (1.0, 3.0), unit="mg/kg", verdict="wrong size", value=2.0),
    score("not_said", (math.nan, math.nan, math.nan), verdict="not expressible"),
]


def marks(figure):
    """Id → (panel, x, y, marker, colour)."""
    return {
        line.get_gid(): (axes.get_title("left"), *line.get_xydata()[0], line.get_marker(), line.get_color())
        for axes in figure.axes
        for line in axes.lines
        if line.get_gid()
    }


def test_every_row_lies_where_its_numbers_say():
    found = marks(scatter_figure(points_of(SCORES)))
    assert set(found) == {s.id for s in SCORES} - {"not_said"}
    assert found["inside"][:3] == ("Parts of a whole", 55.0, 50.0)
    assert found["fell"][:3] == ("Changes", -40.0, -30.0)
    assert found["tenfold"][:3] == ("Doses, rates, times, ratios", 10.0, 2.0)
    assert found["rose"][0] == found["wrong"][0] == "Directions" and found["wrong"][2] == -45.0
    for s in SCORES[:-1]:
        assert found[s.id][3:] == MARKS[s.verdict]


def test_what_was_never_reached_lies_at_the_edge():
    figure = scatter_figure(points_of(SCORES))
    panel, _, y, *_ = marks(figure)["never"]
    axes = next(axes for axes in figure.axes if axes.get_title("left") == panel)
    assert y > 0.8 * axes.get_ylim()[1] and math.isfinite(y)


def test_the_table_holds_all_that_the_figure_shows(tmp_path):
    """Written and read again, the rows are the same points to the digits of the table."""
    read = read_points(write_scores(SCORES, tmp_path / "validation.csv"))
    for one, other in zip(read, points_of(SCORES), strict=True):
        for name, value in vars(other).items():
            assert getattr(one, name) == (pytest.approx(value, rel=1e-3, nan_ok=True) if type(value) is float else value)


@pytest.mark.parametrize("area", [None, *AREAS])
def test_the_committed_table_is_legible(area):
    figure = scatter_figure(TABLE, area)
    assert_legible(figure)
    points = [p for p in read_points(TABLE) if area in (None, p.area)]
    assert set(marks(figure)) == {p.id for p in points}
    assert any(f"{len(points)} rows" in text for text, _ in drawn_texts(figure))
    for axes in figure.axes:
        assert "(" in axes.get_ylabel()
        assert "(" in axes.get_xlabel() or axes.get_title("left") == "Directions"


def test_mistakes_get_one_sentence(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for call, words in (
        (lambda: scatter_figure(TABLE, "drug_da"), "no area 'drug_da' in this table: did you mean 'drugs_da'"),
        (lambda: scatter_figure(tmp_path / "none.csv"), "cannot be read: No such file"),
        (lambda: scatter_figure(tmp_path / "other.csv"), "it has no column 'id'"),
        (lambda: scatter_figure([]), "no row of this table has both"),
    ):
        with pytest.raises(ResultSchemaError) as error:
            call()
        assert words in str(error.value)
        assert "\n" not in str(error.value)
