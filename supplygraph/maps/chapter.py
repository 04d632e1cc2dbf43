"""The chapter of one mineral on the atlas's index page: sentences and small tables, each number linked to its row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplygraph.maps.page import Tag, html
from supplygraph.maps.sheet import (
    anchor,
    bar,
    between,
    missing,
    number,
    percent,
    place,
    ratio,
    split,
    table,
    tonnes,
    way,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STAGES = {"mining": "Who mines", "refining": "Who refines"}
#: Lines of the account of a rerouting that stand in the chapter.
_LINES = 3
_AFTER = "After the best rerouting with the spare capacity we know of."
_FIRST_YEAR = "First year: plants can grow by at most 20 % over today."


def link(mineral: Mapping[str, Any], name: str, row: int | None = None) -> str:
    """Return the address of a table, or of one of its rows, on the mineral's page of tables."""
    rows = next((told["rows"] for told in mineral["tables"] if told["name"] == name), None)
    return f"{way(mineral['mineral'])}/tables.html#{anchor(name, row, rows)}"


def figure(mineral: Mapping[str, Any], key: str) -> str:
    """Return the address of a key figure."""
    return link(mineral, "key_figures", mineral["figures"][key]["row"])


def chapter(mineral: Mapping[str, Any]) -> Tag:
    """Return the chapter of a mineral from plain values, see :func:`supplygraph.atlas.summary`."""
    key = mineral["mineral"]
    return html.section(
        html.h2(mineral["title"]),
        html.p(_opening(mineral), class_="opening"),
        _maps(mineral),
        html.div(
            [_shares(mineral, _STAGES[stage], told, stage) for stage, told in mineral["shares"].items()],
            _shares(mineral, "Who owns the refining", mineral["owners"], "owners"),
            class_="cards",
        ),
        html.div(_failures(mineral), class_="cards wide"),
        _forge(mineral),
        _quality(mineral),
        id=place(key),
        class_="mineral",
    )


def _opening(mineral: Mapping[str, Any]) -> list[Any]:
    """Say in three sentences what the chapter says."""
    told: list[Any] = []
    refining, lost = mineral["shares"]["refining"]["rows"], mineral["failures"]["countries"]["rows"]
    forge = mineral["forge"]
    if refining:
        first = refining[0]
        spread = between(first["share_low"], first["share_high"])
        told += [
            f"{first['name']} refines ",
            html.a(percent(first["share"]), href=link(mineral, "refining", first["row"]), class_="figure"),
            f" ({spread})" if spread else "",
            ". ",
        ]
    if lost:
        first = lost[0]
        told += [
            f"If {first['name']} stopped, ",
            html.a(
                percent(first["loss_share"]), href=link(mineral, "chokepoints_countries", first["row"]), class_="figure"
            ),
            " of the world's demand could not be met, even after the best rerouting. ",
        ]
    demand = forge["zone_demand_t"]
    if demand:
        cut, unmet = (percent(ratio(forge[name], demand)) for name in ("cut_t", "zone_unmet_t"))
        told += [
            f"If {forge['refiner_name']} halved its exports, aligned countries would lose ",
            html.a(cut, href=figure(mineral, "cut_t"), class_="figure"),
            " of their demand at once; after rerouting ",
            html.a(unmet, href=figure(mineral, "zone_unmet_t"), class_="figure"),
            " would stay unmet.",
        ]
    return told


def _maps(mineral: Mapping[str, Any]) -> Tag | None:
    """Return a button per map: its title, and what it shows."""
    if not mineral["maps"]:
        return None
    items = [
        html.li(html.a(html.b(told["title"]), html.span(told["text"]), href=way(told["href"]), class_="map"))
        for told in mineral["maps"]
    ]
    return html.div(
        html.h3("Maps and tables"),
        html.ul(
            items,
            html.li(
                html.a(
                    html.b("Tables"),
                    html.span(f"All {len(mineral['tables'])} tables behind this chapter, with their files."),
                    href=f"{way(mineral['mineral'])}/tables.html",
                    class_="map",
                )
            ),
            class_="maps",
        ),
        class_="atlas-maps",
    )


def _shares(mineral: Mapping[str, Any], title: str, shares: Mapping[str, Any], key: str) -> Tag:
    name = shares["table"]
    rows = [
        html.tr(
            html.th(row["name"], scope="row"),
            html.td(bar(row["share"], row["share_low"], row["share_high"], width=72)),
            number(percent(row["share"]), href=link(mineral, name, row["row"])),
            html.td(between(row["share_low"], row["share_high"]), class_="number mute range"),
        )
        for row in shares["rows"]
    ]
    hhi = html.a(f"{shares['hhi']:.3f}", href=figure(mineral, f"hhi_{key}"))
    wide = shares["hhi_high"] - shares["hhi_low"] >= 0.0005
    return html.div(
        html.h3(title),
        table(f"{title}, {mineral['title']}", ("Country", "", "Share", "5 to 95 %"), rows, class_="bars", hide=True),
        html.p(
            "HHI ", hhi, f" ({shares['hhi_low']:.2f} to {shares['hhi_high']:.2f})" if wide else "",
            f": as concentrated as {shares['effective_n']:.1f} equal suppliers.",
            class_="note",
        ),
        class_="card",
    )  # fmt: skip


def _failures(mineral: Mapping[str, Any]) -> list[Tag]:
    """Return a card per kind of what may fail: countries, sites, straits."""
    return [
        _losses(mineral, "countries", "Country", "The five worst countries to lose",
                f"{_AFTER} {_FIRST_YEAR} What a country uses itself is part of the loss."),
        _losses(mineral, "sites", "Site", "The five worst sites to lose",
                f"{_AFTER} {_FIRST_YEAR} Factories, which lose their own demand, are left out."),
        _straits(mineral),
    ]  # fmt: skip


def _losses(mineral: Mapping[str, Any], key: str, what: str, title: str, note: str) -> Tag:
    found, name = mineral["failures"][key], f"chokepoints_{key}"
    lines = [
        html.tr(
            html.th(row["name"], _country(row) if what == "Site" else None, scope="row"),
            number(tonnes(row["loss_t"]), href=link(mineral, name, row["row"])),
            number(percent(row["loss_share"])),
            number(tonnes(row["loss_short_t"])),
            number(tonnes(row["zone_loss_t"])),
        )
        for row in found["rows"]
    ]
    head = (what, "World loses", "of demand", "First year", "Zone loses")
    made = table(f"{title}, {mineral['title']}", head, lines, hide=True)
    return html.div(html.h3(title), made, _notes(note, found["notes"]), class_="card")


def _country(row: Mapping[str, Any]) -> Tag | None:
    return html.span(f" {row['country']}", class_="mute") if row["country"] else None


def _straits(mineral: Mapping[str, Any]) -> Tag:
    found, name, title = mineral["failures"]["straits"], "chokepoints_straits", "The five worst straits to close"
    lines = [
        html.tr(
            html.th(row["name"], scope="row"),
            number("–" if missing(row["days"]) else f"{row['days']:.2f}", href=link(mineral, name, row["row"])),
            number("–" if missing(row["km"]) else f"{row['km']:,.0f}"),
            number(tonnes(row["throughput_t"])),
            number(tonnes(row["loss_t"])),
        )
        for row in found["rows"]
    ]
    head = ("Strait", "Extra days", "Extra km", "Tonnes through", "World loses")
    note = "Days and km are means over every tonne still delivered. A strait mostly costs time."
    made = table(f"{title}, {mineral['title']}", head, lines, hide=True)
    return html.div(html.h3(title), made, _notes(note, found["notes"]), class_="card")


def _notes(note: str, more: Sequence[str]) -> list[Tag]:
    return [html.p(text, class_="note") for text in (note, *more)]


def _forge(mineral: Mapping[str, Any]) -> Tag:
    """Say what the zone loses if the largest refiner halves its exports, and what rerouting brings back."""
    forge = mineral["forge"]
    demand = forge["zone_demand_t"]
    freight = f"{forge['added_cost_usd_t']:+,.0f} USD".replace("-", "−")
    steps = [
        ("Demand in the zone", tonnes(demand), "a year", "zone_demand_t"),
        ("Lost at once", percent(ratio(forge["cut_t"], demand)), tonnes(forge["cut_t"]), "cut_t"),
        ("Unmet after rerouting", percent(ratio(forge["zone_unmet_t"], demand)), tonnes(forge["zone_unmet_t"]),
         "zone_unmet_t"),
        ("Unmet if refining must be aligned", percent(ratio(forge["ruled_zone_unmet_t"], demand)),
         tonnes(forge["ruled_zone_unmet_t"]), "ruled_zone_unmet_t"),
        ("Change of freight", freight, "for each tonne delivered", "added_cost_usd_t"),
    ]  # fmt: skip
    made = [
        html.div(html.dt(label), html.dd(html.a(words, href=figure(mineral, key)), html.span(small, class_="mute")),
                 class_="step")
        for label, words, small, key in steps
    ]  # fmt: skip
    return html.div(
        html.h3(f"If {forge['refiner_name']} halves its exports of refined product"),
        html.div(
            split(ratio(forge["cut_t"], demand), ratio(forge["zone_unmet_t"], demand), width=420),
            html.p(
                html.span("", class_="swatch back"), "brought back by rerouting ",
                html.span("", class_="swatch lost"), "still unmet, of the zone's demand",
                class_="note",
            ),
            class_="splits",
        ),
        html.dl(made, class_="steps"),
        [html.p(line) for line in str(forge["words"]).splitlines()[:_LINES]],
        html.p(
            "Who goes without: ", html.a("demand and what is served, by user", href=link(mineral, "reroute_unmet")),
            ". Why no more: ", html.a("the limits that are used up", href=link(mineral, "reroute_cut")),
            ". ", html.a("The whole account", href=f"{way(mineral['mineral'])}/tables.html#account"),
            ". These are single estimates; no interval was computed.",
            class_="note",
        ),
        class_="card full",
    )  # fmt: skip


def _quality(mineral: Mapping[str, Any]) -> Tag:
    """Say how good the chapter is: years, weak spots, how many published figures agree."""
    rows = [row for row in mineral["evidence"]["rows"] if row["verdict"] != "not ours to say"]
    agree = sum(row["verdict"] == "agrees" for row in rows)
    net, key = mineral["network"], mineral["mineral"]
    years = sorted({int(row["year"]) for row in mineral["quality"] if not missing(row["year"])})
    span = f"{years[0]}" if len(years) == 1 else f"{years[0]} to {years[-1]}" if years else "years not stated"
    weak = [html.li(text) for text in mineral["weak"]]
    return html.div(
        html.h3("How far to trust this"),
        html.p(
            f"Statistics of {span}. ",
            html.a(f"Of {len(rows)} published figures {agree} agree with ours", href=f"evidence.html#{place(key)}"),
            " within the interval. ",
            f"{net['sites']:,} sites and {net['shipments']:,} estimated shipments, ",
            html.a("held against the statistics stage by stage", href=link(mineral, "quality")),
            ".",
        ),
        [html.p("Weak spots, as found when the network was made:"), html.ul(weak)] if weak else None,
        html.p(
            html.a("The network as a GeoPackage", href=f"{way(key)}/{way(key)}.gpkg"),
            f", fingerprint {net['fingerprint']}.",
            class_="note",
        ),
        class_="quality",
    )
