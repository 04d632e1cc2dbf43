"""Parts of a network, its fingerprint, and sums over shipments: work on canonical tables."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.network.columns import among, flat
from supplygraph.network.schema import LIST_SEPARATOR, TABLES

if TYPE_CHECKING:
    from collections.abc import Collection

Tables = dict[str, pd.DataFrame]


def steps(shipments: pd.DataFrame) -> pd.Series[Any]:
    """Return the edges of all routes, in order, indexed by shipment; shipments inside one site have none."""
    return shipments["route"].dropna().str.split(LIST_SEPARATOR).explode()


def edge_flow(tables: Tables) -> pd.Series[Any]:
    """Return tonnes a year over each edge: the sum of the shipments over it."""
    sent = tables["shipments"]
    way = steps(sent)
    tonnes = pd.Series(sent["flow_t"].reindex(way.index).to_numpy(), index=pd.Index(way, dtype="str"), dtype="float64")
    return tonnes.groupby(level=0).sum().reindex(tables["edges"].index, fill_value=0.0).rename("flow_t")


def select(
    tables: Tables,
    *,
    minerals: list[str] | None,
    products: list[str] | None,
    kinds: list[str] | None,
    countries: list[str] | None,
) -> Tables:
    """Return the tables of the part that meets all conditions given (None = any)."""
    nodes, processes, edges, goods = (tables[n] for n in ("nodes", "processes", "edges", "products"))
    if kinds is not None:
        nodes = nodes[nodes["kind"].isin(kinds)]
    if countries is not None:
        nodes = nodes[nodes["country"].isin(countries)]
    if minerals is not None:
        goods = goods[goods["mineral"].isin(minerals)]
        processes = processes[processes["mineral"].isin(minerals)]
    if products is not None:
        goods = goods[goods.index.isin(products)]
        processes = processes[processes["input"].isin(products) | processes["output"].isin(products)]
    edges = edges[edges["product"].isin(goods.index)]
    if minerals is not None or products is not None:
        used = set(processes["node"]) | set(edges["source"]) | set(edges["target"])
        nodes = nodes[nodes.index.isin(used)]
    kept = tables | {"nodes": nodes, "processes": processes, "edges": edges}
    kept = _dependents(kept)
    named = set(goods.index) | set(kept["processes"]["input"].dropna()) | set(kept["processes"]["output"].dropna())
    kept["products"] = tables["products"][tables["products"].index.isin(named)]
    return kept


def without(tables: Tables, *, nodes: list[str], countries: list[str], edges: list[str]) -> Tables:
    """Return the tables without these nodes, countries and edges, and without what depends on them."""
    sites, links = tables["nodes"], tables["edges"]
    left = sites[~(sites.index.isin(nodes) | sites["country"].isin(countries))]
    return _dependents(tables | {"nodes": left, "edges": links[~links.index.isin(edges)]})


def _dependents(kept: Tables) -> Tables:
    """Drop rows that point to a row that is gone; order is kept, so the tables stay canonical."""
    out = dict(kept)
    here = kept["nodes"].index
    out["owners"] = kept["owners"][among(kept["owners"]["node"], here)].reset_index(drop=True)
    out["processes"] = kept["processes"][among(kept["processes"]["node"], here)]
    edges = kept["edges"]
    out["edges"] = edges[among(edges["source"], here) & among(edges["target"], here)]
    sent, ends = kept["shipments"], out["processes"].index
    whole = among(sent["origin"], ends) & among(sent["destination"], ends)
    way = steps(sent[whole])
    broken = set(way.index[~among(way, out["edges"].index)])
    out["shipments"] = sent[whole & ~sent.index.isin(broken)]
    return out


def dropped(before: Tables, after: Tables) -> dict[str, Any]:
    """Return how many rows and shipped tonnes went, by table."""
    rows = {name: len(frame) - len(after[name]) for name, frame in before.items() if len(frame) != len(after[name])}
    gone = before["shipments"]["flow_t"].sum() - after["shipments"]["flow_t"].sum()
    return {"rows": rows, "flow_t": float(gone)}


def fingerprint(tables: Tables) -> str:
    r"""Return the sha-256 of the canonical content.

    Texts cannot hold control characters, so ``\x00`` ends a cell and ``\x01`` stands for a missing one. Numbers go
    in as little-endian doubles.
    """
    digest = hashlib.sha256(b"supplygraph 1\n")
    for name, table in TABLES.items():
        frame = flat(table, tables[name])
        digest.update(f"\n{name} {len(frame)}\n".encode())
        for column in table.columns:
            digest.update(f"{column.name}\n".encode())
            digest.update(_bytes(frame[column.name], column.kind in {"number", "integer"}))
    return digest.hexdigest()


def _bytes(cells: pd.Series[Any], number: bool) -> bytes:  # noqa: FBT001 - private
    if number:
        values = cells.to_numpy(dtype="float64", na_value=np.nan)
        return np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes()
    return "\x00".join(cells.fillna("\x01").tolist()).encode("utf-8")


def names(values: Collection[str], most: int = 4) -> str:
    """Return names in words, cut short."""
    given = sorted(values)
    return ", ".join(given[:most]) + (f" and {len(given) - most} more" if len(given) > most else "")
