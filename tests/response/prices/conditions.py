"""Every condition of an equilibrium, checked from its public tables alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: What all origins lose together counts a quarter of what one loses to the others.
TOGETHER = 0.25


def check(answer, net, *, relink=300.0, near=1e-6):
    """Assert that markets clear and that nobody who runs loses or could gain; contracts are left out."""
    table, response = answer.table, answer.elasticities["central"]
    clear(answer, net, near)
    before, after = (table[name].to_dict() for name in ("price_before_usd_t", "price_usd_t"))
    scale = np.nanmax(table["price_usd_t"])
    makers(answer, net, before, after, response, near)
    users(answer, net, before, after, response, near)
    links(answer, before, after, response, relink, near * scale)
    floors(answer, near * scale)


def clear(answer, net, near):
    table = answer.table
    stocks = net.processes[net.processes["role"] == "stock"]
    place = stocks["node"].map(net.nodes["country"]).astype(object).fillna("OTH")
    sign = np.where(stocks["input"].notna(), 1.0, -1.0)
    goods = stocks["input"].fillna(stocks["output"])
    moved = pd.Series(sign * stocks["activity_t"]).groupby(place + ":" + goods).sum()
    left = table["produced_t"] + table["imported_t"] - table["used_t"] - table["exported_t"]
    left = left - moved.reindex(table.index).fillna(0.0)
    assert (left.abs() <= near * max(table["produced_t"].max(), 1.0)).all(), left[left.abs() > near]


def makers(answer, net, before, after, response, near):
    """From a sourced cost a plant follows its margin; without one its output follows the elasticity."""
    rows = answer.quantities[~answer.quantities["project"]]
    known = answer.viable["cost_usd_t"].reindex(rows.index)
    processes = net.processes
    for process, row in rows.iterrows():
        own, market = processes.loc[process], f"{row['country']}:{row['product']}"
        if row["before_t"] <= 0:
            continue
        if np.isnan(after[market]):  # nobody trades there any more
            assert row["after_t"] == 0
            continue
        margins = [price[market] for price in (before, after)]
        if isinstance(own["input"], str):
            source = f"{row['country']}:{own['input']}"
            margins = [margin - price[source] / own["recovery"]
                       for margin, price in zip(margins, (before, after), strict=True)]  # fmt: skip
        if known[process] < margins[0]:
            expected = row["before_t"] * (margins[1] - known[process]) / (margins[0] - known[process])
        else:
            rise = (margins[1] - margins[0]) / before[market]
            expected = row["before_t"] * (1 + response["supply", row["product"]] * rise)
        if answer.params["run"] == "short":
            expected = min(expected, max(row["capacity_t"], row["before_t"]))
        assert abs(row["after_t"] - max(expected, 0.0)) <= near * max(row["before_t"], 1.0), process


def users(answer, net, before, after, response, near):
    processes = net.processes
    place = processes["node"].map(net.nodes["country"]).astype(object).fillna("OTH")
    uses = processes["role"] == "use"
    today = processes.loc[uses, "activity_t"].groupby(place[uses] + ":" + processes.loc[uses, "input"]).sum()
    plants = answer.quantities
    source, recovery = (processes[column].reindex(plants.index) for column in ("input", "recovery"))
    intake = (plants["after_t"] / recovery.fillna(1.0)).groupby(plants["country"] + ":" + source).sum()
    for market, tonnes in today.items():
        product = market.split(":", 1)[1]
        final = answer.table.loc[market, "used_t"] - intake.get(market, 0.0)
        expected = tonnes * (1 - response["demand", product] * (after[market] / before[market] - 1))
        assert abs(final - max(expected, 0.0)) <= near * max(tonnes, 1.0), market


def links(answer, before, after, response, relink, near):
    flows = answer.flows.join(answer.duties[["duty_usd_t", "tariff_usd_t", "floor_usd_t"]])
    flows = flows.fillna({"duty_usd_t": 0.0, "tariff_usd_t": 0.0})
    flows["today_t"] = flows["after_t"] - flows["beyond_today_t"]
    target = flows["destination"] + ":" + flows["product"]
    arrives = flows.groupby(target)[["before_t", "today_t"]].sum()
    for pair, row in flows.iterrows():
        source, to = f"{row['origin']}:{row['product']}", f"{row['destination']}:{row['product']}"
        gap = before[to] - before[source]
        if np.isnan(after[to] + after[source]):
            assert row["after_t"] == 0
            continue
        if row["before_t"] > 0:
            share = row["before_t"] / arrives.loc[to, "before_t"]
            moved = arrives.loc[to, "today_t"]
            move = row["today_t"] - share * moved + TOGETHER * share * (moved - arrives.loc[to, "before_t"])
            way = gap + before[to] / (response["origins", row["product"]] * row["before_t"]) * move
            duty = row["duty_usd_t"]
            if row["today_t"] <= 0 and row["floor_usd_t"] > 0:  # what a first tonne would pay
                duty = max(row["floor_usd_t"] - after[source] - way, row["tariff_usd_t"])
            loss = after[source] + way + duty - after[to]
            assert loss >= -near, pair
            assert row["today_t"] <= 1e-6 or abs(loss) <= near, pair
        if row["beyond_today_t"] > 0:
            assert after[source] + max(gap, row["freight_usd_t"]) + relink + row["duty_usd_t"] <= after[to] + near, pair


def floors(answer, near):
    duties, table = answer.duties, answer.table
    for _, row in duties[duties["floor_usd_t"].notna()].iterrows():
        price = table.loc[f"{row['destination']}:{row['product']}", "price_usd_t"]
        assert abs(row["levy_usd_t"] - max(row["floor_usd_t"] - row["landed_usd_t"], 0.0)) <= near
        if row["flow_t"] > 0:
            assert price >= row["floor_usd_t"] - near
            assert abs(price - max(row["floor_usd_t"], row["landed_usd_t"])) <= near
