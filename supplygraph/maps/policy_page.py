"""The policy page of an atlas: what price floors, stocks and new plants would do, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplygraph.maps.chapter import link
from supplygraph.maps.page import Tag, html
from supplygraph.maps.sheet import Site, frame, missing, number, percent, place, ratio, table, tonnes, way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FLOORS = ("Mineral", "Price today", "Floor drawn", "Price reached", "Output of the zone", "Users pay more a year",
           "Levy holds it", "Buying that would", "")  # fmt: skip
_STOCKS = ("Product", "Stock", "Value", "Days of cover", "in batches", "Short in", "Shortfall", "left with the stock")
_BUILT = ("Mineral", "Candidates", "Funded", "Unmet demand avoided", "", "Public money", "HHI of refining", "")
_PLANTS = ("Project", "Where", "Stage", "Funded", "Starts", "Capacity", "Capital cost", "Avoids")


def policy(
    minerals: Sequence[Mapping[str, Any]],
    stock: Mapping[str, Any] | None,
    *,
    version: str,
    as_of: str,
    site: Site | None = None,
) -> str:
    """Return the policy page as HTML that asks for nothing from any network.

    Parameters
    ----------
    minerals
        Summaries of the chapters, with ``policy`` as made by ``atlas_policy.told``, and ``tables``.
    stock
        What ``atlas_policy.vault`` says; ``None`` where it has no answer.
    version
        Of supplygraph.
    as_of
        The day of the alignment, in words.
    site
        The atlas that the page belongs to.
    """
    return frame(
        title="Policy: floors, stocks, plants",
        header=[
            html.p("supplygraph atlas" if site else "supplygraph", class_="kicker"),
            html.h1("Policy: what price floors, stocks and new plants would do"),
            html.p(
                "Questions that governments ask, answered on the same networks: at what floor does allied refining pay "
                "and what does it cost users; what should Project Vault hold; which announced plants would help if the "
                "largest refiner stopped; and what each policy would do after the same shock.",
                class_="lead",
            ),
            html.p(
                html.strong("These are conditional answers, not forecasts. "),
                "No zone floor has been published: the levels below are multiples of today's price, and none is a "
                "proposal. Elasticities, costs and lead times are few and weak; where an interval stands it is theirs.",
                class_="warning",
            ),
        ],
        body=[_floors(minerals, as_of), _stock(stock), _plants(minerals), _together(minerals)],
        version=version,
        site=site,
        here="policy",
        style=("policy.css",),
    )


def usd(value: float | None) -> str:
    """Write dollars for people.

    Examples
    --------
    >>> usd(5.608e9), usd(-387_860.0), usd(14_500.0), usd(None)
    ('5.6 bn USD', '−388 k USD', '14,500 USD', '–')
    """
    if value is None or missing(value):
        return "–"
    sign, size = ("−" if value < 0 else ""), abs(value)
    for least, scale, unit in ((1e9, 1e9, " bn"), (1e6, 1e6, " m"), (1e5, 1e3, " k")):
        if size >= least:
            scaled = size / scale
            return f"{sign}{scaled:,.0f}{unit} USD" if scaled >= 100 else f"{sign}{scaled:.1f}{unit} USD"
    return f"{sign}{size:,.0f} USD"


def _spread(low: float | None, high: float | None, write: Any) -> Tag | None:
    if low is None or high is None or write(low) == write(high):
        return None
    return html.span(f"{write(low)} to {write(high)}", class_="mute below")


# -- floors --------------------------------------------------------------------------------------------------------


def _floors(minerals: Sequence[Mapping[str, Any]], as_of: str) -> Tag:
    rows = [_floor(mineral) for mineral in minerals]
    return html.section(
        html.h2("Price floors"),
        html.p(
            f"A levy at the border of the zone (tier “linked” or better on {as_of}) lifts imports of refined product "
            "to a reference price; members pay none. It can lift the price at home only as far as imports matter: "
            "beyond that somebody has to buy. The floor drawn is 20 % above today's price.",
        ),
        table("A floor 20 % above today's price, in the long run", _FLOORS, rows, class_="compare wide"),
        html.p(
            "Below a figure: 5 to 95 % of draws of elasticities, costs and implied prices. Each row leads to its "
            "table: all levels, duties, who gains, which producers live, what comes through third countries or one "
            "stage further down.",
            class_="note",
        ),
        [_levels(mineral) for mineral in minerals if "floor" in mineral["policy"]],
        id="floors",
        class_="group",
    )


def _floor(mineral: Mapping[str, Any]) -> Tag:
    told = mineral["policy"]
    name = html.th(html.a(mineral["title"], href=f"index.html#{place(str(mineral['mineral']))}"), scope="row")
    if "floor" not in told:
        why = told["missing"].get("floor", "not asked")
        return html.tr(name, html.td(f"Not answered: {why}.", colspan=str(len(_FLOORS) - 1), class_="mute"))
    floor, figures = told["floor"], told["floor"]["figures"]
    level = next(row for row in floor["levels"] if row["multiple"] == floor["multiple"])
    change = ratio(figures["zone_output_t"], figures["zone_output_before_t"])
    return html.tr(
        name,
        number(usd(figures["zone_price_before_usd_t"])),
        number(usd(level["floor_usd_t"])),
        number(usd(figures["zone_price_usd_t"])),
        number([
            "–" if change is None else f"{100 * (change - 1):+.0f} %".replace("-", "−"),
            _spread(figures["zone_output_low_t"], figures["zone_output_high_t"], tonnes),
        ]),
        number([
            usd(figures["cost_to_users_usd"]),
            _spread(figures["cost_to_users_low_usd"], figures["cost_to_users_high_usd"], usd),
        ]),
        html.td("yes" if figures["held"] else "not everywhere"),
        number("–" if figures["held"] else tonnes(figures["buying_t"])),
        html.td(
            html.a("map", href=f"{way(str(mineral['mineral']))}/floor.html"), ", ",
            html.a("tables", href=link(mineral, "floors")),
        ),
    )  # fmt: skip


def _levels(mineral: Mapping[str, Any]) -> Tag:
    floor = mineral["policy"]["floor"]
    rows = [
        html.tr(
            html.th(f"{row['multiple']:.1f} × today", scope="row"),
            number(usd(row["floor_usd_t"]), href=link(mineral, "floors", int(row["row"]))),
            number(usd(row["zone_price_usd_t"])),
            number(tonnes(row["zone_output_t"])),
            number(tonnes(row["imports_t"])),
            number(usd(row["cost_to_users_usd"])),
            number(usd(row["revenue_usd"])),
            number("–" if row["held"] else tonnes(row["buying_t"])),
        )
        for row in floor["levels"]
    ]
    head = ("Level", "Floor", "Zone pays", "Zone makes", "Imports", "Users pay more", "Duties bring", "Buying needed")
    return html.details(
        html.summary(f"{mineral['title']}: all levels, and the answer in words"),
        table(f"{mineral['title']} by level of the floor", head, rows, class_="wide"),
        [html.p(line) for line in str(floor["words"]).splitlines()],
    )


# -- stocks --------------------------------------------------------------------------------------------------------


def _stock(stock: Mapping[str, Any] | None) -> Tag | None:
    if stock is None:
        return None
    figures = stock["figures"]
    rows = [
        html.tr(
            html.th(str(row["product"]).replace("_", " "), scope="row"),
            number(tonnes(row["hold_t"])),
            number(usd(row["value_usd"])),
            number(_days(row["days_of_cover"])),
            html.td(_between_days(row["days_low"], row["days_high"]), class_="number mute"),
            number(percent(row["chance_short"])),
            number(tonnes(row["shortfall_t"])),
            number(tonnes(row["unmet_t"])),
        )
        for row in stock["rows"]
    ]
    return html.section(
        html.h2("Project Vault: what to hold"),
        html.p(
            f"With the published {usd(figures['budget_usd'])}, for demand in the United States, over {stock['paths']} "
            f"drawn paths of five years of the export restrictions that are on record: the plan spends "
            f"{usd(figures['cost_usd'])} and lowers the expected loss from {usd(figures['loss_before_usd'])} to "
            f"{usd(figures['loss_after_usd'])}. {figures['aim_days'] or 60:.0f} days of everything would cost "
            f"{usd(figures['aim_cost_usd'])} and leave {usd(figures['aim_loss_usd'])}. ",
            html.a("Map", href="vault.html"), ".",
        ),
        table("Stock by product", _STOCKS, rows, class_="wide"),
        [html.p(line) for line in str(stock["words"]).splitlines()[1:]],
        id="stock",
        class_="group",
    )  # fmt: skip


def _days(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _between_days(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:,.0f} to {high:,.0f}"


# -- plants --------------------------------------------------------------------------------------------------------


def _plants(minerals: Sequence[Mapping[str, Any]]) -> Tag:
    rows = [_built(mineral) for mineral in minerals]
    found = [_projects(mineral) for mineral in minerals if mineral["policy"].get("build", {}).get("rows")]
    return html.section(
        html.h2("Where to build"),
        html.p(
            "Announced mines, refineries and magnet plants, in years when the largest refiner stops: which would make "
            "unmet demand smaller, with no limit on money. What stands today grows with demand. Projects without a "
            "published capacity or cost are left out and listed with the reason.",
        ),
        table("Projects that would help, by mineral", _BUILT, rows, class_="compare wide"),
        found,
        id="build",
        class_="group",
    )


def _built(mineral: Mapping[str, Any]) -> Tag:
    told = mineral["policy"]
    name = html.th(html.a(mineral["title"], href=f"index.html#{place(str(mineral['mineral']))}"), scope="row")
    if "build" not in told:
        why = told["missing"].get("build", "not asked")
        return html.tr(name, html.td(f"Not answered: {why}.", colspan=str(len(_BUILT) - 1), class_="mute"))
    built, figures = told["build"], told["build"]["figures"]
    avoided = figures["loss_before_t"] - figures["loss_after_t"]
    return html.tr(
        name,
        number(f"{built['candidates']}, {built['left_out']} left out"),
        number(f"{figures['funded']:.0f}"),
        number(tonnes(avoided)),
        number(percent(ratio(avoided, figures["loss_before_t"]))),
        number(usd(figures["cost_usd"])),
        number(f"{figures['hhi_before']:.2f} to {figures['hhi_after']:.2f}"),
        html.td(
            html.a("map", href=f"{way(str(mineral['mineral']))}/build.html"), ", ",
            html.a("tables", href=link(mineral, "build")),
        ),
    )  # fmt: skip


def _projects(mineral: Mapping[str, Any]) -> Tag:
    built = mineral["policy"]["build"]
    rows = [
        html.tr(
            html.th(html.a(row["name"], href=link(mineral, "build", int(row["row"]))), scope="row"),
            html.td(row["country"]),
            html.td(str(row["stage"]).replace(";", ", ")),
            number(_year(row["year"])),
            number(_year(row["start"])),
            number(tonnes(row["capacity_t"])),
            number([usd(row["capex_usd"]), _spread(row["capex_low_usd"], row["capex_high_usd"], usd)]),
            number(tonnes(row["loss_avoided_last_t"])),
        )
        for row in built["rows"]
    ]
    first, last = (f"{year:.0f}" for year in built["horizon"])
    return html.details(
        html.summary(f"{mineral['title']}: what would be funded, and the answer in words"),
        table(f"{mineral['title']}, {first} to {last}; avoids: unmet demand over these years", _PLANTS, rows,
              class_="wide"),
        [html.p(line) for line in str(built["words"]).splitlines()],
    )  # fmt: skip


# -- side by side --------------------------------------------------------------------------------------------------


def _together(minerals: Sequence[Mapping[str, Any]]) -> Tag | None:
    told = [mineral for mineral in minerals if "policies" in mineral["policy"]]
    if not told:
        return None
    return html.section(
        html.h2("Policies side by side"),
        html.p(
            "Each mineral after the same shock: its largest refiner halves its exports. Rules bind the demand of the "
            "zone only, so a rule that aligned plants cannot meet leaves more of it unmet. Prices are left out here.",
        ),
        [_compared(mineral) for mineral in told],
        id="together",
        class_="group",
    )


def _compared(mineral: Mapping[str, Any]) -> Tag:
    rows = [
        html.tr(
            html.th(row["policy"], scope="row"),
            number(tonnes(row["unmet_t"]), href=link(mineral, "policies", int(row["row"]))),
            number(percent(ratio(row["unmet_t"], row["demand_t"]))),
            number(tonnes(row["zone_unmet_t"])),
            number("–" if row["hhi"] is None else f"{row['hhi']:.2f}"),
            number(f"{row['largest']} {percent(row['largest_share'])}" if row["largest"] else "–"),
            number(usd(row["added_freight_usd"])),
            number(usd(row["public_usd"])),
        )
        for row in mineral["policy"]["policies"]["rows"]
    ]
    caption = [
        f"{mineral['title']}, {mineral['policy']['policies']['shock']}: ",
        html.a("map", href=f"{way(str(mineral['mineral']))}/policies.html"), ", ",
        html.a("tables", href=link(mineral, "policies")),
    ]  # fmt: skip
    head = ("Policy", "Unmet", "of demand", "Unmet in the zone", "HHI of refining", "Largest", "Freight",
            "Public money")  # fmt: skip
    return table(caption, head, rows, class_="wide", label=f"{mineral['title']}: policies side by side")


def _year(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
