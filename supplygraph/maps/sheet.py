"""What the written pages share: their frame and navigation, numbers in words, bars with intervals, tables."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from supplygraph.maps import page, theme
from supplygraph.maps.page import Tag, html

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Tables of up to so many rows are shown whole; of longer ones so many rows.
_WHOLE, _FIRST = 30, 10


@dataclass(frozen=True)
class Site:
    """The pages of one atlas, as seen from one of them.

    Attributes
    ----------
    minerals
        Key and title of each chapter, in order.
    gallery
        Whether there is a gallery of notebooks.
    root
        The way from the page to the folder of the atlas: empty, or ``"../"``.
    """

    minerals: tuple[tuple[str, str], ...] = ()
    gallery: bool = False
    root: str = ""

    def below(self) -> Site:
        """Return the same atlas as seen from a page one folder down."""
        return Site(self.minerals, self.gallery, "../")


def frame(
    *,
    title: str,
    header: Sequence[object],
    body: Sequence[object],
    version: str,
    site: Site | None,
    here: str,
    style: Iterable[str] = (),
    closing: str = "",
) -> str:
    """Return a whole page: skip link, navigation, one heading, body, footer.

    Parameters
    ----------
    title
        Title of the page.
    header, body
        What stands in the header (the heading among it) and below it.
    version
        Of supplygraph.
    site
        The atlas that the page belongs to; a page without one has no navigation.
    here
        Which page this is: ``"atlas"``, ``"policy"``, ``"countries"``, ``"evidence"``, ``"gallery"``, or anything else.
    style
        Names of further style sheets among our assets.
    closing
        A sentence for the footer.
    """
    words = f"supplygraph {version}. {closing}".strip()
    tree = [
        html.a("Skip to the content", href="#content", class_="skip"),
        _navigation(site, here) if site is not None else None,
        html.main(html.header(header, class_="top"), body, id="content", tabindex="-1"),
        html.footer(html.p(words)),
    ]
    sheets = theme.variables() + "".join(page.asset(name) for name in ("atlas.css", *style))
    return page.document(title=title, body=[part for part in tree if part is not None], style=sheets)


def _navigation(site: Site, here: str) -> Tag:
    pages = [
        ("atlas", "Atlas", "index.html"),
        ("policy", "Policy", "policy.html"),
        ("countries", "Countries", "countries.html"),
        ("evidence", "Evidence", "evidence.html"),
    ]
    if site.gallery:
        pages.append(("gallery", "Notebooks", "gallery/index.html"))
    links = [
        html.a(words, href=site.root + path, aria_current="page" if key == here else None) for key, words, path in pages
    ]
    index = "" if here == "atlas" else f"{site.root}index.html"
    chapters = [html.a(words, href=f"{index}#{place(key)}") for key, words in site.minerals]
    return html.nav(html.p(links), html.p(chapters, class_="chapters"), aria_label="Atlas", class_="site")


def place(key: str) -> str:
    """Return a name for an element, fit for an id and for a link to it.

    Examples
    --------
    >>> place("rare_earths"), place("a b/<c>")
    ('rare_earths', 'a-b--c-')
    """
    return re.sub(r"[^A-Za-z0-9_-]", "-", key) or "-"


def way(path: str) -> str:
    """Return a relative path as an address; what has a meaning in addresses is escaped.

    Examples
    --------
    >>> way("cobalt/tables/a b.csv"), way("javascript:x")
    ('cobalt/tables/a%20b.csv', 'javascript%3Ax')
    """
    return quote(path.lstrip("/"), safe="/-_.~")


def shown(rows: int) -> int:
    """Return how many rows of a table of so many stand on its page; the others are in the file alone."""
    return rows if rows <= _WHOLE else _FIRST


def anchor(table: str, row: int | None = None, rows: int | None = None) -> str:
    """Return the id of a table, or of a row (from 1) if that row is on the page.

    Examples
    --------
    >>> anchor("refining", 2, 9), anchor("refining", 30, 200), anchor("refining")
    ('refining-2', 'refining', 'refining')
    """
    there = row is not None and (rows is None or row <= shown(rows))
    return f"{place(table)}-{row}" if there else place(table)


# -- numbers in words ----------------------------------------------------------------------------------------------


def missing(value: object) -> bool:
    """Say whether a value is missing; a missing number is never zero."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def tonnes(value: float | None) -> str:
    """Write tonnes for people: three significant digits with a unit.

    Examples
    --------
    >>> tonnes(238100.0), tonnes(950.0), tonnes(29_000_000.0), tonnes(0.0), tonnes(None)
    ('238 kt', '950 t', '29.0 Mt', '0 t', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    for least, scale, unit in ((1e6, 1e6, "Mt"), (1e4, 1e3, "kt")):
        if abs(value) >= least:
            scaled = value / scale
            return f"{scaled:,.0f} {unit}" if abs(scaled) >= 100 else f"{scaled:.1f} {unit}"
    return f"{value:,.0f} t" if abs(value) >= 10 or value == 0 else f"{value:,.1f} t"


def percent(value: float | None) -> str:
    """Write a share as a percentage.

    Examples
    --------
    >>> percent(0.7561), percent(0.004), percent(None)
    ('76 %', '0.4 %', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    return f"{100 * value:.0f} %" if value >= 0.0995 or value == 0 else f"{100 * value:.1f} %"


def between(low: float | None, high: float | None) -> str:
    """Write an interval of shares; nothing if it is missing or has no width.

    Examples
    --------
    >>> between(0.7225, 0.7741), between(0.5, 0.5), between(None, 0.1)
    ('72 to 77 %', '', '')
    """
    if low is None or high is None or missing(low) or missing(high):
        return ""
    ends = [percent(low).removesuffix(" %"), percent(high)]
    return "" if f"{ends[0]} %" == ends[1] else " to ".join(ends)


def ratio(part: float | None, whole: float | None) -> float | None:
    """Return a share of a whole; missing where there is no whole."""
    return part / whole if part is not None and whole else None


# -- elements ------------------------------------------------------------------------------------------------------


def bar(
    value: float | None, low: float | None = None, high: float | None = None, *, width: int = 150, kind: str = "fill"
) -> Tag:
    """Draw a share between 0 and 1, and its interval as a line with ends over the end of the bar.

    The number stands in words beside it, so the drawing itself says nothing to who cannot see it.
    """
    height, middle = 12, 6

    def at(share: float) -> str:
        return f"{width * min(max(share, 0.0), 1.0):.1f}"

    parts = [html.rect(y=1, width=width, height=10, rx=2, class_="rail")]
    if not missing(value):
        parts.append(html.rect(y=1, width=at(value or 0.0), height=10, rx=2, class_=kind))
    if low is not None and high is not None and between(low, high):
        ends = (at(low), at(high))
        parts.append(html.line(x1=ends[0], x2=ends[1], y1=middle, y2=middle, class_="doubt"))
        parts += [html.line(x1=end, x2=end, y1=2, y2=10, class_="doubt") for end in ends]
    return html.svg(parts, viewBox=f"0 0 {width} {height}", width=width, height=height, class_="bar",
                    aria_hidden="true", focusable="false")  # fmt: skip


def split(cut: float | None, unmet: float | None, *, width: int = 150) -> Tag:
    """Draw what is lost at once as a share of demand: what rerouting brings back, and what stays unmet."""

    def at(share: float | None) -> float:
        return 0.0 if share is None or missing(share) else width * min(max(share, 0.0), 1.0)

    stays, falls = at(unmet), max(at(cut), at(unmet))
    return html.svg(
        html.rect(y=1, width=width, height=10, rx=2, class_="rail"),
        html.rect(y=1, width=f"{falls:.1f}", height=10, rx=2, class_="back"),
        html.rect(y=1, width=f"{stays:.1f}", height=10, rx=2, class_="lost"),
        viewBox=f"0 0 {width} 12", width=width, height=12, class_="bar", aria_hidden="true", focusable="false",
    )  # fmt: skip


def table(
    caption: object,
    head: Sequence[object],
    rows: Iterable[Tag],
    *,
    class_: str | None = None,
    label: str | None = None,
    hide: bool = False,
) -> Tag:
    """Return a table in a box of its own that scrolls sideways, so that the page never does.

    Parameters
    ----------
    caption
        What the table shows.
    head
        Words of the columns, or ready cells.
    rows
        Ready rows.
    label
        Name of the box for who cannot see it: it can be reached with the keyboard, to scroll.
    hide
        Keep the caption for screen readers, where a heading just above says it already.
    """
    cells = [cell if isinstance(cell, Tag) else html.th(cell, scope="col") for cell in head]
    made = html.table(
        html.caption(caption, class_="away" if hide else None),
        html.thead(html.tr(cells)),
        html.tbody(list(rows)),
        class_=class_,
    )
    return html.div(made, class_="scroll", role="region", tabindex="0", aria_label=label or _plain(caption))


def number(words: object, *, href: str | None = None, **attributes: Any) -> Tag:
    """Return a cell with a number, linked to the table that it comes from."""
    return html.td(html.a(words, href=href) if href else words, class_="number", **attributes)


def _plain(caption: object) -> str:
    """Return the text of a caption."""
    if isinstance(caption, Tag):
        return "".join(_plain(child) for child in caption.children)
    if isinstance(caption, list | tuple):
        return "".join(_plain(part) for part in caption)
    return "" if caption is None else str(caption)
