"""What can go wrong in a figure without anybody looking: words that cover each other or leave the sheet."""

import numpy as np
from matplotlib.axis import XAxis
from matplotlib.text import Text


def drawn_texts(figure):
    """Every text that is seen, with its box in pixels."""
    figure.draw_without_rendering()
    # of an annotation the words, not the line that leads to them
    return [(t.get_text(), Text.get_window_extent(t)) for t in _seen(figure)]


def _seen(figure):
    texts = list(figure.texts)
    for axes in figure.axes:
        if axes.axison:
            texts += [axes.xaxis.label, axes.yaxis.label]
            for axis in (axes.xaxis, axes.yaxis):
                low, high = sorted(axis.get_view_interval())
                place = 0 if isinstance(axis, XAxis) else 1
                texts += [t for t in axis.get_ticklabels() if low <= t.get_position()[place] <= high]
        texts += [axes.title, axes._left_title, *axes.texts]
    return [t for t in texts if t.get_visible() and t.get_text().strip()]


def overlaps(figure):
    """Pairs of texts that cover each other by more than a pixel."""
    figure.draw_without_rendering()
    texts = _seen(figure)
    frames = [(t.get_text(), _frame(t)) for t in texts]
    return [
        (one, other) for k, (one, a) in enumerate(frames) for other, b in frames[:k] if not _are_apart(a, b)
    ]


def _frame(text):
    """Corners of the frame of a text, turned with it; array of shape (4, 2)."""
    box, turned = Text.get_window_extent(text), text.get_rotation()
    if turned % 90:
        # the middle of a turned frame is that of the box around it
        text.set_rotation(0)
        flat = Text.get_window_extent(text)
        text.set_rotation(turned)
        angle, half = np.deg2rad(turned), np.array([flat.width, flat.height]) / 2
        across = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        middle = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
        return middle + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ across
    return np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])


def _are_apart(a, b):
    """Whether a line parallel to a side of one of two frames lies between them, or less than a pixel within."""
    for corners in (a, b):
        for side in (corners[1] - corners[0], corners[2] - corners[1]):
            direction = side / max(np.hypot(*side), 1e-9)
            one, other = a @ direction, b @ direction
            if min(one.max(), other.max()) - max(one.min(), other.min()) <= 1:
                return True
    return False


def outside(figure):
    """Texts that leave the sheet."""
    width, height = figure.bbox.width, figure.bbox.height
    return [
        text
        for text, box in drawn_texts(figure)
        if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height
    ]


def assert_legible(figure):
    assert overlaps(figure) == []
    assert outside(figure) == []
