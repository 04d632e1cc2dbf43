"""How charts look: three sizes, one font, colours of the theme, and words that stay inside the figure."""

from __future__ import annotations

import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import DataError, MissingDependencyError, Problem, UnknownNameError
from supplygraph.maps.theme import COLOURS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Size:
    """Inches, and points of type, of a chart.

    Attributes
    ----------
    width, height
        Of the figure; ``height`` is the least one where ``grows``.
    title, text, note
        Type of the title, of everything in the picture, and of the caption.
    row
        Inches of a row of bars.
    most
        Rows that can still be read.
    grows
        Whether more rows make the figure taller; a slide keeps its shape.
    margin
        Inches around everything.
    """

    width: float
    height: float
    title: float
    text: float
    note: float
    row: float
    most: int
    grows: bool
    margin: float


#: A slide is read from the back of a room; a column is that of a journal, a page two of them.
SIZES = {
    "slide": Size(40 / 3, 7.5, 24.0, 16.0, 12.0, 0.4, 20, False, 0.45),
    "page": Size(7.0, 3.6, 11.5, 9.0, 7.5, 0.23, 36, True, 0.12),
    "column": Size(3.5, 2.6, 9.0, 8.0, 7.0, 0.2, 36, True, 0.06),
}
#: Colours that tell suppliers apart, also without red or green cones; neighbours differ in lightness too.
SERIES = ("#0b6a78", "#e69f00", "#332288", "#88ccee", "#d55e00", "#009e73", "#2457b8", "#f0b59a", "#4a5a12", "#1f2a33")
#: What has no name of its own: the sum of others, and what is not known (hatched as well).
OTHERS, UNKNOWN = "#c3ccd2", "#ffffff"
HATCH = "////"
#: Between a number and its unit: no line breaks there.
GAP = "\u00a0"
#: Fonts looked for, where installed, for letters that the first has not.
_FONT = "DejaVu Sans"
_MORE_FONTS = ("Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans Arabic",
               "Noto Sans Hebrew", "Noto Sans Devanagari", "PingFang SC", "Hiragino Sans", "Microsoft YaHei",
               "Arial Unicode MS")  # fmt: skip
#: Sign for a letter that no font has; marks on one letter, at most.
_NO_LETTER, _MARKS = "\u25a1", 2
#: What hinting may add to a measured width.
_SLACK = 1.03
#: Backends that show nothing: their figures need no window, so nothing has to be closed.
_SILENT = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}
_UNITS = ((1e6, "Mt"), (1e3, "kt"), (1.0, "t"))
_LINE = 1.25  # height of a line, in units of its type
_TURNS, _ROUNDS, _CLOSE = 3, 6, 5e-4  # of fitting axes between the words, and parts of the figure that are near enough


def size_of(name: str) -> Size:
    """Return a size by its name, or raise with a suggestion."""
    if name not in SIZES:
        raise UnknownNameError.of("size", name, SIZES)
    return SIZES[name]


def rows_of(top: object, size: str) -> int:
    """Return how many rows to draw, or say how many can be read."""
    most = size_of(size).most
    if isinstance(top, bool) or not isinstance(top, int) or not 1 <= top <= most:
        larger = 'Take size="page", which grows with its rows' if size == "slide" else "Read .table for all of them"
        what = f"is {top!r}; expected a whole number from 1 to {most}, the rows that can be read on a {size}"
        raise DataError("the chart cannot be drawn", [Problem("top", what, f"{larger}.")])
    return top


@contextmanager
def look(size: Size) -> Iterator[None]:
    """Draw in our own style, whatever the caller's settings are, and leave those alone."""
    try:
        import matplotlib as mpl
    except ImportError:
        message = "charts need matplotlib. Install it with: pip install 'matplotlib>=3.9'"
        raise MissingDependencyError(message) from None
    fonts, _ = _fonts()
    ours = {
        "font.family": fonts, "font.size": size.text, "text.color": COLOURS["ink"], "text.parse_math": False,
        "text.usetex": False, "axes.edgecolor": COLOURS["line"], "axes.labelcolor": COLOURS["mute"],
        "axes.labelsize": size.text * 0.9, "axes.linewidth": 0.05 * size.text, "axes.spines.top": False,
        "axes.spines.right": False, "axes.grid": False, "axes.axisbelow": True, "axes.facecolor": COLOURS["paper"],
        "figure.facecolor": COLOURS["paper"], "grid.color": COLOURS["line"], "grid.linewidth": 0.045 * size.text,
        "xtick.color": COLOURS["mute"], "ytick.color": COLOURS["mute"], "xtick.labelsize": size.text * 0.85,
        "ytick.labelsize": size.text * 0.85, "legend.frameon": False, "legend.fontsize": size.text * 0.9,
        "xtick.major.pad": 0.35 * size.text, "ytick.major.pad": 0.35 * size.text, "hatch.linewidth": 0.07 * size.text,
        "figure.max_open_warning": 0, "savefig.bbox": "standard",
        "axes.unicode_minus": True, "path.simplify": True, "figure.dpi": 100, "figure.autolayout": False,
        "figure.constrained_layout.use": False,
    }  # fmt: skip
    # Styles of the caller that are not named here must not leak in either.
    plain = {key: value for key, value in mpl.rcParamsDefault.items() if key.split(".")[0] in _DRAWN}
    with mpl.rc_context({**plain, **ours}):
        yield
        interactive = mpl.is_interactive()
    # The first figure of a notebook turns interaction on, which the end of the context would undo.
    mpl.interactive(interactive)


_DRAWN = {"axes", "axes3d", "errorbar", "font", "grid", "hatch", "legend", "lines", "patch", "scatter", "text",
          "xaxis", "xtick", "yaxis", "ytick"}  # fmt: skip


@lru_cache(maxsize=1)
def _fonts() -> tuple[list[str], frozenset[int]]:
    """Return our font with those behind it, and the letters that they have."""
    from matplotlib import font_manager, ft2font

    files = {font.name: font.fname for font in reversed(font_manager.fontManager.ttflist) if font.style == "normal"}
    names = [_FONT, *(name for name in _MORE_FONTS if name in files)]
    found = [font_manager.findfont(_FONT), *(files[name] for name in names[1:])]
    return names, frozenset().union(*(ft2font.FT2Font(file).get_charmap() for file in found))


def plain(text: object) -> str:
    r"""Return a text as one line that can be drawn: no control letters, no letter without a shape.

    Examples
    --------
    >>> plain("Mine \u202eA\n$x$")
    'Mine A $x$'
    """
    _, known = _fonts()
    letters: list[str] = []
    marks = 0
    for letter in unicodedata.normalize("NFC", str(text)):
        kind = unicodedata.category(letter)
        marks = marks + 1 if kind in {"Mn", "Me"} else 0
        if marks > _MARKS or kind == "Cf":
            continue
        if kind in {"Cc", "Zl", "Zp"}:
            letters.append(" ")
        else:
            letters.append(letter if ord(letter) in known else _NO_LETTER)
    return " ".join(word for word in "".join(letters).split(" ") if word)


@lru_cache(maxsize=4096)
def width(text: str, points: float, weight: str = "normal") -> float:
    """Return the inches that a line of text takes."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=_fonts()[0], size=points, weight=weight)
    return _SLACK * float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) / 72


def shorten(text: str, inches: float, points: float, weight: str = "normal") -> str:
    """Return a text that fits a width, its end left out where it must be."""
    text = plain(text)
    if width(text, points, weight) <= inches:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = width(text[:middle].rstrip() + "…", points, weight) <= inches
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low].rstrip() + "…"


def wrap(text: str, inches: float, points: float, weight: str = "normal", most: int = 3) -> str:
    """Return a text in lines that fit a width; what does not fit into so many lines ends in an ellipsis."""
    lines: list[str] = []
    words = plain(text).split(" ") if text else []
    while words:
        line = words.pop(0)
        while words and width(f"{line} {words[0]}", points, weight) <= inches:
            line = f"{line} {words.pop(0)}"
        if len(lines) == most - 1 and words:
            line, words = " ".join([line, *words]), []
        lines.append(shorten(line, inches, points, weight))
    return "\n".join(lines)


def percent(share: float) -> str:
    r"""Write a share as per cent: no more digits than can be told.

    Examples
    --------
    >>> [percent(share) for share in (0.7559, 0.0268, 0.0002, 0.0)]
    ['76\xa0%', '2.7\xa0%', '<0.1\xa0%', '0\xa0%']
    """
    value = 100 * share
    if value == 0:
        return f"0{GAP}%"
    if abs(value) < 0.05:
        return f"<0.1{GAP}%" if value > 0 else f">−0.1{GAP}%"
    return f"{value:.{int(abs(value) < 9.95)}f}{GAP}%"


def tonnes(value: float) -> str:
    r"""Write tonnes with three digits that count.

    Examples
    --------
    >>> [tonnes(value) for value in (175_034.2, 2_304_000.0, 812.3, 0.0)]
    ['175\xa0kt', '2.30\xa0Mt', '812\xa0t', '0\xa0t']
    """
    scale, unit = unit_of(value)
    return f"{number(value / scale)}{GAP}{unit}"


def number(value: float, digits: int = 3) -> str:
    """Write a number with so many digits that count.

    Examples
    --------
    >>> [number(value) for value in (1234.5, 15.96, 0.0)], number(0.0673, 2)
    (['1,234', '16.0', '0'], '0.067')
    """
    if value == 0:
        return "0"
    places = max(0, digits - 1 - int(np.floor(np.log10(abs(value)) + 1e-12)))
    return f"{value:,.{min(places, 4)}f}".replace("-", "−")


def two(value: float) -> str:
    """Write a number with two digits that count."""
    return number(value, 2)


def unit_of(largest: float) -> tuple[float, str]:
    """Return tonnes per unit of an axis, and that unit."""
    return next((size, name) for size, name in _UNITS if abs(largest) >= size or size == 1.0)


class Sheet:
    """A figure of one size with a title, a line of key figures and a caption around its axes.

    Where a size grows, the axes are at least as tall as their rows. Axes given by the caller stay where they are; the
    words then go above and below them.
    """

    def __init__(self, size: str, given: Any = None, *, rows: float = 0.0, panels: Sequence[float] = (1.0,)) -> None:
        self.size = size_of(size)
        self.own, self.parts, self.high = given is None, tuple(panels), rows * self.size.row
        if given is None:
            self.figure, self.panels = _made(self.size, len(panels))
        else:
            self.panels = _checked(given, len(panels))
            self.figure = self.panels[0].figure
        self.axes = self.panels[0]

    @property
    def inches(self) -> float:
        """Width for words."""
        if self.own:
            return self.size.width - 2 * self.size.margin
        return float(self.axes.get_window_extent().width / self.figure.dpi)

    def finish(self, title: str, told: str, caption: str) -> None:
        """Write the words, and fit the axes between them."""
        size, inches = self.size, self.inches
        head = wrap(title, inches, size.title, "bold", 2)
        line = wrap(told, inches, size.text, most=3)
        foot = wrap(caption, inches, size.note, most=6)
        if not self.own:
            self._freeze()
            self._around(f"{head}\n{line}" if line else head, foot)
            return
        blocks = [self._block(head, size.title, "title", weight="bold")]
        if line:
            blocks.append(self._block(line, size.text, "told", color=COLOURS["mute"]))
        note = self._block(foot, size.note, "caption", va="bottom", color=COLOURS["mute"])
        for _ in range(_TURNS):
            box = self._between(blocks, note)
            self._fit(*box)
            self._freeze()
            wide, tall = self.figure.get_size_inches()
            lacking = self.high - sum(axes.get_position().height for axes in self.panels) * tall
            if not size.grows or lacking < _CLOSE * tall:
                break
            self.figure.set_size_inches(wide, tall + lacking)
        self._fit(*box)

    def _block(self, text: str, points: float, gid: str, **options: Any) -> Any:
        options = {"va": "top", "ha": "left", "linespacing": 1.2, **options}
        return self.figure.text(0, 0, text, fontsize=points, gid=gid, parse_math=False, **options)

    def _between(self, blocks: Sequence[Any], note: Any) -> tuple[float, float, float, float]:
        """Put the words at the edges; return what is left between them, in parts of the figure."""
        wide, tall = self.figure.get_size_inches()
        left, gap, at = self.size.margin / wide, 0.5 * self.size.text / 72, tall - self.size.margin
        for block in blocks:
            block.set_position((left, at / tall))
            at -= _high(block) + 0.4 * gap
        note.set_position((left, self.size.margin / tall))
        return left, 1 - left, (self.size.margin + _high(note) + gap) / tall, (at - 0.6 * gap) / tall

    def _freeze(self) -> None:
        """Choose round ticks that have room, and write them now: later it would be in the caller's style."""
        high = self.size.text / 72
        for axes in self.panels:
            box = axes.get_window_extent()
            for axis, inches in ((axes.xaxis, box.width / self.figure.dpi), (axes.yaxis, box.height / self.figure.dpi)):
                if not axis.get_visible() or not len(axis.get_ticklocs()):
                    continue
                low, top = sorted(axis.get_view_interval())
                widest = max(width(_tick(end, [low, top]), self.size.text) for end in (low, top)) + 0.6 * high
                room = widest if axis is axes.xaxis else 2.0 * high
                at = _ticks(low, top, max(2, min(8, int(inches / room))))
                axis.set_ticks(at, labels=[_tick(place, at) for place in at])

    def _around(self, head: str, foot: str) -> None:
        self.axes.set_title(head, loc="left", fontsize=self.size.text, color=COLOURS["ink"], parse_math=False)
        last = self.panels[-1]
        box = last.get_tightbbox()
        down = (last.get_window_extent().y0 - box.y0) * 72 / self.figure.dpi + 0.5 * self.size.text
        last.annotate(foot, (0, 0), xycoords="axes fraction", xytext=(0, -down), textcoords="offset points", va="top",
                      ha="left", fontsize=self.size.note, color=COLOURS["mute"], annotation_clip=False,
                      parse_math=False)  # fmt: skip

    def _fit(self, left: float, right: float, bottom: float, top: float) -> None:
        """Move the axes until they and all that hangs on them stand inside a box of the figure."""
        weights = np.array(self.parts)
        room = [left, right, bottom, top]
        wide, tall = self.figure.get_size_inches() * self.figure.dpi
        for _ in range(_ROUNDS):
            gap = 0.05 if len(self.panels) > 1 else 0.0
            free = (room[3] - room[2]) - gap * (len(self.panels) - 1)
            high = room[3]
            for axes, part in zip(self.panels, weights / weights.sum(), strict=True):
                axes.set_position((room[0], high - part * free, max(room[1] - room[0], 0.05), max(part * free, 0.05)))
                high -= part * free + gap
            boxes = [axes.get_tightbbox() for axes in self.panels]
            off = [
                left - min(box.x0 for box in boxes) / wide, right - max(box.x1 for box in boxes) / wide,
                bottom - min(box.y0 for box in boxes) / tall, top - max(box.y1 for box in boxes) / tall,
            ]  # fmt: skip
            room = [edge + step for edge, step in zip(room, off, strict=True)]
            if max(map(abs, off)) < _CLOSE:
                break


def _made(size: Size, panels: int) -> tuple[Any, list[Any]]:
    """Return a figure with one axes per panel.

    It belongs to pyplot only where something shows it (a notebook, a window) and so closes it: figures that pyplot
    keeps for nobody would pile up in a loop.
    """
    import matplotlib as mpl

    if mpl.get_backend().lower() in _SILENT:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(size.width, size.height))
    else:
        from matplotlib import pyplot as plt

        figure = plt.figure(figsize=(size.width, size.height))
    made: list[Any] = []
    for place in range(panels):
        shared = made[0] if made else None
        made.append(figure.add_axes((0.1, 0.1, 0.8, 0.8), label=str(place), sharex=shared))
    return figure, made


def _checked(given: Any, count: int) -> list[Any]:
    found = np.asarray(given, dtype=object).ravel().tolist()
    if len(found) != count or not all(hasattr(axes, "transAxes") for axes in found):
        wanted = "axes" if count == 1 else f"{count} axes, from top to bottom"
        remedy = "plt.subplots()[1]" if count == 1 else f"plt.subplots({count}, 1, sharex=True)[1]"
        raise DataError("the chart cannot be drawn", [Problem("ax", f"is {given!r}; expected {wanted}", remedy)])
    return found


def _high(block: Any) -> float:
    """Return the inches of a block of text."""
    return float((block.get_text().count("\n") + 1) * _LINE * block.get_fontsize() / 72)


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers within a range, at most so many, as steps of 1, 2 or 5."""
    span = high - low
    if not span > 0:
        return [low]
    power = 10.0 ** np.floor(np.log10(span / most))
    step = next(power * part for part in (1.0, 2.0, 5.0, 10.0, 20.0) if span / (power * part) <= most)
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [place * step for place in range(first, last + 1)]


def _tick(value: float, places: Sequence[float]) -> str:
    step = min((abs(b - a) for a, b in pairwise(places)), default=abs(value) or 1.0)
    digits = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    return f"{value + 0.0:,.{digits}f}".replace("-", "−")
