"""One product on its way: routes between those who make it and those who take it, and who ships how much to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.network.schema import SHIPMENTS
from supplygraph.world import flows, routes, trade
from supplygraph.world.tallies import RULES

if TYPE_CHECKING:
    from supplygraph.world.balance import Floats
    from supplygraph.world.tallies import Books

#: Reference of shipments that no page reports.
ESTIMATE = "flow-estimate"
#: Units of published links that are tonnes of contained metal.
_CONTAINED = ("t Co", "t Ni", "t REO")


@dataclass(frozen=True)
class Draft:
    """What shipping needs to know: processes, where they are, and who is linked to whom."""

    books: Books
    processes: pd.DataFrame
    nodes: pd.DataFrame
    owners: pd.DataFrame
    links: pd.DataFrame
    ties: pd.DataFrame


@dataclass(frozen=True)
class Lane:
    """One product between those who make it and those who take it, before anybody knows who ships to whom.

    Attributes
    ----------
    mineral, product
        What is shipped.
    way
        Routes and what they cost.
    origins, destinations
        As for the estimate, with column ``at`` (position among the places of ``way``).
    held
        What goes into and out of stock: origin, destination, flow_t.
    given
        ``owners``, ``links`` and ``ties``, as for the estimate.
    """

    mineral: str
    product: str
    way: routes.Transport
    origins: pd.DataFrame
    destinations: pd.DataFrame
    held: pd.DataFrame
    given: dict[str, pd.DataFrame]

    @property
    def cost(self) -> Floats:
        """Freight from each origin to each destination."""
        return np.asarray(self.way.cost[np.ix_(self.origins["at"].to_numpy(), self.destinations["at"].to_numpy())])

    def shipments(self, found: flows.Estimate) -> pd.DataFrame:
        """Return an estimate as shipments: a pair over several routes is several."""
        return _shipments(self.way, found, self.origins, self.destinations, self.held)


@dataclass(frozen=True)
class Shipped:
    """One product on its way: shipments, how they fit the customs record, what each observation did."""

    lane: Lane
    shipments: pd.DataFrame
    fit: pd.DataFrame
    report: pd.DataFrame
    bands: pd.DataFrame


def _ends(table: pd.DataFrame, nodes: pd.DataFrame) -> pd.DataFrame:
    """Return the places of some processes, one row per node."""
    at = nodes.set_index("node").loc[sorted(set(table["node"])), ["name", "country", "lon", "lat"]]
    at.index.name = "node"
    return at


def lane(draft: Draft, product: str) -> Lane | None:
    """Route one product; ``None`` where nobody makes it or nobody takes it."""
    processes, chain = draft.processes, draft.books.chain
    out = processes[(processes["output"] == product) & (processes["activity_t"] > 0)].set_index("process")
    into = processes[(processes["input"] == product) & (processes["activity_t"] > 0)].set_index("process")
    if not len(out) or not len(into):
        return None
    out = out.assign(supply_t=out["activity_t"])
    recovery = into["recovery"].where(into["role"] == "transform", 1.0).fillna(1.0)
    into = into.assign(intake_t=into["activity_t"] / recovery)
    into["intake_t"] *= out["supply_t"].sum() / into["intake_t"].sum()  # the books agree to rounding
    held = _stocks(out, into)
    out, into = out[out["role"] != "stock"], into[into["role"] != "stock"]
    out = out.assign(supply_t=out["supply_t"] - held.groupby("origin")["flow_t"].sum().reindex(out.index).fillna(0.0))
    into = into.assign(
        intake_t=into["intake_t"] - held.groupby("destination")["flow_t"].sum().reindex(into.index).fillna(0.0)
    )
    dust = 1e-12 * float(out["supply_t"].sum())  # what is left of a site whose every tonne goes into stock
    out, into = out[out["supply_t"] > dust], into[into["intake_t"] > dust]
    table = chain.products
    gross = float(table.loc[table["product"] == product, "gross_t_per_t"].iloc[0])
    starts, ends = _ends(out, draft.nodes), _ends(into, draft.nodes)
    way = routes.transport(product, gross, starts, ends)
    i, j = starts.index.get_indexer(pd.Index(out["node"])), ends.index.get_indexer(pd.Index(into["node"]))
    year = chain.makers(product).year
    given = {
        "owners": draft.owners,
        "links": _between(in_force(draft.links, year), out, into),
        "ties": _between(in_force(draft.ties, year), out, into),
    }
    return Lane(chain.mineral, product, way, out.assign(at=i), into.assign(at=j), held, given)


def ship(lane: Lane) -> Shipped:
    """Estimate who ships one product to whom."""
    found, fit = trade.estimate(
        lane.mineral, lane.product, lane.origins, lane.destinations, cost=lane.cost, **lane.given
    )
    report = found.report.assign(product=lane.product)
    return Shipped(lane, lane.shipments(found), fit, report, trade.accepted(lane.mineral, lane.product, report))


def in_force(table: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return the links in force in a year: current ones, and those that ended later."""
    if not len(table):
        return table
    status = table["status"].fillna("current").astype(str)
    end = pd.to_numeric(table["end"].astype(str).str[:4], errors="coerce")
    ended = status.str.match(r"(?:stopped|ended|lapsed)") & (end >= year)
    return table[(status == "current") | ended].reset_index(drop=True)


def _between(links: pd.DataFrame, out: pd.DataFrame, into: pd.DataFrame) -> pd.DataFrame:
    """Return links between facilities as links between processes, with tonnes of metal where they are given."""
    columns = ["origin", "destination", "flow_t", "reference"]
    if not len(links):
        return pd.DataFrame(columns=columns)
    rows = links.assign(
        flow_t=pd.to_numeric(links["quantity_t"], errors="coerce").where(
            links["unit"].astype(str).str.startswith(_CONTAINED)
        )
    )
    left = out.reset_index()[["process", "facility"]].rename(columns={"process": "origin", "facility": "supplier"})
    right = into.reset_index()[["process", "facility"]].rename(
        columns={"process": "destination", "facility": "customer"}
    )
    rows = rows.merge(left[left["supplier"] != ""], on="supplier").merge(right[right["customer"] != ""], on="customer")
    rows = rows.drop_duplicates(["origin", "destination"])
    return rows.sort_values(["origin", "destination"], ignore_index=True)[columns]


def _stocks(out: pd.DataFrame, into: pd.DataFrame) -> pd.DataFrame:
    """Return what goes into and out of stock: always on the site of those who make it or take it."""
    rows = []
    for side, other, amount, keys in (
        (into, out, "intake_t", ("destination", "origin")),
        (out, into, "supply_t", ("origin", "destination")),
    ):
        tonnes = "supply_t" if amount == "intake_t" else "intake_t"
        for process, row in side[side["role"] == "stock"].iterrows():
            here = other[(other["node"] == row["node"]) & (other["role"] != "stock")]
            parts = here[tonnes] * (float(row[amount]) / float(here[tonnes].sum()))
            rows += [{keys[0]: process, keys[1]: one, "flow_t": float(part)} for one, part in parts.items() if part > 0]
    return pd.DataFrame(rows, columns=["origin", "destination", "flow_t"])


def _shipments(
    way: routes.Transport, found: flows.Estimate, out: pd.DataFrame, into: pd.DataFrame, held: pd.DataFrame
) -> pd.DataFrame:
    """Return the shipments of one product: a pair over several routes is several shipments."""
    rows = [
        {**row, "product": way.product, "route": None, "basis": "estimated", "reference": RULES}
        for row in held.to_dict("records")
    ]
    for a, b in np.argwhere(found.flow > 0).tolist():
        same = out["node"].iloc[a] == into["node"].iloc[b]
        parts: list[tuple[tuple[str, ...], float]]
        parts = [((), 1.0)] if same else way.split(int(out["at"].iloc[a]), int(into["at"].iloc[b]))
        reported = found.basis[a, b] == "reported"
        rows += [
            {
                "origin": out.index[a],
                "destination": into.index[b],
                "product": way.product,
                "route": ";".join(route) if route else None,
                "flow_t": float(found.flow[a, b]) * share,
                "basis": str(found.basis[a, b]),
                "reference": str(found.reference[a, b]) if reported else ESTIMATE,
            }
            for route, share in parts
        ]
    table = pd.DataFrame(rows).sort_values(["origin", "destination", "route"], ignore_index=True)
    width = max(4, len(str(len(table))))
    table["shipment"] = [f"{way.product}-{k + 1:0{width}d}" for k in range(len(table))]
    return table.reindex(columns=SHIPMENTS.names)
