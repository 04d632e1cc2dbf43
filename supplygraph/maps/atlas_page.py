"""The atlas's index page: what a minister's staff can read in five minutes, each claim linked to its table."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

from supplygraph.maps.chapter import chapter, figure, link
from supplygraph.maps.page import Tag, html
from supplygraph.maps.sheet import (
    Site,
    bar,
    between,
    frame,
    missing,
    number,
    percent,
    place,
    ratio,
    split,
    table,
    tonnes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["index", "percent", "tonnes"]

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_GALLERY = "pip install '.[gallery]'"


def index(
    minerals: Sequence[Mapping[str, Any]],
    *,
    version: str,
    as_of: str,
    gallery: Sequence[Mapping[str, Any]] | None = None,
    no_gallery: str = "",
) -> str:
    """Return the index page as HTML that asks for nothing from any network.

    Parameters
    ----------
    minerals
        One summary per mineral, as made by ``atlas.summary`` plus ``maps`` and ``tables``.
    version
        Of supplygraph.
    as_of
        Date of the alignment.
    gallery
        Notebooks of the gallery, each ``{"name", "title", "text"}``; ``None`` if it was not made.
    no_gallery
        A sentence that says why there is none.
    """
    site = Site(tuple((str(m["mineral"]), str(m["title"])) for m in minerals), bool(gallery))
    return frame(
        title="Critical minerals atlas",
        header=[
            html.p("supplygraph atlas", class_="kicker"),
            html.h1("Critical minerals: who refines, what breaks, what can be rerouted"),
            html.p(_lead(minerals, as_of), class_="lead"),
        ],
        body=[
            _findings(minerals),
            [chapter(mineral) for mineral in minerals],
            _notebooks(gallery, no_gallery),
            _method(as_of),
        ],
        version=version,
        site=site,
        here="atlas",
        closing="Country shapes: Natural Earth. Boundaries imply no opinion on the status of any territory.",
    )


def _lead(minerals: Sequence[Mapping[str, Any]], as_of: str) -> list[Any]:
    """Say what this is, from when, and how far to trust it, in three sentences."""
    many = f"{len(minerals)} critical minerals" if len(minerals) > 1 else str(minerals[0]["title"]).lower()
    years = sorted({int(r["year"]) for m in minerals for r in m["quality"] if not missing(r["year"])})
    span = f" of {years[0]}" if len(years) == 1 else f" of {years[0]} to {years[-1]}" if years else ""
    what = "who mines and refines, which failure would hurt most, and what aligned countries (FORGE) could reroute"
    return [
        f"This atlas says of {many} {what}. ",
        f"It rests on statistics{span}, and on who was aligned on {day(as_of)}. ",
        html.strong("Trust national shares most; who supplies whom is not published and is estimated"),
        ", so losses and reroutings are estimates too: ",
        html.a("see how our figures compare with the published ones", href="evidence.html"),
        ".",
    ]


def day(text: str) -> str:
    """Write a date for people; anything else stays as it is.

    Examples
    --------
    >>> day("2026-07-01"), day("soon")
    ('1 July 2026', 'soon')
    """
    try:
        when = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


# -- findings ------------------------------------------------------------------------------------------------------


def _findings(minerals: Sequence[Mapping[str, Any]]) -> Tag:
    parts = (_refining(minerals), _losing(minerals), _rerouting(minerals), _agreeing(minerals))
    return html.section(
        html.h2("Findings"),
        html.ul([html.li(told) for told in parts if told], class_="findings"),
        _comparison(minerals),
        html.p(
            "Bars run from 0 to 100 %. A line with ends over a bar, or “72 to 77 %”, is a 5 to 95 % interval over "
            "networks that all agree with what is known. ",
            html.b("HHI"), ": sum of squared country shares; 1 is a single country. ",
            html.b("Zone"), ": the demand inside aligned countries. Every number leads to its row in the tables.",
            class_="note",
        ),
        id="findings",
    )  # fmt: skip


def _ends(
    minerals: Sequence[Mapping[str, Any]], value: Callable[[Mapping[str, Any]], float | None]
) -> list[Mapping[str, Any]]:
    """Return the minerals by a value, the least first; those without one are left out."""
    told = [(found, mineral) for mineral in minerals if not missing(found := value(mineral))]
    return [mineral for _, mineral in sorted(told, key=lambda each: each[0] or 0.0)]


def _top(mineral: Mapping[str, Any]) -> Mapping[str, Any] | None:
    rows = mineral["shares"]["refining"]["rows"]
    return rows[0] if rows else None


def _title(mineral: Mapping[str, Any]) -> str:
    return str(mineral["title"])[:1].lower() + str(mineral["title"])[1:]


def _share_link(mineral: Mapping[str, Any]) -> Tag:
    top = _top(mineral)
    assert top is not None  # noqa: S101 - minerals without a refiner are left out before
    return html.a(percent(top["share"]), href=link(mineral, "refining", top["row"]), class_="figure")


def _refining(minerals: Sequence[Mapping[str, Any]]) -> list[Any]:
    leaders = Counter(top["name"] for m in minerals if (top := _top(m)))
    if not leaders:
        return []
    leader, count = leaders.most_common(1)[0]
    led = [m for m in minerals if (top := _top(m)) and top["name"] == leader]
    ranked = _ends(led, lambda m: m["shares"]["refining"]["rows"][0]["share"])
    if len(minerals) == 1:
        return [html.b(f"{leader} refines most: "), _share_link(ranked[0]), f" of the world's {_title(ranked[0])}."]
    several = [", from ", _share_link(ranked[0]), f" of {_title(ranked[0])} to ", _share_link(ranked[-1]),
               f" of {_title(ranked[-1])}"] if len(ranked) > 1 else []  # fmt: skip
    many = f"all {count}" if count == len(minerals) else f"{count} of {len(minerals)}"
    return [html.b(f"{leader} is the largest refiner of {many} minerals"), *several, "."]


def _worst(mineral: Mapping[str, Any]) -> Mapping[str, Any] | None:
    rows = mineral["failures"]["countries"]["rows"]
    return rows[0] if rows else None


def _loss_link(mineral: Mapping[str, Any]) -> Tag:
    worst = _worst(mineral)
    assert worst is not None  # noqa: S101 - as above
    address = link(mineral, "chokepoints_countries", worst["row"])
    return html.a(percent(worst["loss_share"]), href=address, class_="figure")


def _losing(minerals: Sequence[Mapping[str, Any]]) -> list[Any]:
    ranked = _ends(minerals, lambda m: worst["loss_share"] if (worst := _worst(m)) else None)
    if not ranked:
        return []
    most, least = ranked[-1], ranked[0]
    worst = _worst(most)
    assert worst is not None  # noqa: S101
    told: list[Any] = [
        html.b("One country can take most of a supply with it: "),
        f"without {worst['name']} the world could not meet ", _loss_link(most), f" of its demand for {_title(most)}",
    ]  # fmt: skip
    if len(ranked) > 1:
        other = _worst(least)
        assert other is not None  # noqa: S101
        told += [f"; even the mildest such loss, {other['name']}'s for {_title(least)}, is ", _loss_link(least)]
    return [*told, ". Both are after the best rerouting." if len(ranked) > 1 else ", after the best rerouting."]


def _cut(mineral: Mapping[str, Any]) -> float | None:
    return ratio(mineral["forge"]["cut_t"], mineral["forge"]["zone_demand_t"])


def _unmet(mineral: Mapping[str, Any]) -> float | None:
    return ratio(mineral["forge"]["zone_unmet_t"], mineral["forge"]["zone_demand_t"])


def _recovered(mineral: Mapping[str, Any]) -> float | None:
    """Return the share of what the zone loses at once that rerouting brings back."""
    forge = mineral["forge"]
    return ratio(forge["cut_t"] - forge["zone_unmet_t"], forge["cut_t"]) if forge["cut_t"] > 0 else None


def _figure_link(mineral: Mapping[str, Any], key: str, value: float | None) -> Tag:
    return html.a(percent(value), href=figure(mineral, key), class_="figure")


def _rerouting(minerals: Sequence[Mapping[str, Any]]) -> list[Any]:
    ranked = _ends(minerals, _recovered)
    if not ranked:
        return []
    if len(minerals) == 1:
        one = ranked[0]
        return [
            html.b("What rerouting does: "), f"if {one['forge']['refiner_name']} halves its exports, the zone loses ",
            _figure_link(one, "cut_t", _cut(one)), " of its demand at once and ",
            _figure_link(one, "zone_unmet_t", _unmet(one)), " after rerouting.",
        ]  # fmt: skip
    half = sum((_recovered(m) or 0.0) >= 0.5 for m in ranked)
    worst = max(minerals, key=lambda m: _unmet(m) or 0.0)
    least, most = (
        [html.a(_title(m), href=f"#{_id(m)}"), " (", _figure_link(m, "recovered", _recovered(m)), ")"]
        for m in (ranked[0], ranked[-1])
    )
    return [
        html.b(f"Rerouting brings back at least half of what the zone loses for {half} of {len(ranked)} minerals"),
        ", when the largest refiner halves its exports; most for ", *most, ", least for ", *least,
        f". What stays unmet is largest for {_title(worst)}: ", _figure_link(worst, "zone_unmet_t", _unmet(worst)),
        " of the zone's demand.",
    ]  # fmt: skip


def _agreeing(minerals: Sequence[Mapping[str, Any]]) -> list[Any]:
    rows = [row for m in minerals for row in m["evidence"]["rows"] if row["verdict"] != "not ours to say"]
    if not rows:
        return []
    agree = sum(row["verdict"] == "agrees" for row in rows)
    own = [row for row in rows if row["independent"]]
    apart = sum(row["verdict"] == "agrees" for row in own)
    return [
        html.b("How sure is this? "), html.a(f"Of {len(rows)} published figures {agree} agree", href="evidence.html"),
        f" with ours within the interval; of the {len(own)} that we did not use ourselves, {apart}.",
    ]  # fmt: skip


def _id(mineral: Mapping[str, Any]) -> str:
    return place(str(mineral["mineral"]))


_HEAD = ("Mineral", "Largest refiner", "", "Share", "HHI of refining", "Worst country to lose", "World loses",
         "Zone: lost at once, brought back", "Lost at once", "Unmet after rerouting")  # fmt: skip


def _comparison(minerals: Sequence[Mapping[str, Any]]) -> Tag:
    """Return all minerals in one table, those that leave most of the zone's demand unmet first."""
    ordered = sorted(minerals, key=lambda m: (-(_unmet(m) or 0.0), str(m["title"])))
    words = "The minerals side by side; what stays unmet in the zone after rerouting is largest on top."
    rows = [_row(mineral) for mineral in ordered]
    return table(words, _HEAD, rows, class_="compare", label="The minerals side by side")


def _row(mineral: Mapping[str, Any]) -> Tag:
    refining, top, worst = mineral["shares"]["refining"], _top(mineral), _worst(mineral)
    low, high = refining["hhi_low"], refining["hhi_high"]
    spread = f"{low:.2f} to {high:.2f}" if high - low >= 0.005 else ""
    hhi = html.a(f"{refining['hhi']:.2f}", href=figure(mineral, "hhi_refining"))
    shares = (top["share"], top["share_low"], top["share_high"]) if top else (None, None, None)
    return html.tr(
        html.th(html.a(mineral["title"], href=f"#{_id(mineral)}"), scope="row"),
        html.td(top["name"] if top else "–"),
        html.td(bar(*shares, width=90)),
        number([_share_link(mineral) if top else "–", html.span(between(*shares[1:]), class_="mute below")]),
        number([hhi, html.span(spread, class_="mute below")]),
        html.td(worst["name"] if worst else "–"),
        number(_loss_link(mineral) if worst else "–"),
        html.td(split(_cut(mineral), _unmet(mineral), width=90)),
        number(_figure_link(mineral, "cut_t", _cut(mineral))),
        number(_figure_link(mineral, "zone_unmet_t", _unmet(mineral))),
    )


# -- the end -------------------------------------------------------------------------------------------------------


def _notebooks(gallery: Sequence[Mapping[str, Any]] | None, why: str) -> Tag | None:
    if not gallery:
        return html.section(html.h2("Notebooks"), html.p(why), id="notebooks") if why else None
    items = [
        html.li(html.a(told["title"], href=f"gallery/{place(told['name'])}.html"))
        for told in gallery
    ]
    return html.section(
        html.h2("Notebooks"),
        html.p("The same questions, worked through step by step, with the code beside each answer."),
        html.ul(items),
        id="notebooks",
    )


def _method(as_of: str) -> Tag:
    points = (
        ("Tonnes are contained metal a year (rare earths: oxide; graphite: gross weight). The network of each mineral "
        "is closed to the published statistics; flows between sites are the estimate that adds least to the known."),
        ("A loss is the demand that can no longer be met when something stops, after the best rerouting over known "
        "spare capacity (at most half of a stage's statistic). Spare capacity is the weakest number of all."),
        (f"The zone is the demand in countries of tier “linked” or better on {day(as_of)}: FORGE members, partners and "
        "EU states. Tiers are read from dated public facts; no charter or member list is public."),
        ("When supply falls short, each buyer is rationed in proportion to its demand. Another rule changes who goes "
        "without more than anything else does."),
        ("In a rerouting, plants may grow by 20 % within a year and never beyond their known capacity. Losses let them "
        "reach that capacity, but for the column “First year”."),
        "The unnamed rest of each statistic is a site called “Other …” and is ranked apart.",
        ("Intervals stand where the ensemble of networks gives them: on shares, HHI and evidence. Losses and "
        "reroutings are those of the central network."),
    )
    return html.section(
        html.h2("How to read this"), html.ul([html.li(point) for point in points]), id="method", class_="method"
    )  # fmt: skip


def missing_gallery() -> str:
    """Return the sentence that says how to get the gallery."""
    return f"The notebooks are not shown: run {_GALLERY} in the folder of supplygraph, then make the atlas again."
