"""To and from other libraries: networkx, igraph, geopandas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem
from supplygraph.network.columns import dtype, flat
from supplygraph.network.parts import edge_flow
from supplygraph.network.schema import TABLES, Table

if TYPE_CHECKING:
    import geopandas as gpd
    import igraph
    import networkx as nx

Tables = dict[str, pd.DataFrame]
_ELSEWHERE = tuple(name for name in TABLES if name not in {"nodes", "edges"})


def to_networkx(tables: Tables, meta: dict[str, Any]) -> nx.MultiDiGraph:
    """Return a ``MultiDiGraph``; see `SupplyNetwork.to_networkx`."""
    import networkx as nx

    graph = nx.MultiDiGraph()
    for name in _ELSEWHERE:
        rows = _records(flat(TABLES[name], tables[name]))
        graph.graph[name] = json.dumps(rows, ensure_ascii=False)
    graph.graph["meta"] = json.dumps(meta, ensure_ascii=False, sort_keys=True)
    nodes, edges = tables["nodes"], tables["edges"]
    graph.add_nodes_from(zip(nodes.index, _records(nodes), strict=True))
    whole = edges.assign(flow_t=edge_flow(tables))
    inner = _records(whole.drop(columns=["source", "target"]))
    graph.add_edges_from(zip(edges["source"], edges["target"], edges.index, inner, strict=True))
    return graph


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as dicts of plain values, missing cells left out."""
    rows: list[dict[str, Any]] = [{} for _ in range(len(frame))]
    for name in frame.columns:
        cells = frame[name]
        have = np.flatnonzero(cells.notna().to_numpy(dtype=bool))
        for i, value in zip(have.tolist(), cells.iloc[have].tolist(), strict=True):
            rows[i][name] = value
    return rows


def from_networkx(graph: nx.MultiDiGraph) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Return tables and meta; see `SupplyNetwork.from_networkx`."""
    if not (hasattr(graph, "is_multigraph") and graph.is_multigraph() and graph.is_directed()):
        said = f"is a {type(graph).__name__}; expected a networkx MultiDiGraph."
        raise DataError("the graph cannot be read as a network:", [Problem("graph", said, "Convert it first.")])
    nodes = [{**data, "node": node} for node, data in graph.nodes(data=True)]
    edges = [
        {**{k: v for k, v in data.items() if k != "flow_t"}, "source": a, "target": b, "edge": key}
        for a, b, key, data in graph.edges(keys=True, data=True)
    ]
    tables = {"nodes": frame(TABLES["nodes"], nodes), "edges": frame(TABLES["edges"], edges)}
    problems = []
    for name in _ELSEWHERE:
        rows, fault = _json(graph.graph.get(name, "[]"), list)
        if fault:
            problems.append(Problem(f"graph attribute `{name}`", fault, "Write the rows as a JSON list of objects."))
        tables[name] = frame(TABLES[name], rows)
    meta, fault = _json(graph.graph.get("meta", "{}"), dict)
    if fault:
        problems.append(Problem("graph attribute `meta`", fault, "Write a JSON object."))
    if problems:
        raise DataError("the graph cannot be read as a network:", problems)
    return tables, meta


def _json(text: object, kind: type[list[Any] | dict[str, Any]]) -> tuple[Any, str]:
    value: Any
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError) as error:
        return kind(), f"is not JSON ({error})."
    whole = isinstance(value, kind) and (kind is dict or all(isinstance(row, dict) for row in value))
    return (value, "") if whole else (kind(), f"is not a JSON {'list of objects' if kind is list else 'object'}.")


def frame(table: Table, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a frame that keeps unknown columns (to be reported) and fills in the optional ones."""
    out = pd.DataFrame(rows, dtype=object) if rows else pd.DataFrame(columns=table.names, dtype=object)
    for column in table.columns:
        if column.name not in out.columns:
            out[column.name] = pd.Series([None] * len(out), dtype=dtype(column))
    return out


def to_igraph(tables: Tables) -> igraph.Graph:
    """Return a directed igraph graph; see `SupplyNetwork.to_igraph`."""
    import igraph

    nodes, edges = tables["nodes"], tables["edges"]
    ends = np.column_stack(
        [nodes.index.get_indexer(pd.Index(edges["source"])), nodes.index.get_indexer(pd.Index(edges["target"]))]
    )
    graph = igraph.Graph(n=len(nodes), edges=ends.tolist(), directed=True)
    graph.vs["name"] = nodes.index.tolist()
    for name in nodes.columns:
        graph.vs["label" if name == "name" else name] = _plain(nodes[name])
    graph.es["edge"] = edges.index.tolist()
    for name in edges.columns:
        graph.es[name] = _plain(edges[name])
    graph.es["flow_t"] = edge_flow(tables).tolist()
    return graph


def _plain(cells: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_float_dtype(cells.dtype) and cells.dtype == np.dtype("float64"):
        return cells.tolist()
    return [None if gone else value for value, gone in zip(cells.tolist(), cells.isna().tolist(), strict=True)]


def to_geopandas(tables: Tables) -> dict[str, gpd.GeoDataFrame]:
    """Return points and lines; see `SupplyNetwork.to_geopandas`."""
    import geopandas as gpd

    nodes, edges = tables["nodes"], tables["edges"]
    points = gpd.GeoDataFrame(nodes.copy(), geometry=gpd.points_from_xy(nodes["lon"], nodes["lat"]), crs="EPSG:4326")
    whole = edges.assign(flow_t=edge_flow(tables))
    place = nodes[["lon", "lat"]]
    start = place.reindex(edges["source"]).to_numpy(dtype=float)
    stop = place.reindex(edges["target"]).to_numpy(dtype=float)
    lines = gpd.GeoDataFrame(whole, geometry=date_line_lines(start, stop), crs="EPSG:4326")
    return {"nodes": points, "edges": lines}


def date_line_lines(start: np.ndarray[Any, Any], stop: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a straight line per pair of (lon, lat) ends, the short way round, cut in two at the date line."""
    import shapely

    lines: np.ndarray[Any, Any] = shapely.linestrings(np.stack([start, stop], axis=1)) if len(start) else np.array([])
    lines = np.asarray(lines, dtype=object)
    span = stop[:, 0] - start[:, 0]
    cross = np.flatnonzero(np.abs(span) > 180)
    if len(cross):
        a, b = start[cross], stop[cross]
        side = np.sign(a[:, 0])  # 180 for one that leaves eastward, -180 westward
        length = 360 - np.abs(span[cross])
        part = np.divide(180 - np.abs(a[:, 0]), length, out=np.zeros(len(cross)), where=length > 0)
        lat = a[:, 1] + part * (b[:, 1] - a[:, 1])
        here = np.stack([a, np.column_stack([180 * side, lat])], axis=1)
        there = np.stack([np.column_stack([-180 * side, lat]), b], axis=1)
        pairs = np.column_stack([shapely.linestrings(here), shapely.linestrings(there)])
        lines[cross] = shapely.multilinestrings(pairs)
    return lines
