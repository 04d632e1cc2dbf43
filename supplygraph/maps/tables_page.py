"""The page of one mineral's tables: every number of its chapter in its row, beside the file that holds all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplygraph.maps import tables_about as known
from supplygraph.maps.page import Tag, html
from supplygraph.maps.sheet import Site, anchor, between, frame, missing, table, way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Columns of a table on the page; a wider one shows the first and says so.
_COLUMNS = 14
_BASIS = {
    "published": "Published.",
    "estimated": "Estimated.",
    "both": "Published figures and estimates.",
}


def tables(
    mineral: Mapping[str, Any], *, version: str, site: Site | None = None, names: Mapping[str, str] | None = None
) -> str:
    """Return the page of tables of one mineral as HTML that asks for nothing from any network.

    Parameters
    ----------
    mineral
        ``mineral``, ``title``, ``forge`` (its ``words``) and ``tables``: a list of ``{"name", "columns", "rows",
        "cells", "csv", "year", "source"}`` with the number of ``rows``, the cells of those that are shown (see
        :func:`supplygraph.maps.sheet.shown`), and the path of the file from the folder of the page.
    version
        Of supplygraph.
    site
        The atlas, as seen from its folder.
    names
        Countries by code.
    """
    groups = _groups(mineral["tables"])
    index = f"../index.html#{anchor(str(mineral['mineral']))}"
    return frame(
        title=f"{mineral['title']}: tables",
        header=[
            html.p(html.a(f"Back to the chapter {mineral['title']}", href=index), class_="kicker") if site else None,
            html.h1(f"{mineral['title']}: the tables behind the chapter"),
            html.p(
                "Every figure of the chapter, in its row. An interval holds 90 % of many networks that all agree with "
                "what is known. A dash is a missing figure, never zero. Long tables show their first rows; the files "
                "hold all rows and digits.",
                class_="lead",
            ),
            _contents(groups),
        ],
        body=[_account(mineral), [_section(title, found, names or {}) for title, found in groups]],
        version=version,
        site=site.below() if site else None,
        here="tables",
        style=("tables.css",),
    )


def _groups(told: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return the tables by heading, in order; headings without a table are left out."""
    by: dict[str, list[Mapping[str, Any]]] = {title: [] for title, _ in known.GROUPS}
    for one in told:
        starts = {start: title for title, starts in known.GROUPS for start in starts if one["name"].startswith(start)}
        by[starts[max(starts, key=len)]].append(one)
    return [(title, found) for title, found in by.items() if found]


def _account(mineral: Mapping[str, Any]) -> Tag | None:
    """Return all that the rerouting says of itself; the chapter has its first lines."""
    words = str((mineral.get("forge") or {}).get("words") or "")
    lines = [html.p(line) for line in words.splitlines()]
    return html.section(html.h2("The rerouting in words"), lines, id="account", class_="words") if lines else None


def _section(title: str, found: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Tag:
    """Return the tables under one heading; those without a row take a line at the end."""
    empty = [
        html.li(
            html.a(known.about(one["name"]).title, href=way(one["csv"])),
            id=anchor(one["name"]),
        )
        for one in found
        if not one["rows"]
    ]
    return html.section(
        html.h2(title),
        [_one(one, names) for one in found if one["rows"]],
        [html.p("Tables without a row, as there is nothing to tell:"), html.ul(empty)] if empty else None,
        class_="group",
    )


def _contents(groups: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> Tag:
    """List the main tables; the parts of an answer stand after it on the page."""
    names = {one["name"] for _, found in groups for one in found}

    def main(one: Mapping[str, Any]) -> bool:
        parents = {one["name"].rsplit("_", count)[0] for count in range(1, 4)} & (names - {one["name"]})
        return one["name"] in known.MAIN or not parents

    items = [
        html.li(
            html.b(title), ": ",
            [
                [", " if place else None, html.a(known.about(one["name"]).title, href=f"#{anchor(one['name'])}")]
                for place, one in enumerate(filter(main, found))
            ],
        )
        for title, found in groups
    ]  # fmt: skip
    return html.nav(html.ul(items), aria_label="Tables on this page", class_="contents")


def _one(told: Mapping[str, Any], names: Mapping[str, str]) -> Tag:
    """Return one table with its heading, its caption and the link to its file."""
    name, rows = str(told["name"]), int(told["rows"])
    about = known.about(name)
    places = [place for place, column in enumerate(told["columns"]) if column not in known.HIDDEN]
    lines = [_Line(told["columns"], cells, names) for cells in told["cells"]]
    columns = [place for place in places if not _end(told["columns"], place)]
    kept = columns[:_COLUMNS]
    ranged = {place for place in kept if any(line.spread(place) for line in lines)}
    head = [cell for place in kept for cell in _head(told, place, names, ranged=place in ranged)]
    body = [line.row(kept, ranged, anchor(name, number + 1)) for number, line in enumerate(lines)]
    return html.div(
        html.h3(about.title),
        html.p(about.text) if about.text else None,
        table(_caption(told, about), head, body, label=about.title),
        html.p(
            _left(rows, len(lines), len(columns), len(kept)),
            html.a(f"{name}.csv", href=way(told["csv"])),
            class_="note",
        ),
        id=anchor(name),
        class_="table",
    )


def _head(told: Mapping[str, Any], place: int, names: Mapping[str, str], *, ranged: bool) -> list[Tag]:
    """Return the head of a column, on the side where its cells stand, and that of its interval if it has one."""
    column = told["columns"][place]
    cells = [cells[place] for cells in told["cells"] if not missing(cells[place])]
    counts = bool(cells) and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells)
    made = html.th(names.get(column, known.head(column)), scope="col", class_="number" if counts else None)
    return [made, html.th("5 to 95 %", scope="col", class_="number")] if ranged else [made]


def _left(rows: int, lines: int, columns: int, kept: int) -> str:
    """Say what the file holds beyond the page."""
    some = [
        f"{lines} of {rows:,} rows" if lines < rows else "",
        f"the first {kept} of {columns} columns" if kept < columns else "",
    ]
    told = " and ".join(part for part in some if part)
    return f"Shown: {told}. All: " if told else "File: "


def _caption(told: Mapping[str, Any], about: known.About) -> str:
    parts = [
        _BASIS[about.basis],
        f"Unit: {about.unit}.",
        f"Year: {told['year']}." if told.get("year") else "",
        f"Source: {told['source']}." if told.get("source") else "",
    ]
    return " ".join(part for part in parts if part)


def _end(columns: Sequence[str], place: int) -> bool:
    """Say whether a column is the end of the interval of another, which shows it."""
    for end in ("_low", "_high"):
        column = columns[place]
        if column.endswith(end):
            stem = column.removesuffix(end)
            return stem in columns and {f"{stem}_low", f"{stem}_high"} <= set(columns)
    return False


class _Line:
    """One row, by column."""

    def __init__(self, columns: Sequence[str], cells: Sequence[Any], names: Mapping[str, str]) -> None:
        self.columns, self.cells, self.names = columns, cells, names
        self.known = dict(zip(columns, cells, strict=True))

    def row(self, places: Sequence[int], ranged: set[int], identifier: str) -> Tag:
        """Return the row; its first cell is its head, and an interval stands after its figure."""
        first, *others = places
        cells = [
            (self._cell(place), html.td(self.spread(place), class_="number mute") if place in ranged else None)
            for place in others
        ]
        return html.tr(html.th(self._cell(first).children, scope="row"), cells, id=identifier)

    def spread(self, place: int) -> str:
        """Write the interval of a figure; nothing where it has none or no width."""
        column = self.columns[place]
        return _spread(column, self.known.get(f"{column}_low"), self.known.get(f"{column}_high"))

    def _cell(self, place: int) -> Tag:
        column, value = self.columns[place], self.cells[place]
        if missing(value):
            return html.td("–")
        if isinstance(value, bool):
            return html.td("yes" if value else "no")
        if isinstance(value, int | float):
            return html.td(number(column, value, names=self.names), class_="number")
        text = str(value)
        if column in known.CODES and text in self.names:
            return html.td(self.names[text], html.span(f" {text}", class_="mute"))
        return html.td(text, class_="long" if len(text) > 60 else None)


def number(column: str, value: float, *, names: Mapping[str, str] | None = None) -> str:
    """Write a figure by the unit that its column has.

    Examples
    --------
    >>> number("loss_t", 1234.56), number("share", 0.7561), number("days", 1.534), number("rank", 2.0)
    ('1,235', '75.6 %', '1.53', '2')
    """
    if column == "share" or column.endswith("_share") or column in known.SHARES or column in (names or {}) or (
        column in {"unknown", "none", "share_of_loss", "bound_low", "bound_high", "low", "high"}
    ):  # fmt: skip
        return f"{100 * value:.1f} %"
    if column == "year" or column.endswith("_year"):
        return f"{value:.0f}"
    if abs(value) >= 100 or (column.endswith("_t") and column != "t" and (abs(value) >= 10 or value == 0)):
        return f"{value:,.0f}"
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"


def _spread(column: str, low: Any, high: Any) -> str:
    """Write the interval of a figure; nothing where it has none or no width."""
    if low is None or high is None or missing(low) or missing(high):
        return ""
    if number(column, low).endswith("%"):
        ends = [f"{100 * low:.1f}", f"{100 * high:.1f} %"]
        return "" if ends[0] == ends[1].removesuffix(" %") or not between(low, high) else " to ".join(ends)
    ends = [number(column, low), number(column, high)]
    return "" if ends[0] == ends[1] else " to ".join(ends)
