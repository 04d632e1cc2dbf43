"""What each table of the atlas is and what its columns mean: one definition for captions, heads and formats."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """A table in words.

    Attributes
    ----------
    title
        Its heading.
    text
        What it shows, in a sentence or two.
    unit
        Unit of its figures.
    basis
        ``"published"``, ``"estimated"`` or ``"both"``.
    """

    title: str
    text: str
    unit: str = "tonnes of contained metal a year"
    basis: str = "estimated"


#: Headings of the page, in order, and how the names of the tables under them begin; the longest beginning counts.
GROUPS = (
    ("Key figures and quality", ("key_figures", "quality", "evidence")),
    ("Who mines, who refines", ("mining", "refining", "centrality")),
    ("Who depends on whom", ("exposure",)),
    ("What breaks", ("chokepoints", "worst")),
    ("Rerouting", ("reroute",)),
    ("Rerouting, refining aligned", ("reroute_aligned",)),
    ("Restrictions over time", ("timeline",)),
    ("Price floors", ("floor", "floors")),
    ("Where to build", ("build",)),
    ("Policies side by side", ("policies",)),
    ("What to stockpile", ("stockpile",)),
    ("How the network was made", ("",)),
)
#: Tables that are no part of the one whose name they begin with.
MAIN = {"refining_by_owner", "reroute_aligned"}

_FAILS = {"countries": "country", "sites": "site", "straits": "strait"}
_COUNT = "tonnes of contained metal a year; shares, in the file from 0 to 1"
_MONEY = "USD per tonne; tonnes a year; USD a year"
_COST = "tonnes a year; days, km and USD per tonne delivered"

TABLES: dict[str, About] = {
    "key_figures": About(
        "Key figures", "The numbers of the chapter that stand in no row of another table.", "as the row says"
    ),
    "quality": About(
        "How the network compares with the statistics",
        "Each stage is closed to a published statistic. At named sites: the part carried by sites that we know; the "
        "rest stands at sites called “Other …”.",
        basis="both",
    ),
    "evidence": About(
        "Published figures beside ours",
        "Each published figure that we found, and ours with its interval. Where it is not independent, the network was "
        "closed to it.",
        "shares from 0 to 1; tonnes a year; index points",
        "both",
    ),
    "mining": About("Who mines", "Production by the country where the mines stand.", _COUNT, "both"),
    "refining": About("Who refines", "Refined production by the country where the plants stand.", _COUNT, "both"),
    "refining_by_owner": About(
        "Who owns the refining", "Refined production by the countries of the owners, as far as they are known.", _COUNT
    ),
    "centrality": About(
        "Which refineries the concentration comes from",
        "Centrality is a plant's part of the concentration index (HHI): all parts add up to it. Marginal says what "
        "growing the plant would do to the index: a negative figure diversifies.",
        "shares and index points, from 0 to 1",
    ),
    "exposure": About(
        "Who refined what each country uses",
        "Row: the country of use. Columns: the share of its demand refined in each country, traced through all plants.",
        _COUNT,
    ),
    "exposure_direct": About(
        "Who shipped it last", "As above, but only the last country that shipped it to the user.", _COUNT
    ),
    "exposure_low": About("Who refined it: lower ends", "5 % of the draws lie below.", _COUNT),
    "exposure_high": About("Who refined it: upper ends", "95 % of the draws lie below.", _COUNT),
    "exposure_bound_low": About(
        "Who refined it: least", "The least share over every way in which inputs may mix inside plants.", _COUNT
    ),
    "exposure_bound_high": About(
        "Who refined it: most", "The largest share over every way in which inputs may mix inside plants.", _COUNT
    ),
    "exposure_stability": About(
        "How firm the largest supplier is",
        "Share of the draws in which a country is the largest supplier of the row.",
        "shares from 0 to 1",
    ),
    "exposure_side_by_side": About(
        "Direct and traced, side by side",
        "One line for each pair of user and refiner, the largest first: shipped last, traced, the bounds over every "
        "way of mixing, and the 5 to 95 % interval.",
        _COUNT,
    ),
    "timeline": About(
        "Export restrictions over time",
        "One row for each day on which a restriction began or ended: what today's network could not deliver under what "
        "held from then on, after the best rerouting. An upper bound counts a licence as if nothing were licensed.",
        "tonnes a year; shares, in the file from 0 to 1",
    ),
    "timeline_unmet": About(
        "Who goes without, by day", "Demand of each user, and what of it is served, for each of those days.",
        "tonnes a year",
    ),
    "floor": About(
        "Prices under a floor",
        "One row for each country and product: prices, production, use and trade today and with a levy that lifts "
        "imports into the zone to 20 % above today's price. No floor has been published; this level is no proposal.",
        _MONEY,
    ),
    "floor_prices": About(
        "Prices by product under a floor",
        "Reference price with its basis (implied: from the chain alone), and mean prices of the world and of the zone.",
        "USD per tonne", "both",
    ),
    "floor_quantities": About("Output under a floor", "Each plant and mine, today and under the floor.", _MONEY),
    "floor_flows": About(
        "Trade under a floor", "Each pair of countries, today and under the floor; what goes beyond today's relations.",
        _MONEY,
    ),
    "floor_duties": About(
        "Duties", "Each pair across the border of the zone: landed price, levy, and what it brings.", _MONEY
    ),
    "floor_revenue": About(
        "Who collects and who pays", "Duties collected and contracts paid, by country.", "USD a year"
    ),
    "floor_viable": About(
        "Which producers live", "The price at which each producer of the zone runs, and whether it gets it.", _MONEY
    ),
    "floor_diversion": About(
        "Through third countries", "What third countries sell into the zone more, while they buy more from outside.",
        "tonnes a year",
    ),
    "floor_missed": About(
        "What the levy misses", "What enters the zone further down the chain, made of the product under the floor.",
        "tonnes a year",
    ),
    "floor_surplus": About(
        "Who gains", "Change for users, producers, traders and states, by country; they add up to the total.",
        "USD a year",
    ),
    "floor_buying": About(
        "Where the levy cannot hold the floor",
        "Markets in which the price stays below the floor though the levy shuts imports out, and the tonnes of buying "
        "that would hold it.",
        _MONEY,
    ),
    "floor_elasticities": About(
        "Elasticities", "Per cent more for one per cent of price: supply, demand, substitution among origins.",
        "plain numbers", "both",
    ),
    "floors": About(
        "A floor at several levels",
        "The same levy at 1.0 to 1.5 times today's price: what the zone pays, makes and imports, what users lose, what "
        "duties bring, and the buying that would hold the floor where the levy cannot.",
        _MONEY,
    ),
    "floors_breakeven": About(
        "From which floor a producer lives", "The lowest of these levels at which each producer of the zone runs.",
        _MONEY,
    ),
    "policies": About(
        "Policies side by side",
        "Each policy after the same shock and the best rerouting: what stays unmet in the world and in the zone, what "
        "comes from stock, how concentrated refining is, freight against no policy, public money where known.",
        "tonnes a year; index and shares from 0 to 1; USD a year",
    ),
    "policies_countries": About(
        "Who gains and loses, by policy", "Demand and what stays unmet of it, against no policy.",
        "tonnes a year",
    ),
    "build": About(
        "Where to build",
        "Announced projects: what the best plan without a limit on money funds, and when; what it adds and costs; what "
        "each avoids alone and as the last one. Chances of failing are assumed by status.",
        "tonnes a year; USD of 2025; losses in tonnes over the horizon", "both",
    ),
    "build_path": About(
        "Year by year with the projects", "Demand, what is added, unmet demand and HHI of refining before and after.",
        "tonnes a year; index from 0 to 1",
    ),
    "build_scenarios": About(
        "What may happen", "The disruptions counted, with their chance, and what each leaves unmet.", "tonnes a year"
    ),
    "build_left_out": About(
        "Projects left out", "Projects that cannot be counted, with the reason and what would help.",
        "tonnes a year; USD of 2025", "published",
    ),
    "build_frontier": About(
        "Loss against money", "The least unmet demand at several sums of public money.",
        "tonnes over the horizon; USD of 2025",
    ),
    "stockpile": About(
        "What to stockpile",
        "One row for each product and holder: what the best plan within the budget holds in the end, with the least "
        "and most of plans made from batches of the drawn paths; days of the demand asked about; what one tonne more "
        "would save.",
        "tonnes; USD at the reference price",
    ),
    "stockpile_cover": About(
        "Days of cover",
        "Each product: demand, stock, days that it lasts; expected shortfall and loss over all years, without and with "
        "it.",
        "tonnes; days; USD over all years",
    ),
    "stockpile_purchases": About(
        "What is bought when",
        "Purchases of the plan, the price paid with the pressure of buying, and the share of what the world uses in "
        "that time.",
        "tonnes; USD per tonne; shares from 0 to 1",
    ),
    "stockpile_losses": About(
        "What is lost before and after",
        "Expected loss, and the mean of the worst paths, over all years, with 5 to 95 % of resampled paths.",
        "USD over all years",
    ),
    "stockpile_curve": About(
        "Loss against money", "What is lost with less money, and the bound that no plan can beat.", "USD over all years"
    ),
    "corrections": About(
        "Corrections", "Every correction that closing the network to the statistics took, and why.", basis="both"
    ),
    "fit": About(
        "Agreement with customs",
        "How well the estimated flows agree with customs records: without using them, using them, and for pairs that "
        "were held back.",
        "shares from 0 to 1",
    ),
    **{
        f"chokepoints_{key}": About(
            f"What is lost when a {what} fails",
            "World loses: demand that nobody can meet any more after the best rerouting. First year: plants can grow "
            "by at most 20 %. Zone loses: the part of the aligned countries.",
            _COST,
        )
        for key, what in _FAILS.items()
    },
    **{
        f"chokepoints_{key}_{part}": About(f"{title}, by failing {what}", text)
        for key, what in _FAILS.items()
        for part, title, text in (
            ("losses", "Who loses", "One line for each failure and each user that goes without."),
            ("gains", "Who steps in", "One line for each failure and each site that would carry more than today."),
            ("dominated", "Who has no other way", "Users whose every route passes the item that fails."),
            ("cuts", "The narrowest places", "What limits most tightly how much can reach each user."),
        )
    },
    **{
        f"worst_{key}": About(
            f"The worst set of failing {key}",
            "The set of failures that together costs most. Alone: the loss when only this one fails. Without it: the "
            "loss of the set when this one is spared.",
        )
        for key in _FAILS
    },
    **{
        f"worst_{key}_losses": About(f"Who loses by the worst set of {key}", "Demand that cannot be met.")
        for key in _FAILS
    },
    **{
        name + part: About(title + how, text, unit)
        for name, how in (("reroute", ""), ("reroute_aligned", ", refining aligned"))
        for part, title, text, unit in (
            ("", "Shipments before and after", "Every shipment today and after rerouting.", _COST),
            ("_unmet", "Who goes without", "Demand of each user, and what of it is served.", "tonnes a year"),
            (
                "_coverage",
                "How far aligned plants get",
                "Demand of the zone that plants in aligned countries could cover if all they make went to the zone.",
                "tonnes a year; share from 0 to 1",
            ),
            (
                "_cut",
                "Why no more can be served",
                "The limits that together bound what can be served; each is used up.",
                "tonnes a year",
            ),
            (
                "_shadow",
                "What one more tonne would bring",
                "For each limit: demand served, and USD saved, by one more tonne of it.",
                "tonnes a year; USD per tonne",
            ),
            (
                "_displaced",
                "Who is displaced",
                "Users that get less, so that others get more: than if nobody rerouted; with a rule, than without it.",
                "tonnes a year",
            ),
            ("_edges", "Links before and after", "Tonnes on each link of the network.", "tonnes a year"),
            ("_routes", "Routes in words", "What stopped, and what took its place; the largest first.", _COST),
            ("_shipments_after", "Shipments after", "Every shipment after rerouting, with its route.", "tonnes a year"),
        )
    },
}

#: Heads of columns, where the name with spaces for underscores is not enough.
COLUMNS = {
    "about": "Figure",
    "activity_t": "Tonnes a year",
    "added_cost_usd_t": "Added freight, USD/t",
    "after_t": "After, t",
    "aligned_limit_t": "Aligned capacity, t",
    "before_t": "Before, t",
    "betweenness": "Passing through, t",
    "bound_high": "Most",
    "bound_low": "Least",
    "centrality": "Centrality",
    "centrality_owner": "Centrality by owner",
    "cost_added_usd_t": "Added freight, USD/t",
    "cost_usd_t": "Added freight, USD/t",
    "country_share": "Its country's share",
    "covered_t": "Covered, t",
    "cut_t": "Most that can arrive, t",
    "days": "Days",
    "days_added": "Added days",
    "days_high": "Most days in batches",
    "days_low": "Least days in batches",
    "days_of_cover": "Days of cover",
    "delivered_t": "Delivered, t",
    "demand_t": "Demand, t",
    "difference_t": "Difference, t",
    "displaced_t": "Displaced, t",
    "dominates": "Users with no other way",
    "dominates_t": "Their demand, t",
    "flow_t": "Flow, t",
    "high": "95 %",
    "hold_high_t": "Most in batches, t",
    "hold_low_t": "Least in batches, t",
    "hold_t": "Stock, t",
    "in_min_cut": "In narrowest places of",
    "item": "What",
    "km": "km",
    "km_added": "Added km",
    "limit_t": "Limit, t",
    "loss_alone_t": "Alone, t",
    "loss_existing_t": "Only today's partners, t",
    "loss_share": "of demand",
    "loss_short_t": "First year, t",
    "loss_t": "World loses, t",
    "loss_without_it_t": "Set without it, t",
    "lost_t": "Lost, t",
    "low": "5 %",
    "marginal": "Marginal",
    "misplaced_share": "Tonnes misplaced",
    "more_t": "More, t",
    "named_share": "At named sites",
    "network_t": "Network, t",
    "node": "Id",
    "none": "not refined",
    "ours": "Ours",
    "our_year": "Our year",
    "owner_share": "Its owners' share",
    "quantity_t": "Tonnes a year",
    "rank": "Rank",
    "residual": "Unnamed rest",
    "served_t": "Served, t",
    "served_t_per_t": "Served per tonne, t",
    "share": "Share",
    "share_of_loss": "of the loss",
    "statistic_t": "Statistic, t",
    "stability": "Among the first five in",
    "t": "Trade weight",
    "through_t": "Through it, t",
    "throughput_t": "Tonnes through",
    "unmet_t": "Unmet, t",
    "usd_t": "USD saved per tonne",
    "wgi": "Governance (WGI)",
    "world_cut_t": "Lost if nobody reroutes, t",
    "with_t": "With the rule, t",
    "without_t": "Without it, t",
    "zone": "In the zone",
    "zone_loss_t": "Zone loses, t",
    "zone_unmet_t": "Unmet in the zone, t",
}
#: Columns that are shares and do not say so by their name.
SHARES = {"direct", "traced", "stability", "inescapable"}
#: Columns that hold codes of countries.
CODES = {"country", "owner", "row", "column", "origin_country", "destination_country"}
#: Columns that only machines read; they are in the file.
HIDDEN = {
    *("reference", "claim", "mineral", "origin", "destination", "events"),
    *("from_before", "to_before", "from_after", "to_after"),
}


def about(name: str) -> About:
    """Return what a table is; of one that is not known, its name in words.

    Examples
    --------
    >>> about("refining").title, about("new_table").title
    ('Who refines', 'New table')
    """
    known = TABLES.get(name)
    if known is None and name.endswith("_missing"):
        title = about(name.removesuffix("_missing")).title
        return About(f"{title}: what is missing", "Figures left out, and why.", "none")
    return known or About(name.replace("_", " ").capitalize(), "", "as the columns say")


def head(column: str) -> str:
    """Return the head of a column.

    Examples
    --------
    >>> head("loss_t"), head("own_words")
    ('World loses, t', 'Own words')
    """
    words = column.replace("_", " ").strip()
    return COLUMNS.get(column) or words[:1].upper() + words[1:]
