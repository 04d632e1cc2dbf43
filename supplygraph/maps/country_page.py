"""The page of countries: how each is aligned, which agreements bind it, what it restricts, what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplygraph.maps.page import Tag, html
from supplygraph.maps.sheet import Site, between, frame, percent, place, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TIERS = {
    "core": "Core: members",
    "linked": "Linked: partners",
    "engaged": "Engaged",
    "unaligned": "Unaligned: nothing found",
    "rival": "Rival",
    None: "Tier unknown",
}
_HEAD = ("Agreement", "Date", "With", "Minerals", "Provides for", "Standing", "Source")


def countries(rows: Sequence[Mapping[str, Any]], *, version: str, as_of: str, site: Site | None = None) -> str:
    """Return the page of countries as HTML that asks for nothing from any network.

    Parameters
    ----------
    rows
        Per country ``country``, ``name``, ``tier``, ``basis``, ``shares``, ``agreements``, ``through_union``,
        ``restrictions``, as made by ``atlas_countries.countries``.
    version
        Of supplygraph.
    as_of
        The day of the tiers and agreements, in words.
    site
        The atlas that the page belongs to.
    """
    return frame(
        title="Countries and agreements",
        header=[
            html.p("supplygraph atlas" if site else "supplygraph", class_="kicker"),
            html.h1("Countries: who is aligned, and what binds whom"),
            html.p(
                f"For {len(rows)} countries: the tier that the analysis gives them on {as_of}, the agreements on "
                "minerals that they are a party to, the export restrictions that they hold, and what they mine and "
                "refine.",
                class_="lead",
            ),
            html.p(
                html.strong("Most agreements do not bind. "),
                "Tiers are read from dated public facts; no member list of FORGE is public. Provisions are as "
                "reported: the texts were not read. An agreement counts from its signature; nobody says when one ends.",
                class_="warning",
            ),
            html.p(html.a("The same on a map", href="alignment.html#c=tier"), ".") if site else None,
            _overview(rows),
        ],
        body=[_section(row) for row in rows],
        version=version,
        site=site,
        here="countries",
        style=("countries.css",),
    )


def _overview(rows: Sequence[Mapping[str, Any]]) -> Tag:
    """Return all countries by tier, each a link to its section."""
    groups = []
    for tier, words in _TIERS.items():
        links = [html.a(row["name"], href=f"#{place(row['country'])}") for row in rows if row["tier"] == tier]
        if links:
            groups += [html.dt(words), html.dd(html.ul([html.li(one) for one in links], class_="inline"))]
    return html.dl(groups, class_="tiers")


def _section(row: Mapping[str, Any]) -> Tag:
    code = str(row["country"])
    return html.section(
        html.h2(row["name"], html.span(f" {code}", class_="mute code")),
        html.p(html.b(f"{_TIERS[row['tier']]}. "), row["basis"]),
        _holdings(row["shares"]),
        _restrictions(row),
        _agreements(row),
        _through_union(int(row["through_union"])),
        id=place(code),
        class_="group",
    )


def _holdings(shares: Sequence[Mapping[str, Any]]) -> Tag | None:
    if not shares:
        return None
    told: list[Any] = []
    for share in shares:
        interval = between(share["share_low"], share["share_high"])
        number = html.a(percent(share["share"]), href=share["href"], class_="figure")
        words = f" of {str(share['title']).lower()} {share['stage']}{f' ({interval})' if interval else ''}"
        told += [", " if told else "Holds ", number, words]
    return html.p(*told, ".")


def _restrictions(row: Mapping[str, Any]) -> Tag | None:
    if not row["restrictions"]:
        return None
    items = []
    for rule in row["restrictions"]:
        span = f"since {rule['since']}" + (f", until {rule['until']}" if rule["until"] else "")
        sure = "" if rule["in_force"] else "; whether it still holds is not known"
        words = f" ({span}{sure}). {rule['words']}{'.' if rule['words'] else ''} "
        items.append(html.li(html.b(rule["title"]), words, html.span(rule["source"], class_="mute small")))
    return html.div(html.h3("Export restrictions"), html.ul(items))


def _agreements(row: Mapping[str, Any]) -> Tag | None:
    if not row["agreements"]:
        return None
    ordered = sorted(row["agreements"], key=lambda one: (not one["in_force"], not one["binding"], one["date"]))
    lines = [
        html.tr(
            html.th(one["title"], scope="row"),
            html.td(one["date"], class_="date"),
            html.td(one["parties"]),
            html.td(one["minerals"] or "not said"),
            html.td(str(one["provisions"]).replace(";", ", ").replace("_", " ") or "not said"),
            html.td(html.b(_standing(one)), html.span(f" {one['status']}", class_="mute small")),
            html.td(one["source"], html.span(f" ({one['confidence']})", class_="mute"), class_="small source"),
            class_=None if one["in_force"] else "silent",
        )
        for one in ordered
    ]
    held = sum(one["in_force"] for one in ordered)
    label = f"{row['name']}: {held} of {len(ordered)} agreements in force"
    return table(label, _HEAD, lines, class_="agreements")


def _through_union(count: int) -> Tag | None:
    if not count:
        return None
    told = f"{count} agreement{'s' * (count > 1)} in force through the "
    return html.p(told, html.a("European Union", href="#EUU"), ".", class_="note")


def _standing(one: Mapping[str, Any]) -> str:
    if not one["in_force"]:
        return f"Not in force: {one['why_not']}."
    return "In force; may bind." if one["binding"] else "In force; does not bind."
