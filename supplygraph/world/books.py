"""The closed books of one mineral: every process with its tonnes, stage by stage, before anything is shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.world import closing, stocks
from supplygraph.world.closing import EUROPEAN_UNION, OTHER, Ledger, Rest
from supplygraph.world.sites import running
from supplygraph.world.tallies import Books, Facts, intake, need_by_country, pairs, text

if TYPE_CHECKING:
    from supplygraph.world.chains import Chain, Feed, Step

#: What the unnamed rest of a stage is called, and the kind of node it is.
NOUNS = {
    "mining": ("mines", "mine"),
    "feed": ("feed", "mine"),
    "intermediate": ("intermediate plants", "refinery"),
    "smelting": ("smelters", "refinery"),
    "refining": ("refineries", "refinery"),
    "separation": ("separation plants", "refinery"),
    "processing": ("processors and their users", "refinery"),
    "metal": ("metal makers", "refinery"),
    "magnet": ("magnet makers", "factory"),
    "manufacturing": ("users", "factory"),
}
#: Nowhere in particular: off Durban, from where no route is forced through a strait.
NOWHERE = (31.05, -29.87)
#: Where the users of the European Union without a country of their own are booked: the first without a row.
EU_HOME = ("DEU", "FRA", "ITA", "AUT", "ESP", "NLD", "POL")


def keep(chain: Chain, facts: Facts) -> Books:
    """Close every stage of a chain and balance the stages against each other.

    Returns
    -------
    Books
        For each product, what is made equals what is taken in, stock processes included.

    Notes
    -----
    Linear in facilities and countries, for a handful of stages.
    """
    books = Books(chain, facts, Ledger(chain.mineral))
    later = []
    for step in chain.steps:
        if step.basis != "statistic":
            later.append(step)
        elif step.product:
            _close_production(books, step)
        else:
            _close_demand(books, step)
    for step in sorted(later, key=lambda s: (-s.order, s.basis)):
        if step.basis in {"next", "country"}:
            _size_by_next(books, step)
        elif step.basis == "onsite":
            _feed_on_site(books, step)
    for step in later:
        if step.basis == "rest":
            _take_the_rest(books, step)
    for product in chain.products["product"]:
        stocks.balance(books, str(product))
    return books


# -- one stage -------------------------------------------------------------------------------------------------------


def _sites(books: Books, step: Step) -> pd.DataFrame:
    """Return the listed sites of a step, with what the base year and their own mines allow."""
    table = books.facts.facilities
    table = table[table["stage"].isin(step.sites)].sort_index().copy()
    table["running"] = running(table["status"], table["year"], step.year)
    table = _fed(books, step, table)
    table["bound_t"] = np.inf
    for feed in step.feeds:
        made = {x["facility"]: x["activity_t"] for x in books.lines if x["output"] == feed.input}
        for mines, plants in pairs(books, feed.input, list(table.index)):
            have = sum(made.get(mine, 0.0) for mine in mines) * feed.recovery
            size = table.loc[plants, "capacity_t"].fillna(0.0) * table.loc[plants, "running"]
            if have > 0 and size.sum() > 0:
                table.loc[plants, "bound_t"] = have * size / size.sum()
    return table


def _fed(books: Books, step: Step, table: pd.DataFrame) -> pd.DataFrame:
    """Leave out plants that take none of the feeds of their stage, such as those that work up refined metal."""
    every = {form for feed in step.feeds for form in feed.feeds}
    if not every or not all(feed.feeds for feed in step.feeds):
        return table
    takes = table["accepts"].map(lambda cell: set(text(cell).split(";")) - {""})
    fits = takes.map(lambda forms: not forms or bool(forms & every)).astype(bool)
    fits |= pd.Series(
        {site: any(_linked_t(books, str(site), f, takes[site]) for f in step.feeds) for site in table.index}
    )
    for site, row in table[~fits & (table["running"] > 0)].iterrows():
        said = f"{site}: takes nothing that an earlier stage makes (it works up what others refined)"
        books.ledger.note(step.stage, str(row["country"]), "left out", (float(row["capacity_t"]), 0.0), said)
    return table[fits]


def _close_production(books: Books, step: Step) -> None:
    table = books.facts.production
    rows = table[
        (table["stage"] == step.statistic_stage) & (table["series"] == step.series) & (table["year"] == step.year)
    ]
    rows = rows[["country", "quantity_t", "reference", "confidence"]].copy()
    rows["quantity_t"] *= step.factor
    rows = rows.sort_values("country", ignore_index=True)
    sites = _sites(books, step)
    closed = closing.close(sites, rows, books.ledger, step.stage)
    _enter(books, step, sites, closed)
    _told(books, step, rows, step.product)


def _close_demand(books: Books, step: Step) -> None:
    table = books.facts.demand
    rows = table[(table["product"] == step.series) & (table["year"] == step.year)]
    closed_rows = rows[rows["row_set"] == "closed"]
    detail = rows[(rows["row_set"] == "detail") & rows["country"].isin(closing.EU)]
    columns = ["country", "quantity_t", "reference", "confidence"]
    stat = closed_rows[columns].copy()
    union = stat["country"] == EUROPEAN_UNION
    if union.any():
        left = float(stat.loc[union, "quantity_t"].sum()) - float(detail["quantity_t"].sum())
        stat.loc[union, "quantity_t"] = max(left, 0.0)
        stat = pd.concat([stat, detail[columns]], ignore_index=True)
    stat["quantity_t"] *= step.factor
    stat = stat.sort_values("country", ignore_index=True)
    sites = _sites(books, step)
    closed = closing.close(sites, stat, books.ledger, step.stage, use=True)
    _enter(books, step, sites, closed)
    _told(books, step, stat, "")


def _told(books: Books, step: Step, rows: pd.DataFrame, product: str) -> None:
    """Compare a stage with its statistic, and keep that: totals are known by themselves."""
    taken = product or step.feeds[0].input
    for row in rows[["country", "quantity_t", "confidence", "reference"]].to_dict("records"):
        told = {str(name): cell for name, cell in row.items()}
        books.statistics.append({"stage": step.stage, "product": taken, "use": not product} | told)
    single = rows[rows["country"] != "WLD"]
    world = rows.loc[rows["country"] == "WLD"]
    mine = [x for x in books.lines if x["output"] == product and x["stage"] == step.stage and x["role"] != "stock"]
    mine = [x for x in mine if x["input"] in {f.input for f in step.feeds} or not step.feeds]
    total = sum(x["activity_t"] for x in mine)
    named = sum(x["activity_t"] for x in mine if not x["residual"])
    source = world["reference"] if len(world) else single["reference"]
    books.stages.append(
        {
            "mineral": step.mineral,
            "stage": step.stage,
            "product": product or step.feeds[0].input,
            "year": step.year,
            "series": step.series,
            "statistic_t": float(single["quantity_t"].sum()),
            "published_world_t": float(world["quantity_t"].sum()) if len(world) else float("nan"),
            "network_t": float(total),
            "named_share": float(named / total) if total else float("nan"),
            "reference": str(source.iloc[0]),
            "notes": step.note,
        }
    )


# -- entering lines --------------------------------------------------------------------------------------------------


def _enter(books: Books, step: Step, sites: pd.DataFrame, closed: closing.Closed) -> None:
    """Write a closed stage into the books: listed sites by their feeds, then the unnamed rests."""
    rows: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in sites.reset_index().to_dict("records")]
    for row, made, size in zip(rows, closed.activity_t.to_list(), closed.capacity_t.to_list(), strict=True):
        if made > 0:
            for feed, share in _feed_shares(books, step, row, made):
                _line(books, step, feed, row, (made * share, size * share))
    for rest in closed.rests:
        mix = _mix(books, step, rest.country)
        node = _residual_node(books, step.stage, rest)
        for feed, share in mix:
            usual = _usual_forms(books, step, feed, node["country"])
            _line(books, step, feed, node | usual, (rest.quantity_t * share, rest.quantity_t * share))


def _usual_forms(books: Books, step: Step, feed: Feed | None, country: str) -> dict[str, str]:
    """Return what an unnamed rest makes and takes: what the listed sites of its country do (users take anything)."""
    if not step.product:
        return {}
    like = [x for x in books.lines if x["output"] == step.product and x["country"] == country and not x["residual"]]
    like = [x for x in like if x["input"] == (feed.input if feed else "")]
    return {
        side: ";".join(sorted({form for x in like for form in x[side].split(";") if form}))
        if all(x[side] for x in like)
        else ""
        for side in ("makes", "accepts")
    }


def _line(books: Books, step: Step, feed: Feed | None, site: dict[str, Any], tonnes: tuple[float, float]) -> None:
    """Add a process with its activity and capacity; several of one kind at one node get numbers."""
    made, size = tonnes
    product = step.product or (feed.input if feed else "")
    role = "use" if not step.product else ("transform" if feed else "extract")
    name = f"{site['node']}:{'use-' if role == 'use' else ''}{product}"
    count = sum(1 for x in books.lines if x["process"] == name or x["process"].startswith(f"{name}:"))
    books.lines.append(
        {
            "process": name if not count else f"{name}:{count + 1}",
            "node": site["node"],
            "mineral": step.mineral,
            "stage": step.stage,
            "role": role,
            "input": feed.input if feed else "",
            "output": step.product,
            "makes": "" if role == "use" else text(site.get("makes")),
            "accepts": text(site.get("accepts")) if feed else "",
            "operator": text(site.get("operator")),
            "capacity_t": max(size, made),
            "recovery": feed.recovery if feed and role == "transform" else float("nan"),
            "activity_t": made,
            "year": step.year,
            "reference": site["reference"],
            "confidence": site["confidence"],
            "country": text(site.get("country")),
            "facility": text(site.get("facility")),
            "residual": not site.get("facility"),
        }
    )


def _residual_node(books: Books, stage: str, rest: Rest) -> dict[str, Any]:
    """Return the node of an unnamed rest, as a site; its country is missing if that is unknown."""
    mineral, code = books.chain.mineral, rest.country
    noun, kind = NOUNS[stage]
    where, label = code, "world"
    if code == OTHER:
        where, (lon, lat) = "", NOWHERE
    else:
        if code == EUROPEAN_UNION:
            demand = books.facts.demand
            named = set(demand.loc[demand["row_set"] == "detail", "country"])
            where = next(c for c in EU_HOME if c not in named)
        at = books.facts.countries.loc[[where]].to_dict("records")[0]
        lon, lat, label = float(at["lon"]), float(at["lat"]), str(at["name"])
    if code == EUROPEAN_UNION:
        label = f"European Union (booked in {label})"
    node = f"other-{mineral}-{stage}-{'world' if code == OTHER else code.lower()}"
    books.nodes[node] = {
        "node": node,
        "name": f"Other {noun}, {label}",
        "kind": kind,
        "country": where or None,
        "lon": lon,
        "lat": lat,
        "throughput_t": float("inf"),
        "status": "residual",
        "reference": rest.reference,
        "confidence": "low",
    }
    return {"node": node, "country": where, "reference": rest.reference, "confidence": "low"}


# -- feeds -----------------------------------------------------------------------------------------------------------


def _feed_shares(books: Books, step: Step, site: dict[str, Any], made: float) -> list[tuple[Feed | None, float]]:
    """Split a plant over the feeds it can take.

    Linked suppliers first (their capacity over the plant's need), the rest by the column `mixed` of the chain
    among the feeds whose forms the plant accepts.
    """
    if len(step.feeds) < 2:
        return [(step.feeds[0] if step.feeds else None, 1.0)]
    accepts = set(text(site["accepts"]).split(";")) - {""}
    able = [feed for feed in step.feeds if not accepts or feed.feeds & accepts] or list(step.feeds)
    linked = {feed: _linked_t(books, str(site["facility"]), feed, accepts) for feed in step.feeds}
    direct = {feed: min(tonnes * feed.recovery / made, 1.0) for feed, tonnes in linked.items() if tonnes > 0}
    scale = max(1.0, sum(direct.values()))
    shares = {feed: part / scale for feed, part in direct.items()}
    left = 1.0 - sum(shares.values())
    weights = {feed: feed.mixed for feed in able}
    if not sum(weights.values()):
        weights = dict.fromkeys(able, 1.0)
    for feed, weight in weights.items():
        shares[feed] = shares.get(feed, 0.0) + left * weight / sum(weights.values())
    return [(feed, shares[feed]) for feed in step.feeds if shares.get(feed, 0.0) > 1e-9]


def _linked_t(books: Books, plant: str, feed: Feed, accepts: set[str]) -> float:
    """Return what the linked suppliers of one feed can send, in a form the plant takes."""
    maker = books.chain.makers(feed.input)
    table = books.facts.facilities
    links = books.facts.links
    suppliers = links.loc[links["customer"] == plant, "supplier"].unique()
    rows = table.loc[table.index.isin(suppliers) & table["stage"].isin(maker.sites)]
    fits = rows["makes"].map(lambda cell: bool(set(text(cell).split(";")) & accepts))
    rows = rows[fits.astype(bool)]
    return float((rows["capacity_t"].fillna(0.0) * running(rows["status"], rows["year"], maker.year)).sum())


def _mix(books: Books, step: Step, country: str) -> list[tuple[Feed | None, float]]:
    """Return the feeds of an unnamed rest: as its country's listed plants, else as all listed plants."""
    if len(step.feeds) < 2:
        return [(step.feeds[0] if step.feeds else None, 1.0)]
    mine = [x for x in books.lines if x["output"] == step.product and not x["residual"]]
    here = [x for x in mine if x["country"] == country] or mine
    tonnes = {feed.input: sum(x["activity_t"] for x in here if x["input"] == feed.input) for feed in step.feeds}
    total = sum(tonnes.values())
    first = {feed.input: feed for feed in reversed(step.feeds)}
    return [(feed, tonnes[name] / total) for name, feed in first.items() if total and tonnes[name] > 0]


# -- stages without a statistic --------------------------------------------------------------------------------------


def _size_by_next(books: Books, step: Step) -> None:
    """Size a stage by what the next one takes: listed sites first, the rest by their pattern or by the takers'."""
    total = books.intake(step.product)
    sites = _sites(books, step)
    weight, ceiling = closing.expected(sites)
    if step.basis == "country":
        ceiling = _at_home(books, step, sites, ceiling)
    made = pd.Series(closing.fill(weight, ceiling, total), index=sites.index)
    capacity = pd.Series(np.maximum(sites["capacity_t"].fillna(0.0).where(weight > 0, 0.0), made), sites.index)
    spare = float((capacity - made).sum())
    if made.sum() > 0 and spare > closing.SPARE * made.sum():
        capacity = made + (capacity - made) * (closing.SPARE * float(made.sum()) / spare)
    if weight.sum() > 0 and made.sum() > 0:
        said = f"no statistic: sized by the {total:.0f} t that the next stage takes in"
        books.ledger.note(step.stage, "WLD", "sites scaled", (float(weight.sum()), float(made.sum())), said)
    rests = []
    left = total - float(made.sum())
    if left > 1e-6 * total:
        for country, share in _where(books, step, sites, made).items():
            rests.append(Rest(str(country), left * share, step.reference))
            said = "no listed site carries it: one unnamed node"
            books.ledger.note(step.stage, str(country), "unnamed rest", (total, left * share), said)
    _enter(books, step, sites, closing.Closed(made, capacity, rests))
    _unpublished(books, step, total, float(made.sum()))


def _at_home(books: Books, step: Step, sites: pd.DataFrame, ceiling: pd.Series[float]) -> pd.Series[float]:
    """Limit by-product sites to what the plants of their country take in, unless a link abroad is known."""
    need = need_by_country(books, step.product)
    land = books.facts.facilities["country"]
    links = books.facts.links
    abroad = links["supplier"].map(land).ne(links["customer"].map(land)) & links["customer"].isin(land.index)
    stays = ~sites.index.to_series().isin(links.loc[abroad, "supplier"])
    limited = ceiling.copy()
    for country in sorted(set(sites.loc[stays, "country"])):
        inside = sites.index[stays & (sites["country"] == country)]
        limited[inside] = closing.fill(ceiling[inside], ceiling[inside], need.get(country, 0.0))
    return limited


def _unpublished(books: Books, step: Step, total: float, named: float) -> None:
    """Enter a stage that nobody publishes a statistic of."""
    books.stages.append(
        {
            "mineral": step.mineral,
            "stage": step.stage,
            "product": step.product or step.feeds[0].input,
            "year": step.year,
            "series": "",
            "statistic_t": float("nan"),
            "published_world_t": float("nan"),
            "network_t": total,
            "named_share": named / total if total else float("nan"),
            "reference": step.reference,
            "notes": step.note,
        }
    )


def _where(books: Books, step: Step, sites: pd.DataFrame, made: pd.Series[float]) -> dict[str, float]:
    """Return the countries of a rest without a statistic, as shares: where it is made, or where it is taken in."""
    listed = made.groupby(sites["country"]).sum()
    made_in = {str(country): float(tonnes) for country, tonnes in listed.items() if tonnes > 0}
    if step.basis == "next":
        wanted = made_in
    else:
        need = need_by_country(books, step.product)
        wanted = {code: tonnes - made_in.get(code, 0.0) for code, tonnes in need.items()}
        wanted = {code: tonnes for code, tonnes in wanted.items() if tonnes > 0}
    total = sum(wanted.values())
    return {code: wanted[code] / total for code in sorted(wanted)}


def _feed_on_site(books: Books, step: Step) -> None:
    """Let a feed that is bought everywhere appear on the site of each plant that takes it."""
    takers = [x for x in books.lines if x["input"] == step.product]
    for line in takers:
        tonnes = intake(line)
        size = line["capacity_t"] / line["recovery"]
        site = line | {"makes": "", "facility": line["facility"], "reference": step.reference}
        _line(books, step, None, site, (tonnes, size))
    total = sum(intake(x) for x in takers)
    _unpublished(books, step, total, sum(intake(x) for x in takers if not x["residual"]))


def _take_the_rest(books: Books, step: Step) -> None:
    """Use up what no other stage takes: unnamed makers by the given shares, and their users at the same place."""
    feed = step.feeds[0]
    left = books.supply(feed.input) - books.intake(feed.input)
    if left <= 0:
        return
    users = next(s for s in books.chain.takers(step.product) if not s.product)
    table = books.facts.shares[books.facts.shares["product"] == step.product].sort_values("country")
    for row in table.to_dict("records"):
        tonnes = left * feed.recovery * float(row["share"]) / float(table["share"].sum())
        rest = Rest(str(row["country"]), tonnes, str(row["reference"]))
        node = _residual_node(books, step.stage, rest)
        for stage, source in ((step, feed), (users, users.feeds[0])):
            _line(books, stage, source, node, (tonnes, tonnes))
        said = "share of industrial use assumed"
        books.ledger.note(step.stage, str(row["country"]), "unnamed rest", (left, tonnes), said)
    for stage in (step, users):
        _unpublished(books, stage, left * feed.recovery, 0.0)
