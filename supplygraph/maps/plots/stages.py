"""What a Sankey diagram of a network shows: tonnes between countries, stage by stage."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplygraph.network.network import SupplyNetwork

#: Keys of nodes that are no country of their own.
OTHER, UNKNOWN, STOCK = "other", "unknown", "stock"
USE = "use"
#: A named country with less of a column than this is one of the others there.
_LEAST = 0.005
_COLUMNS = ["column", "key", "to_column", "to_key", "reported_t", "estimated_t"]
#: Words for the last column.
_USES = (USE, "manufacturing")


@dataclass(frozen=True)
class Stages:
    """Tonnes between countries, stage by stage.

    Attributes
    ----------
    titles
        Names of the columns, from mine to use.
    links
        One row per pair: ``column``, ``key`` (country, ``other``, ``unknown`` or ``stock``), ``to_column``, ``to_key``,
        ``reported_t``, ``estimated_t``.
    named
        Countries that are drawn by name, the largest first.
    folded
        How many countries are behind ``other``, by column.
    inside_t
        Tonnes that stay inside a column (between traders): they are not drawn.
    factor
        How wide estimates are: upper over lower end of the interval of a single shipment, which half of the estimated
        tonnes reach; missing where no intervals are given.
    """

    titles: list[str]
    links: pd.DataFrame
    named: list[str]
    folded: dict[int, int]
    inside_t: float
    factor: float

    def nodes(self) -> pd.DataFrame:
        """Return one row per node: ``column``, ``key``, ``in_t``, ``out_t``."""
        links = self.links.assign(t=self.links["reported_t"] + self.links["estimated_t"])
        out = links.groupby(["column", "key"])["t"].sum().rename("out_t")
        into = links.groupby(["to_column", "to_key"])["t"].sum().rename("in_t")
        into.index.names = ["column", "key"]
        return pd.concat([into, out], axis=1).fillna(0.0).sort_index().reset_index()

    def shares(self, country: str) -> list[tuple[str, float]]:
        """Return the share of a country in what each column ships (in the last: receives)."""
        nodes = self.nodes()
        found = []
        for column, title in enumerate(self.titles):
            mine = nodes[nodes["column"] == column]
            amount = mine["in_t" if column == len(self.titles) - 1 else "out_t"]
            if amount.sum() > 0:
                found.append((title, float(amount[mine["key"] == country].sum() / amount.sum())))
        return found


def of(net: SupplyNetwork, stages: Iterable[str] | None, top: int, keep: tuple[str, ...]) -> Stages:
    """Sum up the shipments of a network by stage and country.

    Parameters
    ----------
    net
        A network of one mineral.
    stages
        Columns to keep; all unless given.
    top
        Countries to name, by their largest share of any column; the rest of a column is one node.
    keep
        Countries to name in any case.

    Raises
    ------
    DataError
        If the network holds several minerals or no shipments, or nothing is shipped between the stages asked for.
    UnknownNameError
        If there is no such stage or country.
    """
    minerals = sorted(net.processes["mineral"].dropna().unique())
    if len(minerals) > 1:
        remedy = "Draw one at a time: net.select(mineral=...).plot()."
        problem = Problem("network", f"holds {', '.join(minerals)}", remedy)
        raise DataError("several minerals have no common tonne", [problem])
    flows, titles = _flows(net)
    if not flows["flow_t"].sum() > 0:
        raise DataError("nothing to draw", [Problem("shipments", "there are none", "Give shipments with flow_t.")])
    if stages is not None:
        flows, titles = _kept(flows, titles, [stages] if isinstance(stages, str) else list(stages))
    inside = float(flows["flow_t"][flows["to_column"] <= flows["column"]].sum())
    flows = flows[flows["to_column"] > flows["column"]]
    countries = _ranked(flows)
    for country in keep:
        if country not in countries:
            raise UnknownNameError.of("country", country, countries)
    named = [country for country in countries if country in {*keep, *countries[:top]}]
    return _folded(flows, [title for _, title in titles], named, keep, inside)


def _flows(net: SupplyNetwork) -> tuple[pd.DataFrame, list[tuple[tuple[str, ...], str]]]:
    """Return shipments between columns, and per column the stages it holds and its title."""
    place, held = _places(net)
    processes, sent = net.processes, net.shipments
    state = processes["node"].map(net.nodes["country"])
    key = state.where(state.notna(), UNKNOWN).mask(processes["role"] == "stock", STOCK)
    columns = sorted(held)
    column = place.map({position: number for number, position in enumerate(columns)})
    reported = (sent["basis"] == "reported").to_numpy(dtype=bool)
    flows = pd.DataFrame({
        "column": sent["origin"].map(column).to_numpy(), "key": sent["origin"].map(key).to_numpy(),
        "to_column": sent["destination"].map(column).to_numpy(), "to_key": sent["destination"].map(key).to_numpy(),
        "flow_t": sent["flow_t"].to_numpy(dtype=np.float64), "reported": reported,
        "low": sent["flow_low_t"].to_numpy(dtype=np.float64), "high": sent["flow_high_t"].to_numpy(dtype=np.float64),
    })  # fmt: skip
    titles = [(held[position], ", ".join(held[position]).replace("_", " ").capitalize()) for position in columns]
    return flows[flows["flow_t"] > 0], titles


def _places(net: SupplyNetwork) -> tuple[pd.Series, dict[float, tuple[str, ...]]]:
    """Return where each process stands along the chain, and the stages at each place.

    By the order of what it makes; traders just behind what they pass on; what is put in stock one step on.
    """
    processes, products = net.processes, net.products
    order = products["order"].astype("float64")
    made, taken = processes["output"].map(order), processes["input"].map(order)
    role = processes["role"]
    steps = np.array(sorted({*made[(role != "use") & (role != "trade")].dropna(), math.inf}))
    after = pd.Series(steps[np.searchsorted(steps, taken.fillna(-math.inf), side="right").clip(max=len(steps) - 1)],
                      index=processes.index)  # fmt: skip
    place = made.where(role != "trade", taken + 0.5).where(role != "use", math.inf)
    place = place.where(~((role == "stock") & made.isna()), after)
    used = place[place.index.isin({*net.shipments["origin"], *net.shipments["destination"]})]
    stage = {position: tuple(dict.fromkeys(products["stage"][order == position].dropna())) for position in set(order)}
    held = {float(at): stage.get(at, ("trade",)) or ("stage",) for at in used.dropna().unique() if at != math.inf}
    if (used == math.inf).any():
        held[math.inf] = (USE,)
    return place, held


def _kept(
    flows: pd.DataFrame, titles: list[tuple[tuple[str, ...], str]], asked: list[str]
) -> tuple[pd.DataFrame, list[tuple[tuple[str, ...], str]]]:
    """Keep the columns of some stages, and what is shipped between them."""
    known = {stage for held, _ in titles for stage in held}
    wanted = [USE if stage in _USES else stage for stage in asked]
    for given, stage in zip(asked, wanted, strict=True):
        if stage not in known:
            raise UnknownNameError.of("stage", given, known)
    kept = [number for number, (held, _) in enumerate(titles) if set(held) & set(wanted)]
    new = {number: position for position, number in enumerate(kept)}
    flows = flows.assign(column=flows["column"].map(new), to_column=flows["to_column"].map(new))
    flows = flows.dropna(subset=["column", "to_column"])
    if flows.empty:
        names = ", ".join(title for _, title in titles)
        what = f"nothing is shipped directly between {', '.join(asked)}"
        problem = Problem("stages", what, f"Columns: {names}.")
        raise DataError("nothing to draw", [problem])
    return flows.astype({"column": int, "to_column": int}), [titles[number] for number in kept]


def _ranked(flows: pd.DataFrame) -> list[str]:
    """Return the countries by their largest share of what any column ships or receives."""
    ends = [("column", "key"), ("to_column", "to_key")]
    parts = []
    for ordinal, (column, key) in enumerate(ends):
        tonnes = flows.groupby([column, key])["flow_t"].sum()
        share = tonnes / tonnes.groupby(level=0).transform("sum")
        parts.append(share.groupby(level=1).max().rename(str(ordinal)))
    most = pd.concat(parts, axis=1).max(axis=1).drop([UNKNOWN, STOCK], errors="ignore")
    return sorted(map(str, most.index), key=lambda country: (-most[country], country))


def _folded(
    flows: pd.DataFrame, titles: list[str], named: list[str], keep: tuple[str, ...], inside: float
) -> Stages:
    """Fold the countries that are not named, or too small to see, into one node a column, and sum up."""
    ends = [flows[["column", "key", "flow_t"]],
            flows[["to_column", "to_key", "flow_t"]].set_axis(["column", "key", "flow_t"], axis=1)]  # fmt: skip
    sides = [end.groupby(["column", "key"])["flow_t"].sum() for end in ends]
    shares = pd.concat([side / side.groupby(level=0).transform("sum") for side in sides], axis=1).max(axis=1)
    own = {*keep, UNKNOWN, STOCK}
    pairs = zip(shares.index.get_level_values(0), shares.index.get_level_values(1), shares, strict=True)
    rest = {(column, key) for column, key, share in pairs
            if key not in own and (key not in named or share < _LEAST)}  # fmt: skip
    folded: dict[int, int] = {}
    for column, _ in rest:
        folded[int(column)] = folded.get(int(column), 0) + 1
    keys = {}
    for side, key in (("column", "key"), ("to_column", "to_key")):
        ends_of = zip(flows[side], flows[key], strict=True)
        keys[key] = [OTHER if end in rest else end[1] for end in ends_of]
    reported = flows["reported"].to_numpy(dtype=bool)
    table = flows.assign(
        **keys, reported_t=flows["flow_t"].where(reported, 0.0), estimated_t=flows["flow_t"].mask(reported, 0.0)
    ).astype({"column": int, "to_column": int})
    links: Any = table.groupby(_COLUMNS[:4], sort=True)[_COLUMNS[4:]].sum().reset_index()
    return Stages(titles, links, named, folded, inside, _factor(flows[~reported]))


def _factor(flows: pd.DataFrame) -> float:
    """Return the factor between the ends of an interval that half of the tonnes reach."""
    known = flows[flows["low"].notna() & flows["high"].notna()]
    if known.empty:
        return math.nan
    low, high, tonnes = (known[name].to_numpy(dtype=np.float64) for name in ("low", "high", "flow_t"))
    factor = np.divide(high, low, out=np.full(len(low), np.inf), where=low > 0)
    order = np.argsort(-factor, kind="stable")
    place = np.searchsorted(np.cumsum(tonnes[order]), tonnes.sum() / 2)
    return float(factor[order][min(place, len(order) - 1)])
