"""Networks to test with: one small enough to check by hand, and any number of random ones.

``chain()`` is a cobalt-like network whose numbers are all round; ``random_network(seed)`` draws a
valid multigraph with the awkward parts real ones have: parallel edges, zero and infinite capacities,
cycles between ports, sites that nothing reaches, several products at one site, recoveries below one,
forms, straits with berths, sites that mine and refine, and stocks.

Every quantity is a whole number and every recovery a multiple of 1/8, so that mass balances without
rounding: at each process, input x recovery == output, exactly.

The ``*_tables`` variants return the constructor's arguments (a dict of frames) to be altered before use.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from supplygraph.network import schema
from supplygraph.network.network import SupplyNetwork

Tables = dict[str, pd.DataFrame]
INF = float("inf")
#: (code, name, region, wgi) of the countries that toys use.
_COUNTRIES = [
    ("AUS", "Australia", "Oceania", 1.5),
    ("BEL", "Belgium", "Europe", 1.2),
    ("CHN", "China", "Asia", -0.3),
    ("COD", "DR Congo", "Africa", -1.5),
    ("DEU", "Germany", "Europe", 1.4),
    ("FIN", "Finland", "Europe", 1.8),
    ("NAM", "Namibia", "Africa", 0.3),
    ("NLD", "Netherlands", "Europe", 1.6),
    ("NOR", "Norway", "Europe", 1.7),
    ("ZAF", "South Africa", "Africa", 0.1),
]


def _frame(table: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a flat frame with all columns of the schema, absent cells missing."""
    frame = pd.DataFrame(rows).reindex(columns=schema.TABLES[table].names)
    return frame.astype({column.name: float for column in schema.TABLES[table].columns if column.kind == "number"})


def _common() -> Tables:
    countries = [{"country": c, "name": n, "region": r, "wgi": w, "reference": "toy"} for c, n, r, w in _COUNTRIES]
    reference = {"reference": "toy", "title": "Invented for tests", "publisher": "supplygraph", "date": "2025"}
    return {"countries": _frame("countries", countries), "references": _frame("references", [reference])}


def chain() -> SupplyNetwork:
    """Return the small network; see `chain_tables` for what is in it."""
    return SupplyNetwork(**chain_tables())


def chain_tables() -> Tables:
    """Return a cobalt-like network as flat frames.

    Two mines (Tenke in COD 100 t, Talvivaara in FIN 10 t) feed two refineries of recovery 0.9 (Jinchuan
    in CHN: 80 t in, 72 out; Kokkola in FIN: 30 t in, 27 out), which feed two factories (Ningde in CHN: 60 + 3 = 63 t;
    Erfurt in DEU: 12 + 24 = 36 t). Three ports (Durban, Ningbo, Rotterdam) and two straits:

    - Malacca, berth 1 on Durban-Ningbo, berth 2 on Ningbo-Suez; Suez, berth 1.
    - Closed, they can be passed by: Durban-Ningbo by ``ore-lombok``, Ningbo-Rotterdam by ``met-cape``.

    Refining shares 72/99 and 27/99; HHI = (8/11)**2 + (3/11)**2 = 73/121.
    """
    nodes = [
        ("tenke", "Tenke", "mine", "COD", 26.1, -10.6), ("talvivaara", "Talvivaara", "mine", "FIN", 28.0, 63.97),
        ("jinchuan", "Jinchuan", "refinery", "CHN", 102.2, 38.5), ("kokkola", "Kokkola", "refinery", "FIN", 23.1, 63.8),
        ("durban", "Durban", "port", "ZAF", 31.0, -29.9), ("ningbo", "Ningbo", "port", "CHN", 121.8, 29.9),
        ("rotterdam", "Rotterdam", "port", "NLD", 4.3, 51.9),
        ("malacca", "Strait of Malacca", "passage", None, 101.0, 2.9),
        ("suez", "Suez Canal", "passage", None, 32.5, 30.5),
        ("ningde", "Ningde", "factory", "CHN", 119.5, 26.7), ("erfurt", "Erfurt", "factory", "DEU", 11.0, 51.0),
    ]  # fmt: skip
    owners = [("tenke", "CHN", 0.8), ("tenke", "COD", 0.2), ("talvivaara", "FIN", 0.5), ("jinchuan", "CHN", 1.0),
              ("kokkola", "BEL", 1.0)]  # fmt: skip
    ore, met = "cobalt-intermediate", "cobalt-refined"
    processes = [
        ("tenke-extract", "tenke", "extract", None, ore, "hydroxide", None, "CMOC", 120, None, 100),
        ("talvivaara-extract", "talvivaara", "extract", None, ore, None, None, "Terrafame", 12, None, 10),
        ("jinchuan-refine", "jinchuan", "transform", ore, met, None, "hydroxide;concentrate", "Jinchuan", 90, 0.9, 72),
        ("kokkola-refine", "kokkola", "transform", ore, met, None, None, "Umicore", 40, 0.9, 27),
        ("ningde-use", "ningde", "use", met, None, None, None, "CATL", 63, None, 63),
        ("erfurt-use", "erfurt", "use", met, None, None, None, "CATL", 36, None, 36),
    ]
    # edge, source, target, product, mode, source_berth, target_berth, km, days, usd_t, capacity
    edges = [
        ("ore-tenke-durban", "tenke", "durban", ore, "road", None, None, 2600, 12, 150, INF),
        ("ore-durban-malacca", "durban", "malacca", ore, "sea", None, 1, 8000, 14, 30, INF),
        ("ore-malacca-ningbo", "malacca", "ningbo", ore, "sea", 1, None, 4000, 7, 15, INF),
        ("ore-lombok", "durban", "ningbo", ore, "sea", None, None, 13500, 24, 52, INF),
        ("ore-durban-rotterdam", "durban", "rotterdam", ore, "sea", None, None, 13000, 23, 50, INF),
        ("ore-ningbo-jinchuan", "ningbo", "jinchuan", ore, "rail", None, None, 2400, 4, 60, INF),
        ("ore-rotterdam-kokkola", "rotterdam", "kokkola", ore, "sea", None, None, 2200, 5, 20, 60),
        ("ore-talvivaara-kokkola", "talvivaara", "kokkola", ore, "rail", None, None, 330, 1, 10, INF),
        ("met-jinchuan-ningde", "jinchuan", "ningde", met, "rail", None, None, 2500, 4, 60, INF),
        ("met-jinchuan-ningbo", "jinchuan", "ningbo", met, "rail", None, None, 2400, 4, 60, INF),
        ("met-ningbo-malacca", "ningbo", "malacca", met, "sea", None, 2, 4000, 7, 15, INF),
        ("met-malacca-suez", "malacca", "suez", met, "sea", 2, 1, 9300, 16, 35, INF),
        ("met-suez-rotterdam", "suez", "rotterdam", met, "sea", 1, None, 6200, 11, 25, INF),
        ("met-cape", "ningbo", "rotterdam", met, "sea", None, None, 26000, 45, 100, INF),
        ("met-rotterdam-erfurt", "rotterdam", "erfurt", met, "rail", None, None, 550, 1, 15, INF),
        ("met-kokkola-rotterdam", "kokkola", "rotterdam", met, "sea", None, None, 2200, 5, 20, INF),
        ("met-kokkola-rotterdam-2", "kokkola", "rotterdam", met, "road", None, None, 2400, 4, 90, 10),
        ("met-rotterdam-suez", "rotterdam", "suez", met, "sea", None, 1, 6200, 11, 25, INF),
        ("met-suez-malacca", "suez", "malacca", met, "sea", 1, 2, 9300, 16, 35, INF),
        ("met-malacca-ningbo", "malacca", "ningbo", met, "sea", 2, None, 4000, 7, 15, INF),
        ("met-ningbo-ningde", "ningbo", "ningde", met, "road", None, None, 600, 1, 15, INF),
    ]
    to_china = "met-kokkola-rotterdam;met-rotterdam-suez;met-suez-malacca;met-malacca-ningbo;met-ningbo-ningde"
    to_europe = "met-jinchuan-ningbo;met-ningbo-malacca;met-malacca-suez;met-suez-rotterdam;met-rotterdam-erfurt"
    to_jinchuan = "ore-tenke-durban;ore-durban-malacca;ore-malacca-ningbo;ore-ningbo-jinchuan"
    shipments = [
        ("s1", "tenke-extract", "jinchuan-refine", ore, to_jinchuan, 80),
        ("s2", "tenke-extract", "kokkola-refine", ore,
         "ore-tenke-durban;ore-durban-rotterdam;ore-rotterdam-kokkola", 20),
        ("s3", "talvivaara-extract", "kokkola-refine", ore, "ore-talvivaara-kokkola", 10),
        ("s4", "jinchuan-refine", "ningde-use", met, "met-jinchuan-ningde", 60),
        ("s5", "jinchuan-refine", "erfurt-use", met, to_europe, 12),
        ("s6", "kokkola-refine", "erfurt-use", met, "met-kokkola-rotterdam;met-rotterdam-erfurt", 24),
        ("s7", "kokkola-refine", "ningde-use", met, to_china, 3),
    ]  # fmt: skip
    names = {
        "nodes": ("node", "name", "kind", "country", "lon", "lat"),
        "owners": ("node", "owner", "share"),
        "processes": ("process", "node", "role", "input", "output", "makes", "accepts", "operator", "capacity_t",
                      "recovery", "activity_t"),
        "edges": ("edge", "source", "target", "product", "mode", "source_berth", "target_berth", "distance_km", "days",
                  "cost_usd_t", "capacity_t"),
        "shipments": ("shipment", "origin", "destination", "product", "route", "flow_t"),
    }  # fmt: skip
    constant: dict[str, dict[str, Any]] = {
        "nodes": {"throughput_t": INF, "status": "operating", "confidence": "high"},
        "owners": {},
        "processes": {"mineral": "cobalt", "cost_usd_t": 0.0, "year": 2024, "confidence": "medium"},
        "edges": {},
        "shipments": {"basis": "estimated"},
    }
    given = {"nodes": nodes, "owners": owners, "processes": processes, "edges": edges, "shipments": shipments}
    tables = {
        name: _frame(name, [dict(zip(names[name], row, strict=True)) | constant[name] | {"reference": "toy"}
                            for row in rows])
        for name, rows in given.items()
    }  # fmt: skip
    products = [
        {"product": ore, "mineral": "cobalt", "stage": "mining", "order": 0, "price_usd_t": 20000.0,
         "gross_t_per_t": 3.0, "reference": "toy"},
        {"product": met, "mineral": "cobalt", "stage": "refining", "order": 1, "price_usd_t": 30000.0,
         "gross_t_per_t": 1.0, "reference": "toy"},
    ]  # fmt: skip
    return tables | {"products": _frame("products", products)} | _common()


def random_network(
    seed: int,
    *,
    n_mines: int = 3,
    n_refineries: int = 3,
    n_factories: int = 3,
    n_ports: int = 4,
    shipments: bool = True,
) -> SupplyNetwork:
    """Return a random valid network; the same arguments give the same network.

    Parameters
    ----------
    seed
        Of numpy's default generator.
    n_mines, n_refineries, n_factories, n_ports
        How many sites of each kind (at least 1); some extra processes, and two straits, come on top.
    shipments
        Also draw a baseline: shipments over real routes, within every capacity and between plants whose forms
        agree, with activities that balance exactly. Without it the table is empty and ``activity_t`` missing.
    """
    tables = random_tables(
        seed, n_mines=n_mines, n_refineries=n_refineries, n_factories=n_factories, n_ports=n_ports, shipments=shipments
    )
    return SupplyNetwork(**tables)


def random_tables(
    seed: int,
    *,
    n_mines: int = 3,
    n_refineries: int = 3,
    n_factories: int = 3,
    n_ports: int = 4,
    shipments: bool = True,
) -> Tables:
    """Return the tables of `random_network` as flat frames."""
    rng = np.random.default_rng(seed)
    nodes = _draw_nodes(rng, {"mine": n_mines, "refinery": n_refineries, "factory": n_factories, "port": n_ports})
    processes = _draw_processes(rng, nodes)
    edges = _draw_edges(rng, nodes, processes)
    sent: list[dict[str, Any]] = []
    if shipments:
        sent = _draw_shipments(rng, processes, edges)
        _settle(rng, nodes, processes, edges, sent)
    owners = []
    for node in nodes:
        if node["kind"] in {"mine", "refinery"} and rng.random() < 0.7:
            codes = rng.choice([c[0] for c in _COUNTRIES], size=2, replace=False)
            owners += [{"node": node["node"], "owner": str(c), "share": float(rng.choice([0.25, 0.5]))} for c in codes]
    products = [
        {"product": f"{m}-{s}", "mineral": m, "stage": s, "order": i, "price_usd_t": 1000.0 * (i + 1)}
        for m in ("alpha", "beta")
        for i, s in enumerate(("mining", "refining"))
    ]
    given = {"nodes": nodes, "owners": owners, "processes": processes, "edges": edges, "shipments": sent,
             "products": products}  # fmt: skip
    return {
        name: _frame(name, [row | {"reference": "toy"} for row in rows]) for name, rows in given.items()
    } | _common()


def _draw_nodes(rng: np.random.Generator, counts: dict[str, int]) -> list[dict[str, Any]]:
    rows = []
    codes = [c[0] for c in _COUNTRIES]
    for kind, count in (counts | {"passage": 2}).items():
        for i in range(count):
            limit = float(rng.integers(0, 60)) if kind in {"port", "passage"} and rng.random() < 0.3 else INF
            rows.append(
                {"node": f"{kind}{i}", "name": f"{kind.title()} {i}", "kind": kind,
                 "country": None if kind == "passage" else str(rng.choice(codes)),
                 "lon": float(rng.integers(-180, 181)), "lat": float(rng.integers(-80, 81)), "throughput_t": limit,
                 "status": "operating", "confidence": str(rng.choice(schema.CONFIDENCE))}
            )  # fmt: skip
    return rows


def _forms(rng: np.random.Generator) -> str | None:
    if rng.random() < 0.5:
        return None
    return ";".join(sorted(rng.choice(["f1", "f2", "f3"], size=rng.integers(1, 3), replace=False)))


def _draw_processes(rng: np.random.Generator, nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Draw what each site does; the first of each kind always does ``alpha`` and takes any form."""
    rows: list[dict[str, Any]] = []

    def add(node: str, mineral: str, role: str, verb: str, *, plain: bool = False) -> None:
        ore, metal = f"{mineral}-mining", f"{mineral}-refining"
        given, made = {"extract": (None, ore), "refine": (ore, metal), "use": (metal, None), "build": (metal, None),
                       "release": (None, ore)}[verb]  # fmt: skip
        rows.append(
            {"process": f"{node}-{verb}-{mineral}", "node": node, "mineral": mineral, "role": role, "input": given,
             "output": made, "makes": None if plain or made is None else _forms(rng),
             "accepts": None if plain or given is None else _forms(rng), "operator": f"Firm {rng.integers(4)}",
             "capacity_t": float(rng.choice([0, rng.integers(1, 50), rng.integers(50, 200)])) + 40.0 * plain,
             "recovery": [0.5, 0.75, 0.875, 1.0, None][rng.integers(5)] if verb == "refine" else None,
             "cost_usd_t": float(rng.integers(0, 100)), "year": 2024, "confidence": str(rng.choice(schema.CONFIDENCE))}
        )  # fmt: skip

    for node in nodes:
        kind, name = node["kind"], node["node"]
        if kind not in {"mine", "refinery", "factory"}:
            continue
        role, verb = {"mine": ("extract", "extract"), "refinery": ("transform", "refine"), "factory": ("use", "use")}[
            kind
        ]
        first = name.endswith("0") and len(name) == len(kind) + 1
        main = "alpha" if first or rng.random() < 0.7 else "beta"
        add(name, main, role, verb, plain=first)
        if rng.random() < 0.4:  # several products at one place
            add(name, "beta" if main == "alpha" else "alpha", role, verb)
        if kind == "mine" and rng.random() < 0.25:  # mine and refinery in one
            add(name, main, "transform", "refine")
        if kind == "factory" and rng.random() < 0.15:
            add(name, main, "stock", "build")
        if kind == "mine" and rng.random() < 0.15:
            add(name, main, "stock", "release")
    return rows


def _draw_edges(
    rng: np.random.Generator, nodes: list[dict[str, Any]], processes: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    ports = [n["node"] for n in nodes if n["kind"] == "port"]
    straits = [n["node"] for n in nodes if n["kind"] == "passage"]

    def add(source: str, target: str, product: str, *, berths: tuple[int | None, int | None] = (None, None),
            sure: bool = False) -> None:  # fmt: skip
        for _ in range(1 + (rng.random() < 0.2)):  # now and then two in parallel
            pick = rng.random()
            capacity = 0.0 if pick < 0.12 else INF if pick < 0.5 else float(rng.integers(1, 40))
            at_sea = "p" in (source[0], target[0])
            rows.append(
                {"edge": f"e{len(rows):04d}", "source": source, "target": target, "product": product,
                 "mode": "sea" if at_sea else str(rng.choice(["rail", "road"])), "source_berth": berths[0],
                 "target_berth": berths[1], "distance_km": float(rng.integers(10, 9000)),
                 "days": float(rng.integers(1, 40)), "cost_usd_t": float(rng.integers(1, 300)),
                 "capacity_t": INF if sure else capacity}
            )  # fmt: skip

    ends: dict[str, tuple[set[str], set[str]]] = {}
    for row in processes:
        for column, side in (("output", 0), ("input", 1)):
            if row[column] is not None:
                ends.setdefault(row[column], (set(), set()))[side].add(row["node"])
    for product in sorted(ends):
        sources, targets = (sorted(side) for side in ends[product])
        for node in sources:
            for port in rng.choice(ports, size=rng.integers(0, min(3, len(ports) + 1)), replace=False):
                add(node, str(port), product)
        for node in targets:
            for port in rng.choice(ports, size=rng.integers(0, min(3, len(ports) + 1)), replace=False):
                add(str(port), node, product)
        for source in sources:
            for target in targets:
                if source != target and rng.random() < 0.15:
                    add(source, target, product)
        for a in ports:
            for b in ports:
                if a != b and rng.random() < 0.4:
                    add(a, b, product)
        for strait in straits:
            for berth in (1, 2):
                for port in ports:
                    if rng.random() < 0.3:
                        add(port, strait, product, berths=(None, berth))
                    if rng.random() < 0.3:
                        add(strait, port, product, berths=(berth, None))
    for source, target, product in (
        ("mine0", "port0", "alpha-mining"),
        ("port0", "refinery0", "alpha-mining"),
        ("refinery0", "port0", "alpha-refining"),
        ("port0", "factory0", "alpha-refining"),
    ):
        add(source, target, product, sure=True)  # one chain is always whole  # fmt: skip
    return rows


def _route(
    rng: np.random.Generator, edges: list[dict[str, Any]], product: str, origin: str, destination: str
) -> list[str] | None:
    """Return a random route of usable edges that repeats no vertex, or None; empty inside one site."""
    if origin == destination:
        return []
    out: dict[tuple[str, int | None], list[dict[str, Any]]] = {}
    for row in edges:
        if row["product"] == product and row["capacity_t"] > 0:
            out.setdefault((row["source"], row["source_berth"]), []).append(row)
    came: dict[tuple[str, int | None], tuple[tuple[str, int | None], str] | None] = {(origin, None): None}
    stack = [(origin, None)]
    while stack:
        at = stack.pop(int(rng.integers(len(stack))))
        for i in rng.permutation(len(out.get(at, []))):
            row = out[at][i]
            to = (row["target"], row["target_berth"])
            if to not in came:
                came[to] = (at, row["edge"])
                stack.append(to)
    at = (destination, None)
    if at not in came:
        return None
    route: list[str] = []
    while (step := came[at]) is not None:
        at, edge = step
        route.append(edge)
    return route[::-1]


def _possible(a: dict[str, Any], b: dict[str, Any]) -> bool:
    if a["makes"] is None or b["accepts"] is None:
        return True
    return bool(set(a["makes"].split(";")) & set(b["accepts"].split(";")))


def _draw_shipments(
    rng: np.random.Generator, processes: list[dict[str, Any]], edges: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Draw shipments backward from what can reach a sink, so that no refinery makes what nobody takes."""
    sent: list[dict[str, Any]] = []

    def ship(a: dict[str, Any], b: dict[str, Any], route: list[str], flow: int) -> None:
        sent.append(
            {"shipment": f"s{len(sent):04d}", "origin": a["process"], "destination": b["process"],
             "product": a["output"], "route": ";".join(route) or None, "flow_t": float(flow), "flow_low_t": flow * 0.5,
             "flow_high_t": flow * 1.5, "basis": str(rng.choice(schema.BASIS))}
        )  # fmt: skip

    def links(a: dict[str, Any]) -> list[tuple[dict[str, Any], list[str]]]:
        found = []
        for b in processes:
            if b["input"] is not None and b["input"] == a["output"] and _possible(a, b):
                route = _route(rng, edges, a["output"], a["node"], b["node"])
                if route is not None and (b["role"] != "transform" or b["process"] in onward):
                    found.append((b, route))
        return found

    onward: dict[str, list[tuple[dict[str, Any], list[str]]]] = {}
    for row in processes:
        if row["role"] == "transform" and (found := links(row)):
            onward[row["process"]] = found
    taken: dict[str, int] = {}
    for row in processes:
        if row["role"] in {"extract", "stock"} and row["output"] is not None:
            for b, route in links(row):
                if rng.random() < 0.7 or (row["node"], b["node"]) == ("mine0", "refinery0"):
                    flow = 8 * int(rng.integers(1, 6))  # times a recovery in eighths: whole again
                    ship(row, b, route, flow)
                    taken[b["process"]] = taken.get(b["process"], 0) + flow
    for row in processes:
        if row["process"] in taken and row["process"] in onward:
            left = int(taken[row["process"]] * (row["recovery"] or 1.0))
            found = onward[row["process"]]
            for b, route in found[:-1]:
                flow = int(rng.integers(0, left + 1))
                if flow:
                    ship(row, b, route, flow)
                left -= flow
            if left:
                ship(row, *found[-1], left)
    return sent


def _settle(
    rng: np.random.Generator,
    nodes: list[dict[str, Any]],
    processes: list[dict[str, Any]],
    edges: list[dict[str, Any]],
    sent: list[dict[str, Any]],
) -> None:
    """Set activities to what is sent, and raise capacities (often exactly) to what they carry."""
    made: dict[str, float] = {}
    taken: dict[str, float] = {}
    carried: dict[str, float] = {}
    passed: dict[str, float] = {}
    by_edge = {row["edge"]: row for row in edges}
    for s in sent:
        made[s["origin"]] = made.get(s["origin"], 0.0) + s["flow_t"]
        taken[s["destination"]] = taken.get(s["destination"], 0.0) + s["flow_t"]
        route = s["route"].split(";") if s["route"] else []
        for edge in route:
            carried[edge] = carried.get(edge, 0.0) + s["flow_t"]
        for node in {by_edge[edge]["target"] for edge in route[:-1]}:
            passed[node] = passed.get(node, 0.0) + s["flow_t"]

    def room(capacity: float, needed: float) -> float:
        return capacity if capacity >= needed else needed + float(rng.choice([0, 0, rng.integers(1, 30)]))

    for row in processes:
        sink = row["role"] in {"use", "stock"} and row["output"] is None
        row["activity_t"] = (taken if sink else made).get(row["process"], 0.0)
        row["capacity_t"] = room(row["capacity_t"], row["activity_t"])
    for row in edges:
        row["capacity_t"] = room(row["capacity_t"], carried.get(row["edge"], 0.0))
    for row in nodes:
        row["throughput_t"] = room(row["throughput_t"], passed.get(row["node"], 0.0))
