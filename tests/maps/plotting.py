"""What the tests of charts share: reading a chart back, and whether it can be read."""

from __future__ import annotations

from itertools import combinations

import matplotlib as mpl

mpl.use("Agg")


def parts(axes, gid):
    """Everything drawn under a name, in order of drawing."""
    return axes.findobj(lambda artist: artist.get_gid() == gid)


def texts(axes, gid=None):
    found = axes.figure.findobj(mpl.text.Text)
    return [text.get_text() for text in found if text.get_text() and (gid is None or text.get_gid() == gid)]


def caption(axes):
    [told] = texts(axes, "caption")
    return " ".join(told.split("\n"))


def widths(axes, gid="bar"):
    return [bar.get_width() for bar in parts(axes, gid)]


def check_readable(axes):
    """No words leave the figure, and no two stand on each other."""
    figure = axes.figure
    figure.draw_without_rendering()
    whole = figure.bbox
    shown = [text for text in figure.findobj(mpl.text.Text) if text.get_text().strip() and text.get_visible()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown]
    for words, box in boxes:
        out = max(whole.x0 - box.x0, box.x1 - whole.x1, whole.y0 - box.y0, box.y1 - whole.y1)
        assert out <= 1, (words, box, whole)
    for (one, a), (two, b) in combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        # Boxes hold the room for letters with tails: neighbours in a list may touch by so much.
        assert across <= 1 or down <= 0.2 * min(a.height, b.height), (one, two, across, down, figure.get_size_inches())
