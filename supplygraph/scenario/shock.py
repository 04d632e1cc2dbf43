"""What may go wrong, as a plain value: closures, cuts and export bans."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.scenario.stages import check_stages, in_stages

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from supplygraph.network.network import SupplyNetwork

#: From this share on a site follows its owner's country.
OWNER_SHARE = 0.5
_ISO = re.compile(r"[A-Z]{3}")

Names = str | tuple[str, ...] | list[str] | None


@dataclass(frozen=True)
class _Closing:
    """Everything that fits all the conditions given, kept at ``keep`` of today."""

    node: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    passage: tuple[str, ...] = ()
    edge: tuple[str, ...] = ()
    mineral: tuple[str, ...] = ()
    keep: float = 0.0

    def words(self) -> str:
        what = []
        if self.stage:
            what.append(_and(self.stage))
        if self.product or self.mineral:
            what.append(("of " if what else "") + _and(self.product + self.mineral))
        if self.node or self.passage:
            straits = tuple(name.removeprefix("passage-").replace("_", " ") for name in self.passage)
            what.append(("at " if what else "") + _and(straits + self.node))
        if self.edge:
            what.append("on " + _and(self.edge) if what else _and(self.edge))
        if self.country:
            what.append(("in " if what else "everything in ") + _and(_named(self.country)))
        if self.owner:
            what.append(("" if what else "everything ") + "owned from " + _and(_named(self.owner)))
        return f"{' '.join(what)} {_kept(self.keep)}"


@dataclass(frozen=True)
class _Ban:
    """No exports of some products from some countries, to some or to all others."""

    country: tuple[str, ...]
    product: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    keep: float = 0.0

    def words(self) -> str:
        goods = _and(self.product) if self.product else f"{_and(self.stage)} products" if self.stage else "goods"
        target = f" to {_and(_named(self.to))}" if self.to else ""
        if self.keep:
            return f"{_and(_named(self.country))}: exports of {goods}{target} at {self.keep * 100:.3g} % of today"
        return f"{_and(_named(self.country))}: no exports of {goods}{target}"


@dataclass(frozen=True, eq=False)
class Resolved:
    """A shock on one network.

    Attributes
    ----------
    process_factor, node_factor, edge_factor
        Factors by id: 1 = untouched, 0 = closed; in between a share of today's flow.
    bans
        Columns ``origin_country``, ``product``, ``destination_country`` (missing = every other country) and
        ``keep``: the share of today's exports that remains allowed (0 = a ban).
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


@dataclass(frozen=True, repr=False)
class Shock:
    """A set of closures and bans; add shocks with ``+``. Frozen and hashable.

    Where closings overlap their factors multiply; export limits all hold at once.

    Examples
    --------
    >>> shock = Shock.close(country="CHN", stage="refining", keep=0.5) + Shock.ban("IDN", stage="mining")
    >>> shock.describe()
    'refining in China at 50 % of today; Indonesia: no exports of mining products'
    >>> Shock.close(passage="suez", keep=-1)
    Traceback (most recent call last):
    supplygraph.errors.DataError: a shock cannot be read
      - Shock.close(keep=): is -1; expected a number of at least 0. Give 0 to close, 0.5 to halve, 1.2 for 20 % more.
    """

    clauses: tuple[_Closing | _Ban, ...] = ()

    @classmethod
    def close(
        cls,
        *,
        node: Names = None,
        country: Names = None,
        owner: Names = None,
        product: Names = None,
        stage: Names = None,
        passage: Names = None,
        edge: Names = None,
        mineral: Names = None,
        keep: float = 0.0,
    ) -> Shock:
        """Close, or scale, everything that fits all the conditions given.

        Parameters
        ----------
        node, passage, edge
            Ids of sites, straits and edges.
        country, owner
            ISO alpha-3 codes: where a site stands; who owns at least half of it (``owners.share`` >= 0.5).
        product, stage, mineral
            What is made, or moved. With a place they narrow it: ``country="CHN", stage="refining"`` is
            refining in China and nothing else; a port or strait given by name is closed to these goods only.
        keep
            What remains: 0 closes; below 1 it is a share of *today's flow*, so a halved plant makes half of
            what it makes today and does not ramp up; above 1 it multiplies capacity.

        Notes
        -----
        A stage or a product means the processes that make it. Stock releases and stock builds are closed with
        their site or country, not with a stage. A country alone covers all its sites, ports included.

        Raises
        ------
        DataError
            If nothing is given, ``keep`` is negative or not finite, or a code is not three capital letters.
        """
        clause = _Closing(
            _names("node", node), _codes("country", country), _codes("owner", owner), _names("product", product),
            _names("stage", stage), _names("passage", passage), _names("edge", edge), _names("mineral", mineral),
            _factor(keep),
        )  # fmt: skip
        if not any(getattr(clause, field.name) for field in fields(clause) if field.name != "keep"):
            _refuse("Shock.close()", "names nothing", "Give at least one of node, country, owner, product, stage, "
                    "passage, edge, mineral.")
        return cls((clause,))

    @classmethod
    def ban(
        cls, country: Names, *, product: Names = None, stage: Names = None, to: Names = None, keep: float = 0.0
    ) -> Shock:
        """Ban, or limit, exports from a country; deliveries at home go on.

        Parameters
        ----------
        country
            ISO alpha-3 codes of the countries that ban.
        product, stage
            Ids of products, or the stages whose products are banned; other stages stay open. Neither: all.
        to
            Countries that get nothing; missing = every other country, the unnamed rest of the world included.
        keep
            Share of today's exports (by product, all plants of the country together) that remains allowed.

        Raises
        ------
        DataError
            If a code is not three capital letters, no country is given, or ``keep`` is negative or not finite.
        """
        clause = _Ban(
            _codes("country", country), _names("product", product), _names("stage", stage), _codes("to", to),
            _factor(keep, "Shock.ban(keep=)"),
        )
        if not clause.country:
            _refuse("Shock.ban()", "names no country", "Give an ISO alpha-3 code, for example CHN.")
        return cls((clause,))

    def __add__(self, other: Shock) -> Shock:
        """Return both shocks together."""
        if not isinstance(other, Shock):
            return NotImplemented
        return Shock(self.clauses + other.clauses)

    def describe(self) -> str:
        """Return the shock in words."""
        return "; ".join(clause.words() for clause in self.clauses) or "no shock"

    def __repr__(self) -> str:
        return f"<Shock: {self.describe()}>"

    def resolve(self, net: SupplyNetwork) -> Resolved:
        """Find what the shock touches in one network.

        Raises
        ------
        UnknownNameError
            If a site, strait, edge, product, stage, mineral or country does not exist there. A country that the
            network knows but that has nothing of the kind is no error.
        """
        import pandas as pd

        factors = [pd.Series(1.0, index=table.index) for table in (net.processes, net.nodes, net.edges)]
        bans: list[dict[str, object]] = []
        for clause in self.clauses:
            if isinstance(clause, _Ban):
                bans += _banned(net, clause)
                continue
            for factor, mask in zip(factors, _touched(net, clause), strict=True):
                factor[mask.to_numpy()] *= clause.keep
        names = ["origin_country", "product", "destination_country"]
        frame = pd.DataFrame(bans, columns=[*names, "keep"]).astype(dict.fromkeys(names, "str") | {"keep": "float64"})
        frame = frame.drop_duplicates(ignore_index=True)
        return Resolved(factors[0], factors[1], factors[2], frame)


def _touched(net: SupplyNetwork, clause: _Closing) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Masks of the processes, sites and edges of a closing."""
    import pandas as pd

    nodes, edges, processes = net.nodes, net.edges, net.processes
    _known(net, clause)
    place = pd.Series(True, index=nodes.index)
    if clause.node or clause.passage:
        place &= nodes.index.isin(clause.node + _passages(net, clause.passage))
        if clause.node and clause.passage:
            place &= False
    if clause.country:
        place &= nodes["country"].isin(clause.country)
    if clause.owner:
        owners = net.owners.reset_index()
        held = owners[owners["owner"].isin(clause.owner)].groupby("node")["share"].sum()
        place &= nodes.index.isin(held.index[held >= OWNER_SHARE - 1e-9])
    placed = bool(clause.node or clause.passage or clause.country or clause.owner)
    goods = _goods(net, clause)
    none_edge, none_node = pd.Series(False, index=edges.index), pd.Series(False, index=nodes.index)
    moved = edges["product"].isin(goods) if goods is not None else ~none_edge
    if clause.edge:
        ends = edges["source"].isin(nodes.index[place]) | edges["target"].isin(nodes.index[place])
        named = pd.Series(edges.index.isin(clause.edge), index=edges.index)
        chosen = named & moved & ends if placed else named & moved
        return pd.Series(False, index=processes.index), none_node, chosen
    here = processes["node"].isin(nodes.index[place])
    if goods is None:
        return here, place, none_edge
    # A stock is not made anywhere, so a stage or a product does not close it.
    made = here & processes["output"].isin(goods) & (processes["role"] != "stock")
    if clause.stage:
        made = here & in_stages(net, clause.stage) & (processes["role"] != "stock")
    if clause.product:
        made &= processes["output"].isin(clause.product)
    if clause.mineral:
        made &= processes["mineral"].isin(clause.mineral)
    # Goods stop at a port or strait only if it was named: "refining in China" leaves its ports open.
    by_name = nodes.index.isin(clause.node + _passages(net, clause.passage)) & place
    gates = nodes.index[by_name & nodes["kind"].isin(("port", "passage"))]
    touching = edges["source"].isin(gates) | edges["target"].isin(gates)
    passing = moved & touching if len(gates) else none_edge
    return made, none_node, passing


def _goods(net: SupplyNetwork, clause: _Closing) -> set[str] | None:
    """Products a closing is about; None = no condition on goods."""
    products = net.products
    goods: set[str] | None = None
    if clause.product:
        goods = set(clause.product)
    if clause.mineral:
        of_mineral = set(products.index[products["mineral"].isin(clause.mineral)])
        goods = of_mineral if goods is None else goods & of_mineral
    if clause.stage:
        made = net.processes.loc[in_stages(net, clause.stage), "output"].dropna()
        goods = set(made) if goods is None else goods & set(made)
    return goods


def _banned(net: SupplyNetwork, clause: _Ban) -> list[dict[str, object]]:
    _check_countries(net, clause.country + clause.to)
    _check("product", clause.product, net.products.index)
    check_stages(net, clause.stage)
    products = set(clause.product) if clause.product else set(net.products.index)
    if clause.stage:
        products &= set(net.processes.loc[in_stages(net, clause.stage), "output"].dropna())
    targets: list[str | None] = [*sorted(clause.to)] if clause.to else [None]
    return [
        {"origin_country": country, "product": product, "destination_country": target, "keep": clause.keep}
        for country in clause.country
        for product in sorted(products)
        for target in targets
    ]


def _known(net: SupplyNetwork, clause: _Closing) -> None:
    _check("node", clause.node, net.nodes.index)
    _check("edge", clause.edge, net.edges.index)
    _check("product", clause.product, net.products.index)
    _check("mineral", clause.mineral, set(net.products["mineral"]))
    check_stages(net, clause.stage)
    _check_countries(net, clause.country)
    _check_countries(net, clause.owner)
    _passages(net, clause.passage)


def _passages(net: SupplyNetwork, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the node ids of straits given by node id or without its prefix (``malacca``)."""
    straits = set(net.nodes.index[net.nodes["kind"] == "passage"])
    found = tuple(name if name in straits else f"passage-{name}" for name in names)
    for name, node in zip(names, found, strict=True):
        if node not in straits:
            raise UnknownNameError.of("passage", name, [s.removeprefix("passage-") for s in straits])
    return found


def _check(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = set(known)
    for name in names:
        if name not in known:
            raise UnknownNameError.of(kind, name, known)


def _check_countries(net: SupplyNetwork, codes: tuple[str, ...]) -> None:
    known = {*net.countries.index, *net.nodes["country"].dropna(), *net.owners.reset_index()["owner"].dropna()}
    for code in codes:
        if code not in known and code not in _country_names():
            raise UnknownNameError.of("country", code, known)


def _names(what: str, given: Names) -> tuple[str, ...]:
    if given is None:
        return ()
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if not isinstance(name, str) or not name:
            _refuse(f"Shock({what}=)", f"holds {name!r}; expected names as text", "Give one name or a list of names.")
    return tuple(sorted(set(names)))


def _codes(what: str, given: Names) -> tuple[str, ...]:
    codes = _names(what, given)
    for code in codes:
        if not _ISO.fullmatch(code):
            _refuse(f"Shock({what}=)", f"is {code!r}; expected an ISO 3166-1 alpha-3 code",
                    "Three capital letters, for example CHN, COD, NAM.")
    return codes


def _factor(keep: float, where: str = "Shock.close(keep=)") -> float:
    if isinstance(keep, bool) or not isinstance(keep, (int, float)) or not math.isfinite(keep) or keep < 0:
        _refuse(where, f"is {keep!r}; expected a number of at least 0",
                "Give 0 to close, 0.5 to halve, 1.2 for 20 % more.")
    return float(keep)


def _refuse(where: str, what: str, remedy: str) -> None:
    raise DataError("a shock cannot be read", [Problem(where, what, remedy)])


def _kept(keep: float) -> str:
    return "closed" if keep == 0 else f"at {keep:.4g} times capacity" if keep > 1 else f"at {keep * 100:.3g} % of today"


def _and(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _country_names() -> dict[str, str]:
    from supplygraph import facts

    frame = facts.read("facts/countries.csv")
    return dict(zip(frame["country"], frame["name"], strict=True))


def _named(codes: tuple[str, ...]) -> tuple[str, ...]:
    names = _country_names()
    return tuple(names.get(code, code) for code in codes)
