"""What a network says about itself: contents, years, and how good it is."""

from __future__ import annotations

import html as escape
from typing import TYPE_CHECKING, Any

from supplygraph.network import doubts
from supplygraph.network.parts import names

if TYPE_CHECKING:
    import pandas as pd

_PLURALS = {"refinery": "refineries", "factory": "factories", "country": "countries", "process": "processes"}


def lines(tables: dict[str, pd.DataFrame], meta: dict[str, Any]) -> list[str]:
    """Return the words of the repr, one fact a line."""
    nodes, processes, edges = tables["nodes"], tables["processes"], tables["edges"]
    sent = tables["shipments"]
    minerals = sorted(set(processes["mineral"].dropna()))
    title = str(meta.get("name") or names(minerals) or "empty")
    kinds = ", ".join(_count(n, k) for k, n in nodes["kind"].value_counts().sort_index().items())
    stated = nodes["country"].nunique()
    years = processes["year"].dropna()
    span = f"{years.min()}–{years.max()}" if len(years) and years.min() != years.max() else "".join(map(str, years[:1]))
    said = [
        f"SupplyNetwork: {title}",
        f"  {_count(len(nodes), 'node')}" + (f" ({kinds})" if kinds else "") + f" in {_count(stated, 'country')}",
        (
            f"  {_count(len(processes), 'process')}, {_count(len(edges), 'edge')}, {_count(len(sent), 'shipment')} "
            f"({sent['flow_t'].sum():,.0f} t/year over all stages), {_count(len(tables['references']), 'reference')}"
        ),
        f"  data from {span or 'unknown years'}; {quality(tables)}",
    ]
    found = doubts.balances(tables)
    said.append(f"  {_count(len(found), 'problem')}" + (f", the first: {found[0]}" if found else ""))
    if cuts := meta.get("dropped"):
        tonnes = sum(float(cut.get("flow_t", 0.0)) for cut in cuts)
        said.append(f"  a part: {_count(len(cuts), 'cut')} took {tonnes:,.0f} t/year of shipments away")
    return said


def quality(tables: dict[str, pd.DataFrame]) -> str:
    """Return the share of activity that is estimated or of low confidence, and that is not at a named site."""
    processes, nodes = tables["processes"], tables["nodes"]
    activity = processes["activity_t"].fillna(0.0)
    total = activity.sum()
    if not total:
        return "no activity given"
    weak = activity[processes["confidence"].isin(["estimated", "low"])].sum() / total
    rest = activity[(processes["node"].map(nodes["status"]) == "residual").to_numpy(dtype=bool)].sum() / total
    return f"{weak:.0%} of activity is estimated or of low confidence, {rest:.0%} at unnamed sites"


def html(tables: dict[str, pd.DataFrame], meta: dict[str, Any]) -> str:
    """Return the repr as inert HTML."""
    head, *rest = lines(tables, meta)
    items = "".join(f"<li>{escape.escape(line.strip())}</li>" for line in rest)
    return f"<div><strong>{escape.escape(head)}</strong><ul>{items}</ul></div>"


def _count(number: int, what: Any) -> str:
    word = str(what)
    return f"{number:,} {word if number == 1 else _PLURALS.get(word, word + 's')}"
