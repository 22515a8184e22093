"""What can go wrong in a figure without anybody looking: words that cover each other or leave the sheet."""

from matplotlib.axis import XAxis
from matplotlib.text import Text


def drawn_texts(figure):
    """Every text that is seen, with its box in pixels."""
    figure.draw_without_rendering()
    texts = list(figure.texts)
    for axes in figure.axes:
        if axes.axison:
            texts += [axes.xaxis.label, axes.yaxis.label]
            for axis in (axes.xaxis, axes.yaxis):
                low, high = sorted(axis.get_view_interval())
                place = 0 if isinstance(axis, XAxis) else 1
                texts += [t for t in axis.get_ticklabels() if low <= t.get_position()[place] <= high]
        texts += [axes.title, axes._left_title, *axes.texts]
    # of an annotation the words, not the line that leads to them
    return [
        (t.get_text(), Text.get_window_extent(t)) for t in texts if t.get_visible() and t.get_text().strip()
    ]


def overlaps(figure):
    """Pairs of texts that cover each other by more than a pixel."""
    texts = drawn_texts(figure)
    return [
        (one, other)
        for k, (one, a) in enumerate(texts)
        for other, b in texts[:k]
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
    ]


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
