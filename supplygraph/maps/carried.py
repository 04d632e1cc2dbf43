"""What lines on the map carry: tonnes by product, direction and scenario, with the bounds of today's.

Bounds of a line are the sums of the bounds of the shipments along it. That interval is an outer one: shipments that
take from each other cannot all be at their low or high end at once. Where one shipment has no bounds, the line has
none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.maps import lanes
from supplygraph.maps.pack import Writer, percents, same, short, tonne
from supplygraph.network import schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supplygraph.maps.lanes import Chain, Line, Table
    from supplygraph.maps.pack import Words
    from supplygraph.network.network import SupplyNetwork

#: Digits that leave an integer as it is.
_EXACT = 12


@dataclass(frozen=True)
class Flows:
    """Tonnes per edge used.

    Attributes
    ----------
    edges
        The edges that carry anything in any scenario.
    table
        A row per edge. First a column per product and scenario, scenario running fastest; then the tonnes of today
        that were reported; then, per product, today's low bounds, high bounds, and how many shipments lack them.
    products, scenarios
        How many there are.
    unit
        Tonnes in which flows are written.
    """

    edges: pd.DataFrame
    table: Table
    products: int
    scenarios: int
    unit: float

    @classmethod
    def of(cls, net: SupplyNetwork, shipments: Sequence[pd.DataFrame], number: Mapping[str, int]) -> Flows:
        """Sum the shipments of every scenario over the edges of their routes, in linear time."""
        steps = pd.concat([_steps(frame).assign(scenario=i) for i, frame in enumerate(shipments)], ignore_index=True)
        steps = steps.loc[steps["edge"].isin(net.edges.index)]
        used = pd.Index(sorted(steps["edge"].unique()))
        row = used.get_indexer(steps["edge"])
        product = steps["product"].map(number).to_numpy(int)
        scenario = steps["scenario"].to_numpy(int)
        count, first = len(shipments), len(shipments) * len(number)
        table = np.zeros((len(used), first + 1 + 3 * len(number)))
        flow = steps["flow_t"].to_numpy(float)
        np.add.at(table, (row, product * count + scenario), flow)
        now = scenario == 0
        seen = now & (steps["basis"] == "reported").to_numpy()
        np.add.at(table[:, first], row[seen], flow[seen])
        low, high = (steps[name].to_numpy(float) for name in ("flow_low_t", "flow_high_t"))
        lacking = np.isnan(low) | np.isnan(high)
        for block, values in enumerate((low, high, lacking.astype(float))):
            column = first + 1 + block * len(number) + product
            np.add.at(table, (row[now], column[now]), np.where(lacking, block == 2, values)[now])
        return cls(net.edges.loc[used], table, len(number), count, _unit(table[:, : first + 1]))

    def sea(self, nodes: pd.DataFrame) -> tuple[str, str]:
        """Return merged sea lanes, and the links by sea whose way is not known (drawn dotted)."""
        sea = (self.edges["mode"] == "sea").to_numpy()
        known: tuple[list[Line], list[int]] = ([], [])
        guessed: tuple[list[Line], list[int]] = ([], [])
        ways = sea_lines(self.edges[sea], nodes)
        for row, (edge, line) in zip(np.flatnonzero(sea), ways.items(), strict=True):
            lines, rows = known if line is not None else guessed
            lines.append(line if line is not None else self._arc(edge, nodes))
            rows.append(int(row))
        drawn = [self._chains(lanes.merge(lines, self.table[rows])) for lines, rows in (known, guessed)]
        return drawn[0], drawn[1]

    def _arc(self, edge: str, nodes: pd.DataFrame) -> Line:
        ends = nodes.loc[list(self.edges.loc[edge, ["source", "target"]]), ["lon", "lat"]].to_numpy(float)
        return lanes.great_circle((ends[0, 0], ends[0, 1]), (ends[1, 0], ends[1, 1]))

    def _chains(self, chains: Sequence[Chain]) -> str:
        """Write lines one after the other: how many points, the way from the last point of all to each, the load."""
        writer, last = Writer(), np.zeros((1, 2), dtype=np.int64)
        for chain in chains:
            points = lanes.thin(lanes.unwrap(chain.points))
            writer.plain(len(points))
            writer.signed(*np.diff(points, axis=0, prepend=last).ravel().tolist())
            self.load(writer, chain.flow)
            last = points[-1:]
        return writer.text()

    def legs(self, place: Mapping[str, int], words: Words) -> str:
        """Write land legs, both directions and all products in one: its ends, its mode, its load."""
        land = (~self.edges["mode"].isin(["sea", "onsite"])).to_numpy()
        sums: dict[tuple[int, int, str], Table] = {}
        ends = self.edges.loc[land, ["source", "target", "mode"]]
        for row, (source, target, mode) in zip(self.table[land], ends.itertuples(index=False), strict=True):
            a, b = place[source], place[target]
            key = (min(a, b), max(a, b), str(mode))
            total = sums.setdefault(key, np.zeros((2, self.table.shape[1])))
            total[0 if a <= b else 1] += row
        writer = Writer()
        for (a, b, mode), total in sorted(sums.items()):
            writer.plain(a, b, words.number(mode))
            self.load(writer, total)
        return writer.text()

    def load(self, writer: Writer, flow: Table) -> None:
        """Write what a line carries.

        First twice the number of products, plus one where most of today's tonnes were reported. Then per product eight
        times its number, plus one where tonnes go forward, two where they go backward, four where bounds follow; the
        tonnes in units, each way; today's low and high bound in percent of both ways together, rounded outward.
        """
        first = self.products * self.scenarios
        carried = [n for n in range(self.products) if flow[:, n * self.scenarios : (n + 1) * self.scenarios].any()]
        today = flow[:, : first : self.scenarios].sum()
        writer.plain(2 * len(carried) + int(0 < today <= 2 * flow[:, first].sum()))
        low, high, lacking = flow[:, first + 1 :].sum(axis=0).reshape(3, self.products)
        for number in carried:
            ways = [self._in_units(way) for way in flow[:, number * self.scenarios : (number + 1) * self.scenarios]]
            now = sum(way[0] for way in ways) * self.unit
            bounds = None if lacking[number] else percents(float(low[number]), now, float(high[number]))
            flags = [any(way) for way in ways] + [bounds is not None]
            writer.plain(8 * number + sum(flag << i for i, flag in enumerate(flags)))
            for way in ways:
                if any(way):
                    write_states(writer, way)
            writer.plain(*(bounds or ()))

    def _in_units(self, values: Any) -> list[int]:
        return [round((tonne(value, 3) or 0) / self.unit) for value in values]


def write_states(writer: Writer, values: Sequence[int]) -> None:
    """Write one integer per scenario, none negative; of several first how many numbers follow, see :func:`same`."""
    if len(values) == 1:
        writer.plain(*values)
        return
    written = same(values, _EXACT)
    written = written if isinstance(written, list) else [written]
    writer.plain(len(written), *written)


def links(
    shipments: Sequence[pd.DataFrame], place: Mapping[str, int], number: Mapping[str, int]
) -> tuple[str, list[str | None]]:
    """Write who ships what to whom; return with it the source of each link, None where it has none.

    Parameters
    ----------
    shipments
        One table per scenario, today's first, with the sites ``a`` and ``b``.
    place, number
        Numbers of the sites and products.

    Notes
    -----
    Per link: how far its sender is from the one before, its receiver, four times the product (plus one where some of
    it was reported, two where bounds follow), tonnes by scenario, today's bounds in percent, rounded outward.
    Routes of a pair take from each other: the sums of their bounds hold the bounds of the sum.
    """
    rows = pd.concat([frame.assign(scenario=i) for i, frame in enumerate(shipments)], ignore_index=True)
    rows = rows.loc[rows["a"].isin(place) & rows["b"].isin(place)]
    rows = rows.assign(a=rows["a"].map(place), b=rows["b"].map(place), product=rows["product"].map(number))
    keys = ["a", "b", "product"]
    table = rows.pivot_table(index=keys, columns="scenario", values="flow_t", aggfunc="sum")
    table = table.reindex(columns=range(len(shipments))).fillna(0.0)
    extra = _today(rows, keys).reindex(table.index)
    writer, before = Writer(), 0
    columns = zip(table.index, table.to_numpy(), *(extra[name] for name in ("seen", "low", "high")), strict=True)
    for (a, b, product), flow, seen, low, high in columns:
        bounds = percents(low, float(flow[0]), high)
        writer.plain(a - before, b, 4 * product + int(seen > 0) + 2 * int(bounds is not None))
        write_states(writer, [short(value) for value in flow])
        writer.plain(*(bounds or ()))
        before = a
    return writer.text(), [source if isinstance(source, str) else None for source in extra["source"]]


def _today(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return per link what today's shipments add: reported tonnes, bounds (missing if one is), a source."""
    now = rows.loc[rows["scenario"] == 0]
    now = now.assign(
        seen=now["flow_t"].where(now["basis"] == "reported", 0.0),
        source=now["reference"] if "reference" in now.columns else None,
    ).sort_values("seen", ascending=False, kind="stable")
    groups = now.groupby(keys)
    extra = groups.agg(seen=("seen", "sum"), low=("flow_low_t", "sum"), high=("flow_high_t", "sum"),
                       lows=("flow_low_t", "count"), highs=("flow_high_t", "count"), count=("flow_t", "size"),
                       source=("source", "first"))
    whole = (extra["lows"] == extra["count"]) & (extra["highs"] == extra["count"])
    return extra.assign(low=extra["low"].where(whole), high=extra["high"].where(whole))


def _steps(shipments: pd.DataFrame) -> pd.DataFrame:
    """Return one row per shipment and edge of its route."""
    columns = ["route", "product", "flow_t", "basis", "flow_low_t", "flow_high_t"]
    routed = shipments.loc[shipments["route"].notna(), columns]
    return routed.assign(edge=routed["route"].str.split(schema.LIST_SEPARATOR)).drop(columns="route").explode("edge")


def _unit(table: Table) -> float:
    """Return the unit in which flows on lines are written: a round part of the largest, about one in 50 000."""
    largest = float(table.max(initial=0.0))
    return 10.0 ** (math.floor(math.log10(largest)) - 4) if largest > 0 else 1.0


def sea_lines(edges: pd.DataFrame, nodes: pd.DataFrame) -> dict[str, Line | None]:
    """Return the way over sea of every edge, or None where the lane network does not know its ends."""
    from supplygraph.world.geometry import Stop, leg_lines

    ends = []
    for side in ("source", "target"):
        place = nodes.loc[edges[side], ["lon", "lat"]].to_numpy(float)
        berths = [None if pd.isna(berth) else int(berth) for berth in edges[f"{side}_berth"]]
        ends.append([Stop(node, berth, lon, lat)
                     for node, berth, (lon, lat) in zip(edges[side], berths, place.tolist(), strict=True)])
    legs = list(zip(*ends, edges["distance_km"].astype(float), strict=True))
    ways = [None if line is None else lanes.integer(line) for line in leg_lines(legs)]
    return {edge: None if way is None or len(way) < 2 else way for edge, way in zip(edges.index, ways, strict=True)}
