"""What the stages of one mineral disagree on: stock processes, where the rules put them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from supplygraph.world import closing
from supplygraph.world.closing import OTHER
from supplygraph.world.tallies import RULES, Books, intake, need_by_country, pairs

#: A gap between two stages below this share is rounding in the statistics: one process takes all of it.
SMALL = 1e-3


def _hold_back(books: Books, product: str) -> None:
    """Put into stock what a country makes beyond its own plants' intake while it may not export any of it."""
    step = books.chain.makers(product)
    need = need_by_country(books, product)
    for country in step.banned:
        lines = [x for x in books.lines if x["output"] == product and x["country"] == country]
        left = sum(x["activity_t"] for x in lines) - need.get(country, 0.0)
        if left <= 0:
            continue
        supply = _supply(books, product, lines, _committed(books, product)[0])
        _stocks(
            books, product, lines, closing.split_surplus(supply, left, (country,), books.ledger, step.stage), up=True
        )


def balance(books: Books, product: str) -> None:
    """Make what is made of a product equal what is taken in, by stock processes."""
    _hold_back(books, product)
    made, taken = books.supply(product), books.intake(product)
    gap = made - taken
    step = books.chain.makers(product)
    if abs(gap) <= 1e-9 * max(made, taken, 1.0):
        return
    up = gap > 0
    lines = [x for x in books.lines if x["output" if up else "input"] == product and x["role"] != "stock"]
    if abs(gap) <= SMALL * max(made, taken):
        largest = max(lines, key=lambda x: (x["activity_t"], x["process"]))
        build = pd.Series({largest["process"]: abs(gap)})
        said = "rounding of the statistics, at the largest site"
        word, country = ("stock build" if up else "stock release"), largest["country"] or OTHER
        books.ledger.note(step.stage, country, word, (largest["activity_t"], largest["activity_t"] - gap), said)
    elif up:
        supply = _supply(books, product, lines, _committed(books, product)[0])
        build = closing.split_surplus(supply, gap, step.restricted, books.ledger, step.stage)
    else:
        build = _release(books, product, lines, -gap)
    _stocks(books, product, lines, build, up=up)


def _release(books: Books, product: str, lines: list[dict[str, Any]], gap: float) -> pd.Series[float]:
    """Share out what was taken in beyond what was made."""
    need = _short(books, product, lines, _committed(books, product)[1])
    build = need * (gap / float(need.sum()))
    stage = next(step.stage for step in books.chain.takers(product))
    said = "taken in beyond what was made: release (stocks, scrap, uncounted sources) where the country falls short"
    countries = pd.Series({x["process"]: x["country"] or OTHER for x in lines})
    for country, value in build.groupby(countries).sum().items():
        if value > 0:
            held = float(sum(intake(x) for x in lines if (x["country"] or OTHER) == country))
            books.ledger.note(stage, str(country), "stock release", (held - float(value), held), said)
    return build


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
        name = f"{node}:{'stock' if up else 'release'}-{product}"
        before = next((x for x in books.lines if x["process"] == name), None)
        if before is None:
            _stock(books, product, like, tonnes, build_up=up)
        else:
            before["activity_t"] = before["capacity_t"] = before["activity_t"] + tonnes


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
    for mines, own in pairs(books, product, plants):
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
    for mines, into in pairs(books, product, list(plants)):
        takes = set().union(*(plants.get(p, set()) for p in into))
        own |= dict.fromkeys(mines, takes)
    total: dict[str, float] = {}
    for x in lines:
        total[x["node"]] = total.get(x["node"], 0.0) + x["activity_t"]
    stored = {x["node"]: x["activity_t"] for x in books.lines if x["input"] == product and x["role"] == "stock"}
    rows = {}
    for x in lines:
        left = 1.0 - min(stored.get(x["node"], 0.0) / total[x["node"]], 1.0)
        held = committed.get(x["facility"], 0.0)
        only = x["facility"] in own and set(x["makes"].split(";")) <= own[x["facility"]] & books.facts.untraded
        rows[x["process"]] = {
            "country": x["country"],
            "supply_t": x["activity_t"] * left,
            "committed_t": min(held, x["activity_t"] * left),
            "captive_t": max(x["activity_t"] * left - held, 0.0) if only else 0.0,
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
