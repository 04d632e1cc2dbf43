"""The tables against each other: what construction refuses.

All problems are collected, in the order of the tables, and raised at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from supplygraph.errors import Problem
from supplygraph.network import codes
from supplygraph.network.columns import canonical, conform
from supplygraph.network.report import Report, Suggester, quote
from supplygraph.network.schema import LIST_SEPARATOR, TABLES

OPTIONAL = ("owners", "countries", "shipments")
Frames = dict[str, pd.DataFrame]


def tidy(
    given: Mapping[str, object],
    *,
    files: Mapping[str, str] | None = None,
    lines: Mapping[str, np.ndarray[Any, Any]] | None = None,
) -> tuple[Frames, list[Problem]]:
    """Return the canonical tables and every problem found.

    Parameters
    ----------
    given
        Table name to frame (flat, or indexed by its key). ``None`` for an optional table means no rows.
    files, lines
        What tables and rows are called in messages, when they were read from files.

    Returns
    -------
    tables, problems
        The tables may be used only when there are no problems.

    Notes
    -----
    Time is linear in rows, apart from sorting; routes are exploded once.
    """
    report = Report(files or {}, lines or {})
    frames: Frames = {}
    for name, table in TABLES.items():
        frame = given.get(name)
        if frame is None and name in OPTIONAL:
            frame = pd.DataFrame(columns=table.names)
        frames[name] = conform(table, frame, report)
    whole = {problem.where for problem in report.problems}
    _coordinates(frames, report)
    _totals(frames, report)
    _references(frames, report, whole)
    _roles(frames, report)
    _bands(frames, report)
    _berths(frames, report)
    _owners(frames, report)
    _shipments(frames, report)
    if report.problems:
        return frames, report.problems
    return {name: canonical(TABLES[name], frame) for name, frame in frames.items()}, []


def _coordinates(frames: Frames, report: Report) -> None:
    """Hint at a swapped pair where latitude is out of range and the swapped pair would fit."""
    nodes = frames["nodes"]
    swapped = (nodes["lat"].abs() > 90) & (nodes["lat"].abs() <= 180) & (nodes["lon"].abs() <= 90)
    if not swapped.any():
        return
    places = {}
    for i in np.flatnonzero(swapped):
        name = report.files.get("nodes", "nodes")
        places[f"{name} row {report.row('nodes', int(i))}, column `lat`"] = int(i)
    for k, problem in enumerate(report.problems):
        if (i := places.get(problem.where)) is not None:
            lon, lat = nodes.at[i, "lat"], nodes.at[i, "lon"]
            hint = f"The pair looks swapped: did you mean lon {lon:g}, lat {lat:g}?"
            report.problems[k] = Problem(problem.where, problem.what, hint)


def _totals(frames: Frames, report: Report) -> None:
    """Refuse rows that sum up others: counted as one more country they change every share."""
    remedy = "Drop the row: totals are computed."
    for table in ("countries", "nodes"):
        names = frames[table]["name"].str.strip().str.casefold()
        bad = names.isin(codes.TOTAL_NAMES)
        cells = frames[table]["name"]
        report.rows(
            table, "name", np.flatnonzero(bad),
            lambda i, cells=cells: f"{quote(cells[i])} is a total or a rest, not a row of its own.", remedy,
        )  # fmt: skip


def _references(frames: Frames, report: Report, broken: set[str]) -> None:
    """Report cells that point to a row which is not there."""
    for name, table in TABLES.items():
        for column in table.columns:
            if not column.points_to:
                continue
            other = column.points_to
            if report.files.get(other, other) in {where.split(",")[0] for where in broken}:
                continue  # that table could not be read: every row here would be reported
            key = frames[other][TABLES[other].key[0]].dropna()
            cells = frames[name][column.name]
            bad = np.flatnonzero(cells.notna() & ~cells.isin(key))
            if not len(bad):
                continue
            near = Suggester(key)
            kind = TABLES[other].key[0]
            report.rows(
                name, column.name, bad, lambda i, cells=cells, kind=kind: f"no {kind} {quote(cells[i])}.",
                lambda i, cells=cells, near=near, other=other: near(cells[i]) or f"Add it to `{other}`.",
            )  # fmt: skip


#: role -> (has an input, has an output); a stock has exactly one of them.
_SHAPES = {"extract": (False, True), "transform": (True, True), "use": (True, False)}


def _roles(frames: Frames, report: Report) -> None:
    """Check that a process has the input and output that its role says."""
    rows = frames["processes"]
    given, made = rows["input"].notna(), rows["output"].notna()
    for role, wants in _SHAPES.items():
        for column, has, want in (("input", given, wants[0]), ("output", made, wants[1])):
            bad = np.flatnonzero((rows["role"] == role) & (has != want))
            said = f"is {'missing' if want else 'given'}; a process of role `{role}` has {'an' if want else 'no'} {column}."
            report.rows("processes", column, bad, said)
    bad = np.flatnonzero((rows["role"] == "stock") & (given == made))
    report.rows(
        "processes", "input", bad, "a process of role `stock` has either an input (build) or an output (release)."
    )
    same = np.flatnonzero(given & (rows["input"] == rows["output"]))
    report.rows("processes", "output", same, lambda i: f"{quote(rows.at[i, 'output'])} is its own input.")


def _bands(frames: Frames, report: Report) -> None:
    """Check that lower bounds are not above upper ones."""
    for table, low, high in (
        ("processes", "activity_low_t", "activity_high_t"), ("shipments", "flow_low_t", "flow_high_t"),
    ):  # fmt: skip
        rows = frames[table]
        bad = np.flatnonzero(rows[low] > rows[high])
        report.rows(
            table, low, bad,
            lambda i, rows=rows, low=low, high=high: f"{rows.at[i, low]:g} is above `{high}` {rows.at[i, high]:g}.",
        )  # fmt: skip


def _berths(frames: Frames, report: Report) -> None:
    """Check that only straits have berths."""
    edges = frames["edges"]
    straits = set(frames["nodes"].loc[frames["nodes"]["kind"] == "passage", "node"].dropna())
    for end in ("source", "target"):
        bad = edges[f"{end}_berth"].notna() & edges[end].notna() & ~edges[end].isin(straits)
        report.rows(
            "edges", f"{end}_berth", np.flatnonzero(bad.to_numpy(dtype=bool)),
            lambda i, end=end: f"a berth at {quote(edges.at[i, end])}, which is not a passage; expected it missing.",
        )  # fmt: skip


def _owners(frames: Frames, report: Report) -> None:
    """Check that shares of one site sum to at most 1."""
    owners = frames["owners"]
    total = owners.groupby("node")["share"].transform("sum")
    last = ~owners.duplicated("node", keep="last") & (total > 1 + 1e-9)
    report.rows(
        "owners", "share", np.flatnonzero(last),
        lambda i: f"shares of {quote(owners.at[i, 'node'])} sum to {total[i]:.6g}; expected at most 1.",
    )  # fmt: skip


def _shipments(frames: Frames, report: Report) -> None:
    """Check products and routes of shipments."""
    sent, edges = frames["shipments"], frames["edges"]
    if not len(sent):
        return
    ends = frames["processes"].dropna(subset="process").drop_duplicates("process").set_index("process")
    nodes: dict[str, pd.Series[Any]] = {}
    for column, side, verb in (("origin", "output", "makes"), ("destination", "input", "takes")):
        nodes[column] = sent[column].map(ends["node"])
        product = sent[column].map(ends[side])
        bad = np.flatnonzero(sent[column].isin(ends.index) & sent["product"].notna() & (product != sent["product"]))
        report.rows(
            "shipments", "product", bad,
            lambda i, product=product, column=column, verb=verb: (
                f"{quote(sent.at[i, 'product'])} is shipped, but {column} {quote(sent.at[i, column])} {verb} "
                f"{quote(product[i]) if isinstance(product[i], str) else 'nothing'}."
            ),
        )  # fmt: skip
    stay = sent["route"].isna() & nodes["origin"].notna() & nodes["destination"].notna()
    bad = np.flatnonzero(stay & (nodes["origin"] != nodes["destination"]))
    report.rows(
        "shipments", "route", bad,
        lambda i: f"is missing, but the shipment goes from {quote(nodes['origin'][i])} to "
        f"{quote(nodes['destination'][i])}; only shipments inside one site have no route.",
        "Give the edge ids in order, joined by `;`.",
    )  # fmt: skip
    if edges["edge"].is_unique and edges["edge"].notna().all():
        _routes(sent, edges, nodes["origin"], nodes["destination"], report)


def _routes(
    sent: pd.DataFrame, edges: pd.DataFrame, start: pd.Series[Any], end: pd.Series[Any], report: Report
) -> None:
    """Follow all routes at once: one row per step, compared with the step before."""
    steps = sent["route"].dropna().str.split(LIST_SEPARATOR).explode()
    if not len(steps):
        return
    at = steps.index.to_numpy()
    row = pd.Index(edges["edge"]).get_indexer(pd.Index(steps))
    near = Suggester(edges["edge"])
    names = steps.to_numpy(dtype=object)

    def tell(mask: np.ndarray[Any, Any], what: Any, remedy: Any = "") -> None:
        found = np.flatnonzero(mask)
        first = {int(at[k]): int(k) for k in found[::-1]}  # one fault of a kind per shipment: the first on its way
        report.rows(
            "shipments", "route", sorted(first), lambda i: what(first[i]),
            remedy if isinstance(remedy, str) else lambda i: remedy(first[i]),
        )  # fmt: skip

    lost = row < 0
    tell(lost, lambda k: f"no edge {quote(names[k])}.", lambda k: near(names[k]))
    twice = pd.DataFrame({"at": at, "row": row}).duplicated().to_numpy() & ~lost
    tell(twice, lambda k: f"uses edge {quote(names[k])} twice.")
    product = edges["product"].to_numpy(dtype=object)
    own = sent["product"].to_numpy(dtype=object)[at]
    other = ~lost & (product[row] != own) & ~pd.isna(own) & ~pd.isna(product[row])
    tell(other, lambda k: f"edge {quote(names[k])} carries {quote(product[row[k]])}, not {quote(own[k])}.")
    source, target = (edges[c].to_numpy(dtype=object)[row] for c in ("source", "target"))
    leave, reach = (edges[f"{c}_berth"].fillna(-1).to_numpy(dtype="int64")[row] for c in ("source", "target"))
    first = np.append(True, at[1:] != at[:-1])
    last = np.append(first[1:], True)
    ok = ~lost
    begin, finish = start.to_numpy(dtype=object)[at], end.to_numpy(dtype=object)[at]
    wrong = first & ok & ~pd.isna(begin) & ~pd.isna(source) & (source != begin)
    tell(wrong, lambda k: f"starts at {quote(source[k])}, but the origin stands at {quote(begin[k])}.")
    wrong = last & ok & ~pd.isna(finish) & ~pd.isna(target) & (target != finish)
    tell(wrong, lambda k: f"ends at {quote(target[k])}, but the destination stands at {quote(finish[k])}.")
    before = np.arange(len(row)) - 1
    joined = ~first & ok & ok[before] & ~pd.isna(source) & ~pd.isna(target[before])
    gap = joined & (source != target[before])
    tell(gap, lambda k: f"edge {quote(names[k])} starts at {quote(source[k])}, but the route is at "
         f"{quote(target[k - 1])}.")  # fmt: skip
    berth = joined & ~gap & (leave != reach[before])
    tell(
        berth, lambda k: f"edge {quote(names[k])} leaves {quote(source[k])} from another berth than the route entered."
    )
