"""What a shock touches in one network: factors by id, and limits on exports."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from supplygraph.errors import DataError, Problem
from supplygraph.scenario.checks import refuse_unknown
from supplygraph.scenario.clauses import Ban, Clause, Closing
from supplygraph.scenario.stages import in_stages, known_stages

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import pandas as pd

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.checks import Unknown

#: From this share on a site follows its owner's country.
OWNER_SHARE = 0.5
_GATES = ("port", "passage")
_BAN_COLUMNS = ("origin_country", "product", "destination_country", "keep", "limit_t")


@dataclass(frozen=True, eq=False)
class Resolved:
    """A shock on one network.

    Attributes
    ----------
    process_factor, node_factor, edge_factor
        Factors by id: 1 = untouched, 0 = closed; in between a share of today's flow.
    bans
        Columns ``origin_country``, ``product``, ``destination_country`` (missing = every other country), ``keep``: the
        share of today's exports that remains allowed (0 = a ban), and ``limit_t``: the tonnes a year that remain
        allowed. One of the last two is missing in each row.
    """

    process_factor: pd.Series
    node_factor: pd.Series
    edge_factor: pd.Series
    bans: pd.DataFrame

    @property
    def touches_nothing(self) -> bool:
        """Whether the network has nothing that the shock names."""
        calm = all(bool((f == 1.0).all()) for f in (self.process_factor, self.node_factor, self.edge_factor))
        return calm and not len(self.bans)


def resolve(net: SupplyNetwork, clauses: tuple[Clause, ...]) -> Resolved:
    """Find what clauses touch in one network.

    Raises
    ------
    UnknownNameError
        If the network lacks a name.
    DataError
        If conditions contradict each other there, or a quota does not come down to one product.

    Notes
    -----
    Linear in the size of the tables, per clause.
    """
    import pandas as pd

    refuse_unknown(one for clause in clauses for one in _unknown(net, clause))
    factors = [pd.Series(1.0, index=table.index) for table in (net.processes, net.nodes, net.edges)]
    rows: list[dict[str, object]] = []
    problems: list[Problem] = []
    for clause in clauses:
        if isinstance(clause, Ban):
            rows += _banned(net, clause, problems)
            continue
        problems += _contradictions(net, clause)
        for factor, mask in zip(factors, _touched(net, clause), strict=True):
            factor[mask] *= clause.keep
    if problems:
        raise DataError("a shock does not fit this network", problems)
    texts = dict.fromkeys(_BAN_COLUMNS[:3], "str")
    bans = pd.DataFrame(rows, columns=list(_BAN_COLUMNS)).astype(texts | {"keep": "float64", "limit_t": "float64"})
    bans = bans.drop_duplicates().sort_values(list(_BAN_COLUMNS), na_position="first", ignore_index=True)
    return Resolved(factors[0], factors[1], factors[2], bans)


def _unknown(net: SupplyNetwork, clause: Clause) -> Iterable[Unknown]:
    """Yield the names of a clause that the network lacks."""
    products, minerals, stages = set(net.products.index), set(net.products["mineral"]), known_stages(net)
    if isinstance(clause, Ban) and clause.anywhere:
        if not products & set(clause.product):
            yield "product", " or ".join(clause.product), products
        return
    tables: list[tuple[str, tuple[str, ...], Collection[str]]] = [
        ("product", clause.product, products), ("mineral", clause.mineral, minerals), ("stage", clause.stage, stages)
    ]  # fmt: skip
    if isinstance(clause, Closing):
        tables += [("node", clause.node, net.nodes.index), ("edge", clause.edge, net.edges.index)]
        own = {name.removeprefix("passage-") for name in _straits(net)}
        told = tuple(name.removeprefix("passage-") for name in clause.passage)
        refused = tuple(name for name in told if name not in own and name not in _bundled_straits())
        tables.append(("passage", refused, own))
    for kind, given, known in tables:
        yield from ((kind, name, known) for name in given if name not in known)


def _straits(net: SupplyNetwork) -> set[str]:
    return set(net.nodes.index[net.nodes["kind"] == "passage"])


@lru_cache(maxsize=1)
def _bundled_straits() -> frozenset[str]:
    from supplygraph import facts

    return frozenset(facts.read("geo/passages.csv")["passage"])


def _named_sites(net: SupplyNetwork, clause: Closing) -> tuple[str, ...]:
    """Return the sites and straits given by name; a strait goes by its node id, with its prefix or without."""
    straits = _straits(net)
    found = (name if name in straits else f"passage-{name}" for name in clause.passage)
    return clause.node + tuple(name for name in found if name in straits)


def _touched(net: SupplyNetwork, clause: Closing) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Masks of the processes, sites and edges of a closing."""
    import pandas as pd

    nodes, edges, processes = net.nodes, net.edges, net.processes
    place = _place(net, clause)
    goods = _goods(net, clause)
    none_edge, none_node = pd.Series(False, index=edges.index), pd.Series(False, index=nodes.index)
    moved = edges["product"].isin(goods) if goods is not None else ~none_edge
    if clause.edge:
        ends = edges["source"].isin(nodes.index[place]) | edges["target"].isin(nodes.index[place])
        named = pd.Series(edges.index.isin(clause.edge), index=edges.index)
        placed = bool(clause.node or clause.passage or clause.country or clause.owner)
        chosen = named & moved & ends if placed else named & moved
        return pd.Series(False, index=processes.index), none_node, chosen
    here = processes["node"].isin(nodes.index[place])
    if goods is None:
        return here, place, none_edge
    # Goods stop at a port or strait only if it was named: "refining in China" leaves its ports open.
    by_name = nodes.index.isin(_named_sites(net, clause)) & place
    gates = nodes.index[by_name & nodes["kind"].isin(_GATES)]
    touching = edges["source"].isin(gates) | edges["target"].isin(gates)
    passing = moved & touching if len(gates) else none_edge
    return here & _making(net, clause, goods), none_node, passing


def _place(net: SupplyNetwork, clause: Closing) -> pd.Series:
    """Sites that fit the conditions on places."""
    import pandas as pd

    nodes = net.nodes
    place = pd.Series(True, index=nodes.index)
    if clause.node or clause.passage:
        place &= nodes.index.isin(_named_sites(net, clause))
    if clause.country:
        place &= nodes["country"].isin(clause.country)
    if clause.owner:
        owners = net.owners.reset_index()
        held = owners[owners["owner"].isin(clause.owner)].groupby("node")["share"].sum()
        place &= nodes.index.isin(held.index[held >= OWNER_SHARE - 1e-9])
    return place


def _goods(net: SupplyNetwork, clause: Clause) -> set[str] | None:
    """Products a clause is about; None = no condition on goods."""
    products = net.products
    goods: set[str] | None = None
    if clause.product:
        goods = set(clause.product) & set(products.index)
    if clause.mineral:
        of_mineral = set(products.index[products["mineral"].isin(clause.mineral)])
        goods = of_mineral if goods is None else goods & of_mineral
    if clause.stage:
        made = set(net.processes.loc[in_stages(net, clause.stage), "output"].dropna())
        goods = made if goods is None else goods & made
    return goods


def _making(net: SupplyNetwork, clause: Closing, goods: set[str]) -> pd.Series:
    """Return which processes make the goods of a closing."""
    processes = net.processes
    # A stock is not made anywhere, nor what a trader sells, so a stage or a product does not close them.
    made = ~processes["role"].isin(["stock", "trade"])
    made &= in_stages(net, clause.stage) if clause.stage else processes["output"].isin(goods)
    if clause.product:
        made &= processes["output"].isin(clause.product)
    if clause.mineral:
        made &= processes["mineral"].isin(clause.mineral)
    return made


def _contradictions(net: SupplyNetwork, clause: Closing) -> list[Problem]:
    """Conditions of a closing that nothing in this network can meet together."""
    goods, making, where = _goods(net, clause), None, f"Shock.close, {clause.words()}"
    if goods is not None:
        making = _making(net, clause, goods)
        # Goods may move without being made here; only several conditions on goods can contradict each other.
        several = sum(map(bool, (clause.product, clause.stage, clause.mineral))) > 1
        if several and not goods and not making.any():
            return [Problem(where, "no product here is all of this.", _products_told(net))]
    problems = []
    if clause.node:
        sites = net.nodes.loc[list(clause.node)]
        if clause.country and not sites["country"].isin(clause.country).any():
            stands = ", ".join(f"{node} in {sites['country'].fillna('the open sea')[node]}" for node in sites.index)
            problems.append(Problem(where, f"the site does not stand there: {stands}.", "Leave one of the two out."))
        idle = making is not None and not sites.index.isin(net.processes.loc[making, "node"]).any()
        if idle and not clause.edge and not sites["kind"].isin(_GATES).any():
            problems.append(Problem(where, "the site makes nothing of the kind.", "Leave one of the two out."))
    if clause.edge and goods is not None and not net.edges["product"][list(clause.edge)].isin(goods).any():
        carried = ", ".join(f"{edge} carries {net.edges['product'][edge]}" for edge in clause.edge)
        problems.append(Problem(where, f"the edge carries something else: {carried}.", "Leave one of the two out."))
    return problems


def _products_told(net: SupplyNetwork) -> str:
    products = net.products
    return "Products: " + ", ".join(f"{name} ({products['stage'][name]})" for name in products.index) + "."


def _banned(net: SupplyNetwork, clause: Ban, problems: list[Problem]) -> list[dict[str, object]]:
    """Limits on exports, one row for each exporter, product and destination."""
    goods = _goods(net, clause)
    products = sorted(net.products.index if goods is None else goods)
    where = f"Shock.ban, {clause.words()}"
    if not products:
        problems.append(Problem(where, "no product here is all of this.", _products_told(net)))
    if clause.most_t is not None and len(products) > 1:
        what = f"a quota in tonnes needs one product; these are {len(products)}: {', '.join(products)}."
        problems.append(Problem(where, what, "Name one with product=, or add a shock for each."))
    targets: list[str | None] = [*clause.to] if clause.to else [None]
    quota = clause.most_t is not None
    return [
        {"origin_country": country, "product": product, "destination_country": target,
         "keep": None if quota else clause.keep, "limit_t": clause.most_t}
        for country in clause.country
        for product in products
        for target in targets
        if country != target  # deliveries at home go on
    ]  # fmt: skip
