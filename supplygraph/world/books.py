"""The closed books of one mineral: every process with its tonnes, stage by stage, before anything is shipped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.world import closing
from supplygraph.world.closing import EUROPEAN_UNION, OTHER, Ledger, Rest
from supplygraph.world.sites import running

if TYPE_CHECKING:
    from supplygraph.world.chains import Chain, Feed, Step

RULES = "closing-rules"
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
#: A gap between two stages below this share is rounding in the statistics: one process takes all of it.
SMALL = 1e-3
LINE = (
    "process", "node", "mineral", "stage", "role", "input", "output", "makes", "accepts", "operator", "capacity_t",
    "recovery", "activity_t", "year", "reference", "confidence", "country", "facility", "residual",
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What the books are made of: the tables of one mineral, checked.

    Attributes
    ----------
    facilities
        Index facility, with column node besides the columns of the facts.
    production
        Columns stage, country, year, series, quantity_t, reference.
    demand
        Columns product, country, year, row_set, quantity_t, reference.
    links
        Current links and ties between facilities.
    countries
        Index country; columns name, lon, lat.
    shares
        Columns product, country, share, reference: where a rest is used.
    untraded
        Forms that do not travel.
    """

    facilities: pd.DataFrame
    production: pd.DataFrame
    demand: pd.DataFrame
    links: pd.DataFrame
    countries: pd.DataFrame
    shares: pd.DataFrame
    untraded: frozenset[str] = frozenset()


@dataclass
class Books:
    """Processes, residual nodes and corrections of one mineral, and how its stages compare with the statistics."""

    chain: Chain
    facts: Facts
    ledger: Ledger
    lines: list[dict[str, Any]] = field(default_factory=list)
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    stages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def processes(self) -> pd.DataFrame:
        """All processes so far, one row each."""
        return pd.DataFrame(self.lines, columns=list(LINE))

    def supply(self, product: str) -> float:
        """Tonnes of a product made."""
        return float(sum(x["activity_t"] for x in self.lines if x["output"] == product))

    def intake(self, product: str) -> float:
        """Tonnes of a product taken in."""
        return float(sum(intake(x) for x in self.lines if x["input"] == product))


def intake(line: dict[str, Any]) -> float:
    """Return what a process takes in."""
    recovery = line["recovery"] if line["output"] and line["input"] else 1.0
    return float(line["activity_t"] / recovery)


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
        _balance(books, str(product))
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
        for mines, plants in _pairs(books, feed.input, list(table.index)):
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
    takes = table["accepts"].map(lambda cell: set(_text(cell).split(";")) - {""})
    fits = takes.map(lambda forms: not forms or bool(forms & every)).astype(bool)
    fits |= pd.Series(
        {site: any(_linked_t(books, str(site), f, takes[site]) for f in step.feeds) for site in table.index}
    )
    for site, row in table[~fits & (table["running"] > 0)].iterrows():
        said = f"{site}: takes nothing that an earlier stage makes (it works up what others refined)"
        books.ledger.note(step.stage, str(row["country"]), "left out", (float(row["capacity_t"]), 0.0), said)
    return table[fits]


def _pairs(books: Books, product: str, plants: list[str]) -> list[tuple[list[str], list[str]]]:
    """Return the integrated groups between the listed makers of a product and these plants."""
    makers = [x["facility"] for x in books.lines if x["output"] == product and x["facility"]]
    links = books.facts.links
    links = links[links["supplier"].isin(makers)]
    known = books.facts.facilities
    found = closing.exclusive_pairs(links, known, books.facts.untraded)
    return [(m, p) for m, p in found if set(p) <= set(plants)]


def _close_production(books: Books, step: Step) -> None:
    table = books.facts.production
    rows = table[
        (table["stage"] == step.statistic_stage) & (table["series"] == step.series) & (table["year"] == step.year)
    ]
    rows = rows[["country", "quantity_t", "reference"]].copy()
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
    columns = ["country", "quantity_t", "reference"]
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
    """Compare a stage with its statistic."""
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
    for facility, row in sites.iterrows():
        made = float(closed.activity_t[facility])
        if made <= 0:
            continue
        size = float(closed.capacity_t[facility])
        for feed, share in _feed_shares(books, step, row, made):
            _line(books, step, feed, row.to_dict() | {"facility": facility}, (made * share, size * share))
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
            "makes": "" if role == "use" else _text(site.get("makes")),
            "accepts": _text(site.get("accepts")) if feed else "",
            "operator": _text(site.get("operator")),
            "capacity_t": max(size, made),
            "recovery": feed.recovery if feed and role == "transform" else float("nan"),
            "activity_t": made,
            "year": step.year,
            "reference": site["reference"],
            "confidence": site["confidence"],
            "country": _text(site.get("country")),
            "facility": _text(site.get("facility")),
            "residual": not site.get("facility"),
        }
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _residual_node(books: Books, stage: str, rest: Rest) -> dict[str, Any]:
    """Return the node of an unnamed rest, as a site; its country is missing if that is unknown."""
    mineral, code = books.chain.mineral, rest.country
    noun, kind = NOUNS[stage]
    where, label = code, "world"
    if code == OTHER:
        where, (lon, lat) = "", NOWHERE
    else:
        if code == EUROPEAN_UNION:
            named = {x["country"] for x in books.lines if x["stage"] == stage and x["residual"]}
            where = next(c for c in EU_HOME if c not in named)
        at = books.facts.countries.loc[where]
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


def _feed_shares(books: Books, step: Step, site: pd.Series[Any], made: float) -> list[tuple[Feed | None, float]]:
    """Split a plant over the feeds it can take.

    Linked suppliers first (their capacity over the plant's need), the rest by the column `mixed` of the chain
    among the feeds whose forms the plant accepts.
    """
    if len(step.feeds) < 2:
        return [(step.feeds[0] if step.feeds else None, 1.0)]
    accepts = set(_text(site["accepts"]).split(";")) - {""}
    able = [feed for feed in step.feeds if not accepts or feed.feeds & accepts] or list(step.feeds)
    linked = {feed: _linked_t(books, str(site.name), feed, accepts) for feed in step.feeds}
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
    fits = rows["makes"].map(lambda cell: bool(set(_text(cell).split(";")) & accepts))
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
    capacity = np.maximum(sites["capacity_t"].fillna(0.0).where(weight > 0, 0.0), made)
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
    """Limit sites whose output does not travel to what the plants of their country take in."""
    need = _need(books, step.product)
    stays = sites["makes"].map(lambda cell: bool(_text(cell)) and set(_text(cell).split(";")) <= books.facts.untraded)
    limited = ceiling.copy()
    for country in sorted(set(sites.loc[stays.astype(bool), "country"])):
        inside = sites.index[stays.astype(bool) & (sites["country"] == country)]
        limited[inside] = closing.fill(ceiling[inside], ceiling[inside], need.get(country, 0.0))
    return limited


def _need(books: Books, product: str) -> dict[str, float]:
    """Return what each country's plants take in of a product."""
    need: dict[str, float] = {}
    for line in books.lines:
        if line["input"] == product:
            code = line["country"] or OTHER
            need[code] = need.get(code, 0.0) + intake(line)
    return need


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
    if step.basis == "next":
        return (listed / listed.sum()).sort_index().to_dict()
    need = _need(books, step.product)
    short = (pd.Series(need) - listed.reindex(need).fillna(0.0)).clip(lower=0.0)
    short = short[short > 0]
    return (short / short.sum()).sort_index().to_dict()


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


# -- what stages disagree on -----------------------------------------------------------------------------------------


def _hold_back(books: Books, product: str) -> None:
    """Put into stock what a country makes beyond its own plants' intake while it may not export any of it."""
    step = books.chain.makers(product)
    need = _need(books, product)
    for country in step.banned:
        lines = [x for x in books.lines if x["output"] == product and x["country"] == country]
        left = sum(x["activity_t"] for x in lines) - need.get(country, 0.0)
        if left <= 0:
            continue
        supply = _supply(books, product, lines, _committed(books, product)[0])
        _stocks(
            books, product, lines, closing.split_surplus(supply, left, (country,), books.ledger, step.stage), up=True
        )


def _balance(books: Books, product: str) -> None:
    """Make what is made of a product equal what is taken in, by stock processes."""
    _hold_back(books, product)
    made, taken = books.supply(product), books.intake(product)
    gap = made - taken
    step = books.chain.makers(product)
    if abs(gap) <= 1e-9 * max(made, taken, 1.0):
        return
    if gap > 0:
        lines = [x for x in books.lines if x["output"] == product]
        supply = _supply(books, product, lines, _committed(books, product)[0])
        build = closing.split_surplus(supply, gap, step.restricted, books.ledger, step.stage)
    else:
        lines = [x for x in books.lines if x["input"] == product]
        fixed = _committed(books, product)[1]
        need = _short(books, product, lines, fixed)
        build = need * (-gap / float(need.sum()))
        takers = books.chain.takers(product)
        stage = takers[0].stage if takers else step.stage
        said = "taken in beyond what was made: release (stocks, scrap, uncounted sources) where the country falls short"
        countries = pd.Series({x["process"]: x["country"] or OTHER for x in lines})
        for country, value in build.groupby(countries).sum().items():
            held = float(sum(intake(x) for x in lines if (x["country"] or OTHER) == country))
            books.ledger.note(stage, str(country), "stock release", (held - float(value), held), said)
    if abs(gap) <= SMALL * max(made, taken):
        largest = max(lines, key=lambda x: (x["activity_t"], x["process"]))["process"]
        build = pd.Series({largest: abs(gap)})
    _stocks(books, product, lines, build, up=gap > 0)


def _stocks(books: Books, product: str, lines: list[dict[str, Any]], build: pd.Series[float], *, up: bool) -> None:
    """Enter stock processes, one for each node."""
    by_process = {x["process"]: x for x in lines}
    totals: dict[str, float] = {}
    for process, tonnes in build.items():
        if tonnes > 1e-9:
            node = by_process[str(process)]["node"]
            totals[node] = totals.get(node, 0.0) + float(tonnes)
    for node, tonnes in sorted(totals.items()):
        like = next(x for x in lines if x["node"] == node)
        _stock(books, product, like, tonnes, build_up=up)


def _short(books: Books, product: str, lines: list[dict[str, Any]], fixed: set[str]) -> pd.Series[float]:
    """Return the weights of a release: what each country's plants take beyond what the country makes.

    Within a country in proportion to intake; plants fed by their own mine alone need none.
    """
    made: dict[str, float] = {}
    taken: dict[str, float] = {}
    for x in books.lines:
        if x["output"] == product:
            made[x["country"]] = made.get(x["country"], 0.0) + x["activity_t"]
        if x["input"] == product:
            taken[x["country"]] = taken.get(x["country"], 0.0) + intake(x)
    everything = pd.Series({x["process"]: intake(x) for x in lines})
    free = everything.where(everything.index.isin([x["process"] for x in lines if x["facility"] not in fixed]), 0.0)
    country = pd.Series({x["process"]: x["country"] for x in lines})
    short = {code: max(tonnes - made.get(code, 0.0), 0.0) for code, tonnes in taken.items()}
    needs = free * country.map(short) / free.groupby(country).transform("sum").replace(0.0, np.nan)
    for weights in (needs.fillna(0.0), free):
        if weights.sum() > 0:
            return weights
    return everything


def _committed(books: Books, product: str) -> tuple[dict[str, float], set[str]]:
    """Return what integrated plants take from each of their own mines, and those plants."""
    plants = [x["facility"] for x in books.lines if x["input"] == product and x["facility"]]
    made = {x["facility"]: x["activity_t"] for x in books.lines if x["output"] == product and x["facility"]}
    takes: dict[str, float] = {}
    for x in books.lines:
        if x["input"] == product and x["facility"]:
            takes[x["facility"]] = takes.get(x["facility"], 0.0) + intake(x)
    committed: dict[str, float] = {}
    fixed: set[str] = set()
    for mines, own in _pairs(books, product, plants):
        have = sum(made.get(mine, 0.0) for mine in mines)
        want = min(have, sum(takes.get(plant, 0.0) for plant in own))
        fixed |= set(own)
        for mine in mines:
            committed[mine] = want * made.get(mine, 0.0) / have if have else 0.0
    return committed, fixed


def _supply(books: Books, product: str, lines: list[dict[str, Any]], committed: dict[str, float]) -> pd.DataFrame:
    """Return who makes a product, what is promised to own plants, and what nobody else can take."""
    plants = {
        x["facility"]: set(x["accepts"].split(";")) for x in books.lines if x["input"] == product and x["facility"]
    }
    own: dict[str, set[str]] = {}
    for mines, into in _pairs(books, product, list(plants)):
        takes = set().union(*(plants.get(p, set()) for p in into))
        own |= dict.fromkeys(mines, takes)
    rows = {}
    for x in lines:
        held = committed.get(x["facility"], 0.0)
        only = x["facility"] in own and set(x["makes"].split(";")) <= own[x["facility"]] & books.facts.untraded
        rows[x["process"]] = {
            "country": x["country"],
            "supply_t": x["activity_t"],
            "committed_t": min(held, x["activity_t"]),
            "captive_t": max(x["activity_t"] - held, 0.0) if only else 0.0,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _stock(books: Books, product: str, like: dict[str, Any], tonnes: float, *, build_up: bool) -> None:
    word = "stock" if build_up else "release"
    books.lines.append(
        {
            "process": f"{like['node']}:{word}-{product}",
            "node": like["node"],
            "mineral": books.chain.mineral,
            "stage": "",
            "role": "stock",
            "input": product if build_up else "",
            "output": "" if build_up else product,
            "makes": "",
            "accepts": "",
            "operator": "",
            "capacity_t": tonnes,
            "recovery": float("nan"),
            "activity_t": tonnes,
            "year": like["year"],
            "reference": RULES,
            "confidence": "estimated",
            "country": like["country"],
            "facility": "",
            "residual": like["residual"],
        }
    )
