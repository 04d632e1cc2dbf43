"""The most that can be delivered, and the least it costs, by flows on edges: an independent program for tests.

One commodity per origin process (so that forms hold), a variable per (origin, edge) and per (origin, destination);
solved by scipy. Knows nothing of vertices, hubs, routes or columns.
"""

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, vstack


def _set(cell):
    return set(cell.split(";")) if isinstance(cell, str) else set()


def possible(net):
    """Pairs (origin, destination) that forms or a baseline shipment allow."""
    p = net.processes
    ships = {(s.origin, s.destination) for s in net.shipments.itertuples() if s.flow_t > 0}
    pairs = set()
    for o in p.itertuples():
        for d in p.itertuples():
            if pd.isna(o.output) or o.output != d.input or o.Index == d.Index:
                continue
            stock = o.role == "stock" and d.role == "stock"
            fits = not _set(o.makes) or not _set(d.accepts) or _set(o.makes) & _set(d.accepts)
            if (fits and not stock) or (o.Index, d.Index) in ships:
                pairs.add((o.Index, d.Index))
    return pairs


def limit_of(row):
    now = row.activity_t
    if pd.isna(now):
        return row.capacity_t
    return now if row.role == "stock" else max(row.capacity_t, now)


def most_served(net, *, closed=(), factor=None, banned=()):
    """Return tonnes of demand that can be served at most."""
    gain, _, equal, both, upper = _program(net, closed, factor, banned)
    return -_optimum(gain, equal, both, upper)


def least_cost(net, *, closed=()):
    """Return the least freight and processing (USD) that serves the most."""
    gain, cost, equal, both, upper = _program(net, closed, None, ())
    most = _optimum(gain, equal, both, upper)
    matrix, right = both
    more = csr_array(np.array([gain]))
    both = vstack([matrix, more]).tocsr(), np.append(right, most + 1e-9 * max(abs(most), 1.0))
    return _optimum(cost, equal, both, upper)


def _optimum(cost, equal, both, upper):
    # The first and last row of a commodity that is never delivered still balance: flows circulate freely.
    answer = linprog(cost, A_ub=both[0], b_ub=both[1], A_eq=equal[0], b_eq=equal[1],
                     bounds=[(0, u) for u in upper], method="highs")
    assert answer.status == 0, answer.message
    return answer.fun


def _program(net, closed, factor, banned):
    """Return gains, costs, equations, limits and upper bounds."""
    factor = factor or {}
    p, nodes, edges = net.processes, net.nodes, net.edges
    through = {}
    for s in net.shipments.itertuples():
        route = s.route.split(";") if isinstance(s.route, str) else []
        visits = [p["node"][s.origin], *[edges["target"][e] for e in route
                                         if edges["target"][e] != edges["source"][e]]]
        for n in visits:
            through[n] = through.get(n, 0.0) + s.flow_t
    gains, cost, rows, upper = [], [], [], []  # rows: (kind, key) -> coefficients

    def column(gain, usd, entries, top=np.inf):
        gains.append(gain)
        cost.append(usd)
        upper.append(top)
        rows.append(entries)

    shut = set(closed)
    pairs = [(o, d) for o, d in sorted(possible(net)) if (o, d) not in set(banned)]
    for name, row in p.iterrows():
        if pd.notna(row["output"]):
            for e in edges[edges["product"] == row["output"]].itertuples():
                if {e.source, e.target, e.Index} & shut:
                    continue
                at = (e.source, -1 if pd.isna(e.source_berth) else e.source_berth)
                to = (e.target, -1 if pd.isna(e.target_berth) else e.target_berth)
                entries = {("flow", name, at): -1.0, ("flow", name, to): 1.0, ("edge", e.Index): 1.0}
                if e.source != e.target:
                    entries["node", e.target] = 1.0
                column(0.0, np.nan_to_num(e.cost_usd_t), entries)
    for o, d in pairs:
        a, b = p.loc[o], p.loc[d]
        if {a["node"], b["node"]} & shut:
            continue
        entries = {("make", o): 1.0, ("node", a["node"]): 1.0,
                   ("flow", o, (a["node"], -1)): 1.0, ("flow", o, (b["node"], -1)): -1.0}
        if a["node"] == b["node"]:
            entries = {("make", o): 1.0, ("node", a["node"]): 1.0}
        if a["role"] == "transform":
            entries["balance", o] = 1.0
        gain = 0.0
        if b["role"] == "transform":
            recovery = 1.0 if pd.isna(b["recovery"]) else b["recovery"]
            entries["balance", d] = entries.get(("balance", d), 0.0) - recovery
        else:
            entries["take", d] = 1.0
            gain = -1.0 if b["role"] == "use" else 0.0
        column(gain, np.nan_to_num(a["cost_usd_t"]), entries)
    keys = sorted({k for entry in rows for k in entry}, key=repr)
    number = {k: i for i, k in enumerate(keys)}
    low, high = np.zeros(len(keys)), np.zeros(len(keys))
    for k, i in number.items():
        if k[0] in {"make", "take"}:
            row = p.loc[k[1]]
            f = 0.0 if row["node"] in shut or k[1] in shut else factor.get(k[1], 1.0)
            base = row["activity_t"] if f < 1 and pd.notna(row["activity_t"]) else limit_of(row)
            if row["role"] == "use":
                base = row["capacity_t"] if pd.isna(row["activity_t"]) else row["activity_t"]
                f = min(f, 1.0)
            low[i], high[i] = -np.inf, f * base if f > 0 else 0.0
        elif k[0] == "node":
            low[i], high[i] = -np.inf, max(nodes["throughput_t"][k[1]], through.get(k[1], 0.0))
        elif k[0] == "edge":
            low[i], high[i] = -np.inf, edges["capacity_t"][k[1]]
    i, j, v = zip(*[(number[k], c, x) for c, entry in enumerate(rows) for k, x in entry.items()], strict=True)
    matrix = coo_array((v, (i, j)), shape=(len(keys), len(rows))).tocsr()
    equal = low == high
    cap = ~equal & np.isfinite(high)
    return np.array(gains), np.array(cost), (matrix[equal], high[equal]), (matrix[cap], high[cap]), upper
