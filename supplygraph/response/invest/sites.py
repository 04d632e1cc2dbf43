"""Candidate projects as sites of a network: their processes, and the way to the nearest ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.network.network import SupplyNetwork
from supplygraph.world.coast import DETOUR, haversine
from supplygraph.world.land import haul

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

#: Ports (else sites) that a new site is joined to, per product.
_JOINED = 3
_MARK = "project"


def chain_of(net: SupplyNetwork, mineral: str) -> pd.DataFrame:
    """Return by stage what plants of a mineral take and give: columns ``role``, ``input``, ``output``, ``recovery``.

    Where plants of a stage take several products, the one that most capacity takes; recovery is the mean by capacity.
    """
    processes, products = net.processes, net.products
    rows = processes[(processes["mineral"] == mineral) & processes["role"].isin(["extract", "transform"])]
    rows = rows.assign(stage=rows["output"].map(products["stage"]), weight=rows["capacity_t"].where(
        np.isfinite(rows["capacity_t"]), rows["activity_t"]).fillna(0.0) + 1e-9)  # fmt: skip
    found: dict[str, dict[str, Any]] = {}
    for stage, group in rows.groupby("stage", sort=True):
        size = group.groupby(["output", "input"], dropna=False, sort=True)["weight"].sum()
        output, source = size.index[int(np.argmax(size.to_numpy()))]
        same = group[
            (group["output"] == output) & (group["input"].eq(source) | (pd.isna(source) & group["input"].isna()))
        ]
        recovery = np.average(same["recovery"].fillna(1.0).astype(float), weights=same["weight"])
        role = "extract" if pd.isna(source) else "transform"
        found[str(stage)] = {
            "role": role,
            "input": None if pd.isna(source) else source,
            "output": output,
            "recovery": float(recovery),
        }
    table = pd.DataFrame.from_dict(found, orient="index", columns=["role", "input", "output", "recovery"])
    if "refining" not in table.index and "separation" in table.index:
        table.loc["refining"] = table.loc["separation"]
    elif "separation" not in table.index and "refining" in table.index:
        table.loc["separation"] = table.loc["refining"]
    return table.rename_axis("stage")


def processes_of(chain: pd.DataFrame, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the processes of one project; a mine in front of its own plant is as large as that plant's intake."""
    stages = str(row["stage"]).split(";")
    steps = [chain.loc[stage] for stage in stages]
    found = []
    capacity: Any = float(row["capacity_t"])
    for place in reversed(range(len(steps))):
        step = steps[place]
        found.append({
            "process": f"{row['project']}:{step['output']}", "project": row["project"], "mineral": row["mineral"],
            "stage": stages[place], "role": step["role"], "input": step["input"], "output": step["output"],
            "capacity_t": capacity, "recovery": step["recovery"] if step["role"] == "transform" else None,
        })  # fmt: skip
        capacity /= step["recovery"] if step["role"] == "transform" else 1.0
    return found[::-1]


def extended(net: SupplyNetwork, projects: pd.DataFrame, processes: pd.DataFrame) -> SupplyNetwork:
    """Return a network with projects in it: their sites, processes (no activity yet) and edges.

    Parameters
    ----------
    net
        The network.
    projects
        Rows of :func:`supplygraph.projects`, by project; those with processes.
    processes
        Rows of :func:`processes_of`; ``capacity_t`` is what stands there.

    Notes
    -----
    A site is joined, product by product, to the three nearest ports from which (or to which) the product can move on,
    by road or rail at the rates of the bundled networks; without ports, to the nearest sites.
    """
    if processes.empty:
        return net
    there = set(net.nodes.index)
    site = {project: (project if project not in there else f"{_MARK}-{project}") for project in projects.index}
    nodes = pd.DataFrame({
        "node": [site[project] for project in projects.index], "name": projects["name"].astype(str).to_numpy(),
        "kind": ["mine" if str(stage).startswith("min") else "refinery" for stage in projects["stage"]],
        "country": projects["country"].to_numpy(), "lon": projects["lon"].to_numpy(dtype=float),
        "lat": projects["lat"].to_numpy(dtype=float), "throughput_t": np.inf, "status": _MARK,
    })  # fmt: skip
    made = processes.assign(node=processes["project"].map(site))
    edges = _edges(net, nodes, made)
    owners = _owners(projects, site)
    rows = made[["process", "node", "mineral", "role", "input", "output", "capacity_t", "recovery"]]
    return SupplyNetwork(
        nodes=_stacked(net.nodes, nodes),
        processes=_stacked(net.processes, rows),
        edges=_stacked(net.edges, edges),
        products=net.products,
        references=net.references,
        owners=_stacked(net.owners, owners),
        countries=net.countries,
        shipments=net.shipments,
        meta={"projects": list(projects.index)},
    )


def _stacked(table: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Return a table with rows below it, flat."""
    flat = table.reset_index() if table.index.name is not None else table
    if more.empty:
        return flat
    more = more.reindex(columns=flat.columns)
    if flat.empty:
        return more
    return pd.concat([flat, more.astype(flat.dtypes.to_dict())], ignore_index=True)


def _owners(projects: pd.DataFrame, site: dict[str, str]) -> pd.DataFrame:
    """Split every project among the countries of its owners in equal parts: their shares are not known."""
    rows = [
        {"node": site[project], "owner": owner, "share": 1.0 / len(owners)}
        for project, owners in owners_of(projects).items() for owner in owners
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["node", "owner", "share"])


def owners_of(projects: pd.DataFrame) -> dict[str, list[str]]:
    """Return the countries of the owners by project; empty where unknown."""
    return {
        str(project): sorted(set(owners.split(";"))) if isinstance(owners, str) and owners else []
        for project, owners in projects["owner_countries"].items()
    }


def _edges(net: SupplyNetwork, nodes: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    places = nodes.set_index("node")
    gross = net.products["gross_t_per_t"].fillna(1.0)
    gates = {
        (product, side): _gates(net, product, side)
        for side, column in (("out", "output"), ("in", "input")) for product in made[column].dropna().unique()
    }  # fmt: skip
    for process in made.to_dict("records"):
        for side, product in (("out", process["output"]), ("in", process["input"])):
            if product is None or pd.isna(product):
                continue
            place = places.loc[process["node"]]
            for gate, km in _nearest(place, gates[product, side]):
                leg = haul(km, place["country"])
                ends = (process["node"], gate) if side == "out" else (gate, process["node"])
                rows.append({
                    "edge": f"{ends[0]}>{ends[1]}:{product}:{leg.mode}", "source": ends[0], "target": ends[1],
                    "product": product, "mode": leg.mode, "distance_km": leg.distance_km, "days": leg.days,
                    "cost_usd_t": leg.usd_t_gross * float(gross[product]), "capacity_t": np.inf,
                })  # fmt: skip
    frame = pd.DataFrame(rows, columns=["edge", "source", "target", "product", "mode", "distance_km", "days",
                                        "cost_usd_t", "capacity_t"])  # fmt: skip
    return frame.drop_duplicates("edge")


def _gates(net: SupplyNetwork, product: str, side: str) -> pd.DataFrame:
    """Return the nodes from which a product reaches a plant that takes it (``in``: that it reaches from its makers)."""
    edges, processes, nodes = net.edges, net.processes, net.nodes
    on = edges[edges["product"] == product]
    ends = processes.loc[processes["input" if side == "out" else "output"] == product, "node"]
    near, far = ("target", "source") if side == "out" else ("source", "target")
    reached = set(ends)
    step = on[[near, far]].to_numpy(dtype=object)
    while True:
        more = set(step[np.isin(step[:, 0], list(reached)), 1]) - reached if len(step) else set()
        if not more:
            break
        reached |= more
    found = nodes.loc[nodes.index.isin(_fixed(reached)) & (nodes["kind"] != "passage")]
    ports = found[found["kind"] == "port"]
    return ports if len(ports) else found


def _fixed(names: Iterable[str]) -> list[str]:
    return sorted(str(name) for name in names)


def _nearest(place: pd.Series, gates: pd.DataFrame) -> list[tuple[str, float]]:
    if gates.empty:
        return []
    lon, lat = gates["lon"].to_numpy(dtype=float), gates["lat"].to_numpy(dtype=float)
    km: NDArray[np.float64] = np.asarray(haversine(float(place["lon"]), float(place["lat"]), lon, lat)) * DETOUR
    # Ties by id.
    order = np.lexsort((gates.index.to_numpy(dtype=str), np.round(km, 6)))[:_JOINED]
    return [(str(gates.index[at]), max(float(km[at]), 1.0)) for at in order]
