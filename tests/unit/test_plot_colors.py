"""Colours that stand for arms, transmitters, verdicts and signs stay apart for every common kind of colour vision.

Distances are in CIELAB (CIE 1976), where 2.3 is just noticeable (Mahy, Van Eycken & Oosterlinck 1994 Color Res Appl 19:105);
marks of a few points need several times that.
"""

from itertools import combinations

import numpy as np
import pytest
from colors import VISION, lab_of

from neurosim import reference
from neurosim.analysis.plots.style import SIGNS, arm_colors, line_colors
from neurosim.validation.figure import MARKS

JUST_NOTICEABLE = 2.3
#: Five times just noticeable; figures tell conditions and verdicts apart by their markers too.
APART = 5 * JUST_NOTICEABLE
PALETTES = {
    "arms": list(arm_colors([str(k) for k in range(9)], "0").values()),
    "lines": list(line_colors([str(k) for k in range(8)]).values()),
    "transmitters": [reference.transmitter_color(name) for name in reference.transmitter_names()],
    "verdicts": [color for _, color in MARKS.values()],
    "signs": list(SIGNS.values()),
}


def closest(colors, vision):
    seen = {color: lab_of(color, vision) for color in colors}
    return min((float(np.linalg.norm(seen[a] - seen[b])), a, b) for a, b in combinations(seen, 2))


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("palette", PALETTES)
def test_no_two_colours_of_a_palette_look_alike(palette, vision):
    colors = PALETTES[palette]
    assert len(set(colors)) == len(colors)
    distance, one, other = closest(colors, vision)
    assert distance >= APART, f"{one} and {other} are {distance:.1f} apart"


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("palette", PALETTES)
def test_every_colour_stands_out_from_paper(palette, vision):
    distance = min(np.linalg.norm(lab_of(color, vision) - lab_of("#ffffff", vision)) for color in PALETTES[palette])
    assert distance >= 2 * APART


def test_colours_that_look_alike_would_be_found():
    """The brown that used to be among the arms is vermilion to a protanope."""
    assert closest(["#A5671B", "#D55E00"], "common")[0] > APART
    assert closest(["#A5671B", "#D55E00"], "protanopia")[0] < APART


def test_greys_stay_greys_and_colours_are_those_of_the_standard():
    """Rows of the matrices sum to 1; L* of white is 100, of the middle grey 53.6 (CIE 1976)."""
    for vision, matrix in VISION.items():
        assert matrix.sum(axis=1) == pytest.approx(np.ones(3), abs=2e-6)
        assert lab_of("#808080", vision) == pytest.approx([53.6, 0, 0], abs=0.1)
    assert lab_of("#ffffff") == pytest.approx([100, 0, 0], abs=0.1)


def test_verdicts_have_markers_of_their_own():
    assert len({marker for marker, _ in MARKS.values()}) == len(MARKS)
