"""The evidence page: our figures beside the published ones, red where they disagree by more than the interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from supplygraph.maps.page import Tag, html
from supplygraph.maps.sheet import Site, frame, number, percent, place, table, tonnes

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH, _HEIGHT = 180, 18
#: A dot is that wide.
_DOT = 4.5
#: A scale that is no share ends so far beyond the largest figure on it.
_ROOM = 1.15
_HEAD = ("Figure", "Ours", "5 to 95 %", "Published", "Drawn", "Difference", "Year", "Source")


def evidence(minerals: Sequence[dict[str, Any]], *, version: str, site: Site | None = None) -> str:
    """Return the evidence page as HTML that asks for nothing from any network.

    Parameters
    ----------
    minerals
        Per mineral ``mineral``, ``title``, ``words``, ``draws`` and ``rows`` (records of the table of
        ``measures.evidence``).
    version
        Of supplygraph.
    site
        The atlas that the page belongs to.
    """
    return frame(
        title="Evidence",
        header=[
            html.p("supplygraph atlas" if site else "supplygraph", class_="kicker"),
            html.h1("Evidence: our figures beside the published ones"),
            html.p(
                "Each published figure that we found, with its year and source, beside ours with its interval over "
                "many networks that all agree with what is known. A row is red where our interval and what the "
                "printed digits leave open do not meet.",
                class_="lead",
            ),
            html.p(
                html.strong("Read the years. "),
                "A network is closed to one statistic of one year: figures of that source agree by construction and "
                "are marked “input”; the others are independent witnesses. Old studies differ because the world has "
                "changed.",
                class_="warning",
            ),
            _key(),
        ],
        body=[_overview(minerals), [_section(mineral) for mineral in minerals]],
        version=version,
        site=site,
        here="evidence",
        style=("evidence.css",),
    )


def _key() -> Tag:
    return html.p(
        _strip(0.5, 0.3, 0.7, (0.62, 0.6, 0.64), 1.0, red=False),
        " our figure and its interval; the diamond is the published one",
        class_="note key",
    )


def _overview(minerals: Sequence[dict[str, Any]]) -> Tag:
    rows = []
    for mineral in minerals:
        told = [row for row in mineral["rows"] if row["verdict"] != "not ours to say"]
        own = [row for row in told if row["independent"]]
        now = [row for row in own if row["year"] == row["our_year"]]
        rows.append(
            html.tr(
                html.th(html.a(mineral["title"], href=f"#{place(mineral['mineral'])}"), scope="row"),
                [number(_of(part)) for part in (told, own, now)],
            )
        )
    head = ("Mineral", "Figures that agree", "of them independent", "independent, of our year")
    made = table("Published figures that agree with ours within the interval", head, rows, class_="counted")
    return html.section(html.h2("How many agree"), made, aria_label="How many agree")


def _of(rows: Sequence[dict[str, Any]]) -> str:
    return f"{sum(row['verdict'] == 'agrees' for row in rows)} of {len(rows)}" if rows else "–"


def _section(mineral: dict[str, Any]) -> Tag:
    stages = dict.fromkeys(row["stage"] for row in mineral["rows"])
    head = html.thead(html.tr([html.th(label, scope="col") for label in _HEAD]))
    caption = html.caption(f"{mineral['title']}: published figures beside ours")
    bodies = [
        html.tbody(
            html.tr(html.th(stage.capitalize(), colspan=str(len(_HEAD)), scope="rowgroup", class_="stage")),
            [_row(row) for row in mineral["rows"] if row["stage"] == stage],
        )
        for stage in stages
    ]
    return html.section(
        html.h2(mineral["title"]),
        html.p(mineral["words"], class_="words"),
        html.div(
            html.table(caption, head, bodies, class_="evidence"),
            class_="scroll", role="group", tabindex="0", aria_label=caption.children[0],
        ),
        html.p(f"Intervals from {mineral['draws']} draws.", class_="note"),
        id=place(mineral["mineral"]),
        class_="mineral",
    )  # fmt: skip


def _row(row: dict[str, Any]) -> Tag:
    red, silent = row["verdict"] == "disagrees", row["verdict"] == "not ours to say"
    figure = row["figure"]
    low, high = row["ours_low"], row["ours_high"]
    printed = (row["published"], row["published_low"], row["published_high"])
    largest = printed[2] if silent else max(high, printed[2])
    scale = _ROOM * largest if figure in {"world_t", "supply_risk"} else 1.0
    return html.tr(
        html.th(
            row["about"],
            html.span(" input", class_="tag") if not row["independent"] else None,
            html.span(f" {row['note']}", class_="mute small") if row["note"] else None,
            scope="row",
        ),
        html.td("–" if silent else _number(row["ours"], figure), class_="number"),
        html.td("–" if silent else f"{_number(low, figure)} – {_number(high, figure)}", class_="number mute"),
        html.td(_number(row["published"], figure), class_="number"),
        html.td(None if silent else _strip(row["ours"], low, high, printed, scale, red=red)),
        html.td(_verdict(row), class_="number"),
        html.td(str(row["year"]), class_="number"),
        html.td(row["source"], class_="small source"),
        class_="red" if red else "silent" if silent else None,
    )


def _verdict(row: dict[str, Any]) -> str:
    if row["verdict"] == "not ours to say":
        return "not ours to say"
    figure, apart = row["figure"], row["difference"]
    sign = "+" if apart >= 0 else "−"
    if figure in {"hhi", "supply_risk"}:
        size = f"{abs(apart):.2f}"
    elif figure == "world_t":
        size = tonnes(abs(apart))
    else:
        size = f"{100 * abs(apart):.1f} points"
    return f"{sign}{size}"


def _number(value: float, figure: str) -> str:
    if value is None or math.isnan(value):
        return "–"
    if figure == "world_t":
        return tonnes(value)
    return f"{value:.2f}" if figure in {"hhi", "supply_risk"} else percent(value)


def _strip(
    ours: float, low: float, high: float, printed: tuple[float, float, float], scale: float, *, red: bool
) -> Tag:
    """Draw our interval and the published figure on one line from 0 to ``scale``."""
    room = _WIDTH - 2 * _DOT

    def at(value: float) -> float:
        return round(_DOT + room * min(max(value / scale, 0.0), 1.0), 1)

    middle = _HEIGHT / 2
    value, least, most = (at(v) for v in printed)
    diamond = f"M{value - _DOT} {middle}L{value} {middle - _DOT}L{value + _DOT} {middle}L{value} {middle + _DOT}Z"
    return html.svg(
        html.line(x1=_DOT, x2=_WIDTH - _DOT, y1=middle, y2=middle, class_="axis"),
        html.rect(x=at(low), y=middle - 3, width=max(round(at(high) - at(low), 1), 1), height=6, rx=2, class_="ours"),
        html.line(x1=least, x2=most, y1=middle, y2=middle, class_="printed"),
        html.line(x1=at(ours), x2=at(ours), y1=middle - 5, y2=middle + 5, class_="mark"),
        html.path(d=diamond, class_="printed apart" if red else "printed"),
        width=_WIDTH,
        height=_HEIGHT,
        class_="strip",
        aria_hidden="true",
        focusable="false",
    )
