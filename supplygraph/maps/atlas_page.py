"""The atlas's index page: what a minister's staff can read in five minutes, each claim beside its table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from supplygraph.maps import page, theme
from supplygraph.maps.page import Tag, html

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BAR_WIDTH = 150
_STAGES = {"mining": "Who mines", "refining": "Who refines"}


def index(minerals: Sequence[dict[str, Any]], *, version: str, as_of: str) -> str:
    """Return the index page as HTML that asks for nothing from any network.

    Parameters
    ----------
    minerals
        One summary per mineral, as made by ``atlas.summary`` plus ``tables`` (paths beside the page).
    version
        Of supplygraph.
    as_of
        Date of the alignment.
    """
    body = html.main(
        html.header(
            html.p("supplygraph atlas", class_="kicker"),
            html.h1("Critical minerals: who mines, who refines, what breaks, what can be rerouted"),
            html.p(
                "For each mineral: the network of known mines, refineries and users, closed to the published "
                "statistics; its concentration; the failures that hurt most; and what a rerouting through "
                f"aligned countries (FORGE, as of {as_of}) recovers when the largest refining country halves "
                "its exports.",
                class_="lead",
            ),
            html.p(
                html.strong("Flows between sites are estimated. "),
                "Production and demand by country are published statistics or closed to them by stated rules; "
                "who supplies whom is not published and is inferred. Tonnes are contained metal a year "
                "(rare earths: oxide; graphite: gross weight).",
                class_="warning",
            ),
            html.p(
                "Lines over bars and figures in brackets are 5 to 95 % intervals over networks that are all compatible "
                "with what is known. ",
                html.a("How our figures compare with the published ones", href="evidence.html"),
                ".",
            ),
        ),
        _overview(minerals),
        [_section(mineral) for mineral in minerals],
        _method(as_of),
        html.footer(
            html.p(
                f"supplygraph {version}. Sources stand beside every figure in the tables. Country shapes: "
                "Natural Earth. Boundaries imply no opinion on the status of any territory.",
            ),
        ),
    )
    style = theme.variables() + page.asset("atlas.css")
    return page.document(title="Critical minerals atlas", body=body, style=style)


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


def _overview(minerals: Sequence[dict[str, Any]]) -> Tag:
    head = (
        "Mineral",
        "Largest miner",
        "Largest refiner",
        "HHI of refining",
        "Halved exports cut",
        "Unmet after rerouting",
        "",
    )
    rows = []
    for mineral in minerals:
        forge = mineral["forge"]
        refining = mineral["shares"]["refining"]
        rows.append(
            html.tr(
                html.th(html.a(mineral["title"], href=f"#{mineral['mineral']}"), scope="row"),
                html.td(_first(mineral["shares"].get("mining"))),
                html.td(_first(refining)),
                html.td(_meter(refining["hhi"]), f" {refining['hhi']:.2f}", class_="number"),
                html.td(percent(_ratio(forge["cut_t"], forge["zone_demand_t"])), class_="number"),
                html.td(percent(_ratio(forge["zone_unmet_t"], forge["zone_demand_t"])), class_="number"),
                html.td(
                    html.a("Map", href=f"{mineral['mineral']}/map.html"),
                    " · ",
                    html.a("Chokepoints", href=f"{mineral['mineral']}/chokepoints.html"),
                ),
            ),
        )
    return html.section(
        html.h2("At a glance"),
        html.div(_table(head, rows), class_="scroll"),
        html.p(
            "HHI: sum of squared country shares, 1 is one country. The last two columns are shares of the "
            "demand inside the zone: what it would lose at once, and what stays unmet after the best rerouting "
            "with proportional rationing.",
            class_="note",
        ),
        aria_label="Overview",
    )


def _first(shares: dict[str, Any] | None) -> str:
    if not shares or not shares["rows"]:
        return "–"
    top = shares["rows"][0]
    return f"{top['name']} {percent(top['share'])}"


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _section(mineral: dict[str, Any]) -> Tag:
    key = mineral["mineral"]
    return html.section(
        html.div(
            html.h2(mineral["title"]),
            html.p(
                html.a("Open the map", href=f"{key}/map.html", class_="button"),
                " ",
                html.a("Open the chokepoint map", href=f"{key}/chokepoints.html", class_="button"),
            ),
            class_="head",
        ),
        html.div(
            [_shares(_STAGES[stage], shares) for stage, shares in mineral["shares"].items()],
            _shares("Who owns the refining", mineral["owners"]),
            class_="cards",
        ),
        html.div(_failures(mineral["failures"]), class_="cards wide"),
        _forge(mineral["forge"]),
        _evidence(mineral),
        _quality(mineral),
        id=key,
        class_="mineral",
    )


def _shares(title: str, shares: dict[str, Any]) -> Tag:
    rows = [
        html.tr(
            html.th(row["name"], scope="row"),
            html.td(_bar(row["share"], row["share_low"], row["share_high"])),
            html.td(percent(row["share"]), class_="number"),
        )
        for row in shares["rows"]
    ]
    wide = shares["hhi_high"] - shares["hhi_low"] >= 0.0005
    spread = f" ({shares['hhi_low']:.2f} to {shares['hhi_high']:.2f})" if wide else ""
    return html.div(
        html.h3(title),
        html.table(html.tbody(rows), class_="bars"),
        html.p(
            f"HHI {shares['hhi']:.3f}{spread}; as concentrated as {shares['effective_n']:.1f} equal suppliers.",
            class_="note",
        ),
        class_="card",
    )


def _bar(share: float, low: float, high: float) -> Tag:
    """Draw a share, and its interval as a line over the end of the bar."""
    width, start, end = (f"{_BAR_WIDTH * min(max(value, 0.0), 1.0):.1f}" for value in (share, low, high))
    return html.svg(
        html.rect(width=_BAR_WIDTH, height=10, rx=2, class_="rail"),
        html.rect(width=width, height=10, rx=2, class_="fill"),
        html.line(x1=start, x2=end, y1=5, y2=5, class_="doubt"),
        width=_BAR_WIDTH,
        height=10,
        aria_hidden="true",
    )


def _meter(value: float) -> Tag:
    return html.svg(
        html.rect(width=40, height=8, rx=2, class_="rail"),
        html.rect(width=f"{40 * min(value, 1):.1f}", height=8, rx=2, class_="fill"),
        width=40,
        height=8,
        aria_hidden="true",
    )


def _failures(found: dict[str, dict[str, Any]]) -> list[Tag]:
    """Return a card per kind of what may fail: countries, sites, straits."""
    rerouted = (
        "After the best rerouting with the spare capacity we know of. First year: plants can grow by at most "
        "20 % over today."
    )
    return [
        _losses(
            "Country", "The five worst countries to lose", found["countries"],
            f"{rerouted} What a country uses itself is part of the loss.",
        ),
        _losses(
            "Site", "The five worst sites to lose", found["sites"],
            f"{rerouted} Factories, which lose their own demand, left out.",
        ),
        _straits(found["straits"]),
    ]  # fmt: skip


def _losses(what: str, title: str, found: dict[str, Any], note: str) -> Tag:
    lines = [
        html.tr(
            html.th(
                row["name"],
                html.span(f" {row['country'] or ''}", class_="mute") if what == "Site" else None,
                scope="row",
            ),
            html.td(tonnes(row["loss_t"]), class_="number"),
            html.td(percent(row["loss_share"]), class_="number"),
            html.td(tonnes(row["loss_short_t"]), class_="number"),
            html.td(tonnes(row["zone_loss_t"]), class_="number"),
        )
        for row in found["rows"]
    ]
    head = (what, "World loses", "of demand", "First year", "Zone loses")
    return html.div(html.h3(title), _table(head, lines), _notes(note, found), class_="card")


def _notes(note: str, found: dict[str, Any]) -> list[Tag]:
    return [html.p(text, class_="note") for text in (note, *found["notes"])]


def _straits(found: dict[str, Any]) -> Tag:
    lines = [
        html.tr(
            html.th(row["name"], scope="row"),
            html.td(f"{row['days']:.2f}" if row["days"] is not None else "–", class_="number"),
            html.td(f"{row['km']:,.0f}" if row["km"] is not None else "–", class_="number"),
            html.td(tonnes(row["throughput_t"]), class_="number"),
            html.td(tonnes(row["loss_t"]), class_="number"),
        )
        for row in found["rows"]
    ]
    note = "Days and km are means over every tonne still delivered. A strait mostly costs time."
    head = ("Strait", "Extra days", "Extra km", "Tonnes through", "World loses")
    return html.div(
        html.h3("The five worst straits to close"), _table(head, lines), _notes(note, found), class_="card",
    )  # fmt: skip


def _forge(forge: dict[str, Any]) -> Tag:
    demand = forge["zone_demand_t"]
    steps = [
        ("Demand in the zone", tonnes(demand), "per year"),
        ("Cut at once", percent(_ratio(forge["cut_t"], demand)), tonnes(forge["cut_t"])),
        (
            "Unmet after rerouting",
            percent(_ratio(forge["zone_unmet_t"], demand)),
            tonnes(forge["zone_unmet_t"]),
        ),
        (
            "Unmet if refining must be aligned",
            percent(_ratio(forge["ruled_zone_unmet_t"], demand)),
            tonnes(forge["ruled_zone_unmet_t"]),
        ),
        ("Change of freight", f"{forge['added_cost_usd_t']:+,.0f} USD/t", "per tonne delivered"),
    ]
    return html.div(
        html.h3(f"If {forge['refiner_name']} halves its exports of refined product"),
        html.div(
            [
                html.div(html.span(label), html.b(figure), html.span(small, class_="mute"), class_="step")
                for label, figure, small in steps
            ],
            class_="steps",
        ),
        html.p(forge["words"], class_="words"),
        class_="card full",
    )


def _evidence(mineral: dict[str, Any]) -> Tag:
    """Say how many published figures agree, and where to read which do not."""
    rows = [row for row in mineral["evidence"]["rows"] if row["verdict"] != "not ours to say"]
    agree = sum(row["verdict"] == "agrees" for row in rows)
    return html.p(
        f"Of {len(rows)} published figures {agree} agree with ours within the interval. ",
        html.a("Read the evidence", href=f"evidence.html#{mineral['mineral']}"),
        ".",
    )


def _quality(mineral: dict[str, Any]) -> Tag:
    rows = [
        html.tr(
            html.th(str(row["stage"]).capitalize(), scope="row"),
            html.td(str(row["year"] or "–")),
            html.td(tonnes(row["statistic_t"]), class_="number"),
            html.td(tonnes(row["network_t"]), class_="number"),
            html.td(percent(row["named_share"]), class_="number"),
            html.td(row.get("notes") or "", class_="mute"),
        )
        for row in mineral["quality"]
    ]
    head = ("Stage", "Year", "Statistic", "Network", "At named sites", "Notes")
    net = mineral["network"]
    return html.details(
        html.summary("How good is this? Data quality and tables"),
        html.div(_table(head, rows), class_="scroll"),
        html.p(
            f"{net['sites']} sites, {net['shipments']} estimated shipments, fingerprint {net['fingerprint']}. ",
            html.a("GeoPackage", href=f"{mineral['mineral']}/{mineral['mineral']}.gpkg"),
            " · ",
            "tables: ",
            [_link(path) for path in mineral["tables"]],
            class_="note",
        ),
    )


def _link(path: str) -> list[Tag | str]:
    label = path.rsplit("/", 1)[-1].removesuffix(".csv").replace("_", " ")
    return [html.a(label, href=path), " · "]


def _method(as_of: str) -> Tag:
    points = [
        (
            "A site's loss is the demand that can no longer be met when it stops, after the best rerouting over "
            "known spare capacity (at most half of a stage's statistic): exact, by maximum flow, or by linear "
            "programming where several limits are shared."
        ),
        (
            f"The zone is the demand in countries of tier “linked” or better on {as_of}: FORGE members, partners and "
            "EU states. Tiers are inferred from dated public facts; no charter or member list is public."
        ),
        (
            "When supply falls short, each buyer is rationed in proportion to its demand. Another rule (home first, "
            "zone first) changes who goes without more than anything else."
        ),
        (
            "In a rerouting, plants may grow by 20 % within a year and never beyond their known capacity. Losses of "
            "chokepoints let them reach that capacity, but for the column “First year”."
        ),
        "The unnamed rest of each statistic is a site called “Other …” and is ranked apart.",
    ]
    return html.section(html.h2("How to read this"), html.ul([html.li(point) for point in points]), class_="method")


def _table(head: Sequence[str], rows: Iterable[Tag]) -> Tag:
    return html.table(
        html.thead(html.tr([html.th(label, scope="col") for label in head])),
        html.tbody(list(rows)),
    )
