"""The network: an immutable value over a handful of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplygraph.network import schema

if TYPE_CHECKING:
    import pandas as pd


class SupplyNetwork:
    """A supply network (skeleton; checks, selections and conversions follow)."""

    def __init__(self, *, nodes, processes, edges, products, references, owners=None, countries=None,
                 shipments=None, meta=None):
        given = {"nodes": nodes, "owners": owners, "processes": processes, "edges": edges, "shipments": shipments,
                 "products": products, "countries": countries, "references": references}
        self._tables = {name: _canonical(schema.TABLES[name], frame) for name, frame in given.items()}
        self.meta = dict(meta or {})

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name in schema.TABLES:
            return self._tables[name].copy(deep=False)
        raise AttributeError(name)


def _canonical(table: schema.Table, frame: pd.DataFrame | None) -> pd.DataFrame:
    import pandas as pd

    if frame is None:
        frame = pd.DataFrame({column.name: [] for column in table.columns})
    frame = frame.reset_index() if set(table.key) - set(frame.columns) else frame
    frame = frame.reindex(columns=table.names)
    for column in table.columns:
        if column.kind == "number":
            frame[column.name] = pd.to_numeric(frame[column.name]).astype("float64")
        elif column.kind == "integer":
            frame[column.name] = frame[column.name].astype("Int64")
        else:
            frame[column.name] = frame[column.name].astype("str")
    frame = frame.sort_values(list(table.key)).set_index(list(table.key)) if len(table.key) == 1 else \
        frame.sort_values(list(table.key)).reset_index(drop=True)
    return frame
