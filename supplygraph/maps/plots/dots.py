"""Our figures beside the published ones: dots with intervals, and where the two disagree."""

from __future__ import annotations

from typing import Any

from supplygraph.errors import DataError, Problem
from supplygraph.maps.plots import rows, style, words
from supplygraph.maps.theme import COLOURS

#: Figures that are shares, or run from 0 to 1 as shares do.
_SHARES = ("share", "owner_share", "import_share", "top3_share", "net_import_reliance", "hhi")
#: Where the two of a row stand.
_OURS, _THEIRS = -0.16, 0.2


def evidence(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw our figure (filled, with its interval) above the published one (hollow, with its printed digits)."""
    table = result.table[result.table["figure"].isin(_SHARES) & result.table["ours"].notna()]
    if table.empty:
        problem = Problem("result", f"{result.title!r} compares no shares", "Read its .table.")
        raise DataError("nothing to draw", [problem])
    order = (-table["difference"].abs()).to_numpy().argsort(kind="stable")
    shown = table.iloc[order[:top]]
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=1.5 * len(shown))
        names = []
        for place, row in enumerate(shown.to_dict("records")):
            _pair(sheet, row, place)
            names.append((f"{row['year']}: {row['about']}", ""))
        ends = shown[["ours_low", "ours_high", "published_low", "published_high"]]
        low, high = float(ends.min().min()), float(ends.max().max())
        unit = "%, and 100 times the HHI" if (shown["figure"] == "hhi").any() else "%"
        rows.frame(sheet, names, unit, lines=2)
        sheet.axes.set_xlim(100 * min(low, 0.0) - 1, 100 * max(high, 1.0) + 1)
        rows.key(sheet, _key(result))
        figures = result.figures
        years = f"years are of the published figure, ours {words.years(result.network)}"
        lines = words.intervals(result.params, drawn=True, what="Lines: ours")
        sheet.finish(result.title, _told(figures), words.caption(
            f"Shares, the largest differences first; {years}", _left(result, len(table), len(shown)),
            f"{lines.replace('ours:', 'ours')}; theirs, the printed digits", words.source(result.network)))  # fmt: skip
    return sheet.axes


def _pair(sheet: style.Sheet, row: dict[Any, Any], place: int) -> None:
    axes, text = sheet.axes, sheet.size.text
    apart = row["verdict"] == "disagrees"
    colour = COLOURS["closed"] if apart else rows.BAR
    axes.plot([100 * row["ours_low"], 100 * row["ours_high"]], [place + _OURS] * 2, color=colour, linewidth=0.14 * text,
              solid_capstyle="butt", gid="interval")  # fmt: skip
    axes.plot(100 * row["ours"], place + _OURS, marker="D" if apart else "o", markersize=0.5 * text, color=colour,
              gid="ours")  # fmt: skip
    axes.plot([100 * row["published_low"], 100 * row["published_high"]], [place + _THEIRS] * 2, color=COLOURS["ink"],
              linewidth=0.14 * text, solid_capstyle="butt", gid="printed")  # fmt: skip
    axes.plot(100 * row["published"], place + _THEIRS, marker="s", markersize=0.45 * text, color=COLOURS["ink"],
              markerfacecolor=COLOURS["paper"], markeredgewidth=0.09 * text, gid="published")  # fmt: skip


def _key(result: Any) -> list[tuple[Any, str]]:
    from matplotlib.lines import Line2D

    ink, paper = COLOURS["ink"], COLOURS["paper"]
    seen = set(result.table["verdict"])
    entries = [
        (Line2D([], [], color=rows.BAR, marker="o"), "ours, agrees", "agrees"),
        (Line2D([], [], color=COLOURS["closed"], marker="D"), "ours, disagrees", "disagrees"),
    ]
    published = (Line2D([], [], color=ink, marker="s", markerfacecolor=paper, linewidth=0), "published")
    return [*((handle, words_) for handle, words_, verdict in entries if verdict in seen), published]


def _told(figures: Any) -> str:
    alone = f"of {figures['independent']} independent ones {style.percent(figures['agreement'])} agree"
    told = f"{figures['compared']} figures compared, {figures['disagree']} disagree"
    return f"{told}; {alone}" if figures["independent"] else told


def _left(result: Any, shares: int, shown: int) -> str:
    other = len(result.table) - shares
    parts = [f"{shares - shown} more shares"] * (shares > shown) + [f"{other} figures in other units"] * (other > 0)
    return f"{' and '.join(parts)} in .table" if parts else ""
