"""Rows and columns of an exposure: whose demand it is, and who stands behind it (or which straits it passes)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.measures import stages, tracing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.measures.stages import Blocs
    from supplygraph.network.network import SupplyNetwork

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: What rounding leaves of nothing is nothing.
ROUNDING = 1e-12
#: Columns beside the suppliers: of unknown origin; crossed no process of the stage.
UNKNOWN, NONE = "unknown", "none"
#: What the columns may be, and the one other name that is taken for one of them.
COLUMNS = (*stages.GROUPINGS, "passage")
_ALIAS = {"facility": "node"}
#: What the rows may be, and the name of their index.
ROWS = {"factory": "node", "country": "country", "bloc": "bloc"}


@dataclass(frozen=True)
class Question:
    """What is asked: the options of ``exposure``, checked.

    Attributes
    ----------
    to, rows
        What columns and rows are.
    stage
        The stage whose last crossing counts.
    blocs
        Blocs of countries, where rows or columns are blocs.
    """

    to: str
    stage: str
    rows: str
    blocs: Blocs | None = None

    @classmethod
    def of(cls, to: str, stage: str, rows: str, blocs: Blocs | None) -> Question:
        """Check the options.

        Raises
        ------
        UnknownNameError
            If there are no such rows or columns.
        DataError
            If blocs are asked for and not given, or the other way round.
        """
        to = _ALIAS.get(to, to)
        if to not in COLUMNS:
            raise UnknownNameError.of("option `to`", to, (*COLUMNS, *_ALIAS))
        if rows not in ROWS:
            raise UnknownNameError.of("option `rows`", rows, ROWS)
        if ("bloc" in {to, rows}) != (blocs is not None):
            what = "not given, but rows or columns are blocs." if blocs is None else "given, but nothing is by bloc."
            remedy = 'Give to="bloc" or rows="bloc" with blocs={"DEU": "EU", ...} or blocs=sg.forge(as_of=...).'
            raise DataError("no blocs to group by", [Problem("blocs", what, remedy)])
        return cls(to, stage, rows, blocs)

    @property
    def at_sea(self) -> bool:
        """Whether columns are straits, which overlap."""
        return self.to == "passage"


@dataclass(frozen=True, eq=False)
class Chains:
    """A question about a network as arrays.

    Attributes
    ----------
    traced
        The walk back from demand.
    inside
        Per process, whether it belongs to the stage.
    index, row, demand
        Labels of the rows; per process the row that its demand belongs to, -1 = none; tonnes per row.
    columns
        Labels of the columns: suppliers (``unknown`` last), or straits.
    payoff
        Per process and column, the share of it that the supplier stands behind; no rows for straits.
    passes
        Per strait and shipment, whether the one is on the route of the other; no rows for suppliers.
    """

    question: Question
    traced: tracing.Trace
    inside: Bools
    index: pd.Index
    row: Ints
    demand: Floats
    columns: tuple[str, ...]
    payoff: Floats
    passes: Bools

    @classmethod
    def of(cls, net: SupplyNetwork, question: Question) -> Chains:
        """Look a question up in a network."""
        inside = stages.in_stage(net, question.stage).to_numpy(dtype=bool)
        traced = tracing.trace(net)
        index, row = _rows(net, traced, question)
        kept = row >= 0
        demand = np.bincount(row[kept], traced.demand[kept], len(index)).astype(np.float64)
        if question.at_sea:
            columns, passes = _straits(traced)
            payoff = np.zeros((0, len(columns)))
        else:
            columns, payoff = _suppliers(net, traced, question, inside)
            passes = np.zeros((0, len(traced.flow)), dtype=bool)
        return cls(question, traced, inside, index, row, demand, columns, payoff, passes)

    def redrawn(self, net: SupplyNetwork) -> Chains:
        """Return the same question about another draw of an ensemble, which differs in tonnes only."""
        traced = self.traced.redrawn(net)
        if traced is None:
            return Chains.of(net, self.question)
        kept = self.row >= 0
        demand = np.bincount(self.row[kept], traced.demand[kept], len(self.index)).astype(np.float64)
        return replace(self, traced=traced, demand=demand)

    @property
    def sources(self) -> Bools:
        """Processes where the chain of shipments behind a tonne begins: of the stage, or without intake."""
        taking = np.bincount(self.traced.destination, minlength=len(self.row)) > 0
        return self.inside | ~taking

    def shares(self) -> Floats:
        """Return the share of each row's demand by column, mixed in proportion: rows x columns."""
        traced = self.traced
        if not self.question.at_sea:
            return self._by_row(traced.expect(self.inside, self.payoff))
        never, ones = np.ones((len(self.row), len(self.columns))), np.ones(len(self.row))
        for strait, passing in enumerate(self.passes):
            never[:, strait] = traced.expect(self.sources, ones, keep=~passing)
        return np.clip(1.0 - self._by_row(never), 0.0, 1.0)

    def direct(self) -> tuple[tuple[str, ...], Floats]:
        """Return columns, and the share of each row's demand by who shipped it last (or the straits it passed then)."""
        traced = self.traced
        row = self.row[traced.destination]
        last = np.flatnonzero(row >= 0)
        columns, share = self.columns, self.passes[:, last].T.astype(np.float64)
        if not self.question.at_sea:
            sends = np.zeros(len(self.row), dtype=bool)
            sends[traced.origin[last]] = True
            columns, payoff = _suppliers(traced.network, traced, self.question, sends)
            share = payoff[traced.origin[last]]
        tonnes = np.zeros((len(self.index), len(columns)))
        np.add.at(tonnes, row[last], share * traced.flow[last, None])
        return columns, tonnes / self.demand[:, None]

    def _by_row(self, values: Floats) -> Floats:
        """Return the mean of what its processes have, by row, each counting with its demand."""
        kept = np.flatnonzero(self.row >= 0)
        found = np.zeros((len(self.index), values.shape[1]))
        np.add.at(found, self.row[kept], values[kept] * self.traced.demand[kept, None])
        return found / self.demand[:, None]

    def names(self, what: str) -> pd.Series:
        """Return names for people of ``"rows"`` or ``"columns"``."""
        kind = self.question.rows if what == "rows" else self.question.to
        by = {"factory": "node", "node": "node", "passage": "node", "bloc": ""}.get(kind, "country")
        return stages.names(self.traced.network, by) if by else pd.Series(dtype=object)


def _rows(net: SupplyNetwork, traced: tracing.Trace, question: Question) -> tuple[pd.Index, Ints]:
    """Return labels of the rows, and the row of each process of final demand (-1: no demand, or nowhere known)."""
    processes = net.processes
    used = np.flatnonzero(processes["role"].eq("use").to_numpy() & (traced.demand > 0))
    nodes = net.nodes
    label = pd.Series(nodes.index, index=nodes.index) if question.rows == "factory" else nodes["country"]
    if question.rows == "bloc" and question.blocs is not None:
        label = label.map(stages.bloc_of(label.dropna().unique(), question.blocs))
    codes, found = pd.factorize(label.iloc[traced.node[used]], sort=True)
    row = np.full(len(processes), -1, dtype=np.int64)
    row[used] = codes
    return pd.Index(found, name=ROWS[question.rows]), row


def _suppliers(
    net: SupplyNetwork, traced: tracing.Trace, question: Question, inside: Bools
) -> tuple[tuple[str, ...], Floats]:
    """Return who stands behind some processes, and per process the share of each; the unknown last."""
    who = stages.behind(net, question.to, question.blocs if question.to == "bloc" else None)
    at = net.nodes.index.get_indexer(pd.Index(who["node"]))
    of_stage = np.zeros(len(net.nodes), dtype=bool)
    of_stage[traced.node[inside]] = True
    kept = of_stage[at]
    codes, found = pd.factorize(who["by"].to_numpy(dtype=object)[kept], sort=True)
    share = np.zeros((len(of_stage), len(found) + 1))
    np.add.at(share, (at[kept], codes), who["share"].to_numpy(dtype=np.float64)[kept])
    share[:, -1] = np.clip(1.0 - share.sum(axis=1), 0.0, None)
    return (*(str(name) for name in found), UNKNOWN), share[traced.node]


def _straits(traced: tracing.Trace) -> tuple[tuple[str, ...], Bools]:
    """Return the straits that some shipment passes, and which shipments pass them."""
    nodes = traced.network.nodes
    shipment, node = tracing.visits(traced)
    at_sea = nodes["kind"].eq("passage").to_numpy()[node]
    found, place = np.unique(node[at_sea], return_inverse=True)
    passes = np.zeros((len(found), len(traced.flow)), dtype=bool)
    passes[place, shipment[at_sea]] = True
    return tuple(nodes.index[found]), passes
