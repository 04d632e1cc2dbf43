"""The tables against each other: what construction refuses.

All problems are collected, in the order of the tables, and raised at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import Problem
from supplygraph.network import codes
from supplygraph.network.columns import among, canonical, conform
from supplygraph.network.report import Report, Suggester, quote, saying
from supplygraph.network.schema import LIST_SEPARATOR, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    _coordinates(frames, report)
    _totals(frames, report)
    _references(frames, report)
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
    lon, lat = (frames["nodes"][name].to_numpy(dtype=float) for name in ("lon", "lat"))
    swapped = np.flatnonzero((np.abs(lat) > 90) & (np.abs(lat) <= 180) & (np.abs(lon) <= 90))
    if not len(swapped):
        return
    name = report.files.get("nodes", "nodes")
    places = {f"{name} row {report.row('nodes', int(i))}, column `lat`": int(i) for i in swapped}
    for k, problem in enumerate(report.problems):
        if problem.where in places:
            i = places[problem.where]
            hint = f"The pair looks swapped: did you mean lon {lat[i]:g}, lat {lon[i]:g}?"
            report.problems[k] = Problem(problem.where, problem.what, hint)


def _totals(frames: Frames, report: Report) -> None:
    """Refuse rows that sum up others: counted as one more country they change every share."""
    said, remedy = "{0} is a total or a rest, not a row of its own.", "Drop the row: totals are computed."
    for table in ("countries", "nodes"):
        names = frames[table]["name"]
        bad = names.str.strip().str.casefold().isin(codes.TOTAL_NAMES)
        report.rows(table, "name", np.flatnonzero(bad), saying(said, names), remedy)


def _references(frames: Frames, report: Report) -> None:
    """Report cells that point to a row which is not there."""
    for name, table in TABLES.items():
        for column in table.columns:
            other = column.points_to
            if not other or other in report.unread:
                continue  # of a table that could not be read, every row here would be reported
            kind = TABLES[other].key[0]
            key = frames[other][kind].dropna()
            cells = frames[name][column.name]
            bad = np.flatnonzero(cells.notna() & ~among(cells, key))
            if len(bad):
                remedy = _nearest(Suggester(key), cells, f"Add it to `{other}`.")
                report.rows(name, column.name, bad, saying(f"no {kind} {{0}}.", cells), remedy)


def _nearest(near: Suggester, cells: pd.Series[Any], otherwise: str) -> Callable[[int], str]:
    texts = cells.to_numpy(dtype=object)
    return lambda i: near(str(texts[i])) or otherwise


#: role -> (has an input, has an output); a stock has exactly one of them.
_SHAPES = {"extract": (False, True), "transform": (True, True), "use": (True, False), "trade": (True, True)}


def _roles(frames: Frames, report: Report) -> None:
    """Check that a process has the input and output that its role says."""
    rows = frames["processes"]
    given, made = rows["input"].notna(), rows["output"].notna()
    for role, wants in _SHAPES.items():
        for column, has, want in (("input", given, wants[0]), ("output", made, wants[1])):
            bad = np.flatnonzero((rows["role"] == role) & (has != want))
            kind = "an" if want else "no"
            said = f"is {'missing' if want else 'given'}; a process of role `{role}` has {kind} {column}."
            report.rows("processes", column, bad, said)
    bad = np.flatnonzero((rows["role"] == "stock") & (given == made))
    said = "a process of role `stock` has either an input (build) or an output (release)."
    report.rows("processes", "input", bad, said)
    trades, alike = rows["role"] == "trade", rows["input"] == rows["output"]
    same = np.flatnonzero(given & alike & ~trades)
    remedy = "Only a process of role `trade` sells what it buys."
    report.rows("processes", "output", same, saying("{0} is its own input.", rows["output"]), remedy)
    other = np.flatnonzero(trades & given & made & ~alike)
    bought = saying("{0} is sold, but {1} is bought by a process of role `trade`.", rows["output"], rows["input"])
    report.rows("processes", "output", other, bought, "Give one product as input and output, or the role `transform`.")
    lossy = np.flatnonzero(trades & rows["recovery"].notna() & (rows["recovery"] != 1))
    lost = saying("is {0}; a process of role `trade` loses nothing.", rows["recovery"])
    report.rows("processes", "recovery", lossy, lost, "Leave it out, or give 1.")


def _bands(frames: Frames, report: Report) -> None:
    """Check that lower bounds are not above upper ones."""
    for table, low, high in (
        ("processes", "activity_low_t", "activity_high_t"),
        ("shipments", "flow_low_t", "flow_high_t"),
    ):
        below, above = frames[table][low], frames[table][high]
        said = saying(f"{{0}} is above `{high}`, {{1}}.", below, above)
        report.rows(table, low, np.flatnonzero(below > above), said)


def _berths(frames: Frames, report: Report) -> None:
    """Check that only straits have berths."""
    edges = frames["edges"]
    if "nodes" in report.unread:
        return
    straits = set(frames["nodes"].loc[frames["nodes"]["kind"] == "passage", "node"].dropna())
    for end in ("source", "target"):
        bad = (edges[f"{end}_berth"].notna() & edges[end].notna() & ~edges[end].isin(straits)).to_numpy(dtype=bool)
        said = saying("is a berth at {0}, which is not a passage; expected it missing.", edges[end])
        report.rows("edges", f"{end}_berth", np.flatnonzero(bad), said)


def _owners(frames: Frames, report: Report) -> None:
    """Check that shares of one site sum to at most 1."""
    owners = frames["owners"]
    total = owners.groupby("node")["share"].transform("sum")
    last = ~owners.duplicated("node", keep="last") & (total > 1 + 1e-9)
    said = saying("shares of {0} sum to {1}; expected at most 1.", owners["node"], total)
    report.rows("owners", "share", np.flatnonzero(last), said)


def _shipments(frames: Frames, report: Report) -> None:
    """Check products and routes of shipments."""
    sent, edges = frames["shipments"], frames["edges"]
    if not len(sent) or report.unread & {"processes", "edges"}:
        return
    ends = frames["processes"].dropna(subset="process").drop_duplicates("process").set_index("process")
    nodes: dict[str, pd.Series[Any]] = {}
    for column, side, verb in (("origin", "output", "makes"), ("destination", "input", "takes")):
        nodes[column] = sent[column].map(ends["node"])
        product = sent[column].map(ends[side])
        bad = np.flatnonzero(sent[column].isin(ends.index) & sent["product"].notna() & (product != sent["product"]))
        said = saying(f"{{0}} is shipped, but the {column} {{1}} {verb} {{2}}.", sent["product"], sent[column], product)
        report.rows("shipments", "product", bad, said)
    start, end = nodes["origin"], nodes["destination"]
    bad = np.flatnonzero(sent["route"].isna() & start.notna() & end.notna() & (start != end))
    said = saying("is missing, but the shipment goes from {0} to {1}.", start, end)
    remedy = "Give the edge ids in order, joined by `;`; only shipments inside one site have no route."
    report.rows("shipments", "route", bad, said, remedy)
    if edges["edge"].is_unique and edges["edge"].notna().all():
        _routes(sent, edges, start, end, report)


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

    def tell(
        mask: np.ndarray[Any, Any], what: Callable[[int], str], remedy: Callable[[int], str] | None = None
    ) -> None:
        found = np.flatnonzero(mask)
        first = {int(at[k]): int(k) for k in found[::-1]}  # one fault of a kind per shipment: the first on its way
        report.rows(
            "shipments", "route", sorted(first), lambda i: what(first[i]),
            (lambda i: remedy(first[i])) if remedy else "",
        )  # fmt: skip

    lost = row < 0
    tell(lost, lambda k: f"no edge {quote(names[k])}.", lambda k: near(str(names[k])))
    if not len(edges):
        return
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
