"""The bundled networks: which there are, how they compare with the statistics, and reading them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph import facts
from supplygraph.errors import UnknownNameError
from supplygraph.network.columns import canonical, dtype
from supplygraph.network.network import SupplyNetwork, _restore
from supplygraph.network.schema import TABLES
from supplygraph.world.chains import chain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Columns of :func:`datasets`.
COLUMNS = (
    "mineral",
    "stage",
    "product",
    "year",
    "series",
    "statistic_t",
    "network_t",
    "named_share",
    "reference",
    "notes",
)
#: Tables beside the network in each folder.
CORRECTIONS, STAGES, FIT, REPORT = "corrections", "stages", "fit", "estimate"


def _folder() -> Path:
    return facts.folder() / "networks"


def _bundled() -> list[str]:
    """Return the minerals with a network, in order."""
    return sorted(f.name for f in _folder().iterdir() if (f / "nodes.csv").is_file()) if _folder().is_dir() else []


def load(mineral: str | Iterable[str] | None = None) -> SupplyNetwork:
    """Return a bundled network, or several as one.

    Parameters
    ----------
    mineral
        One name (see :func:`datasets`), several, or ``None`` for all. Networks of several minerals share their sites,
        ports and straits; their tonnes stay apart.

    Raises
    ------
    UnknownNameError
        If there is no such network; the message suggests one.

    Notes
    -----
    Reads CSV files that were checked when they were made: about 0.1 s for a mineral.

    Examples
    --------
    >>> load("cobalt").products.index.tolist()
    ['cobalt-mined', 'cobalt-refined']
    >>> load("cobolt")
    Traceback (most recent call last):
    supplygraph.errors.UnknownNameError: unknown mineral 'cobolt'. Did you mean 'cobalt'? Known: antimony, ...
    """
    known = _bundled()
    names = [mineral] if isinstance(mineral, str) else sorted(set(known if mineral is None else mineral))
    for name in names:
        if name not in known:
            raise UnknownNameError.of("mineral", name, known)
    if len(names) == 1:
        return _load(names[0])
    return _merge([_load(name) for name in names])


@lru_cache(maxsize=16)
def _load(mineral: str) -> SupplyNetwork:
    """Read one network; it cannot change, so it is read once."""
    import json

    folder = _folder() / mineral
    tables = {}
    for name, table in TABLES.items():
        frame = pd.read_csv(
            folder / f"{name}.csv", dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8"
        )
        for column in table.columns:
            if dtype(column) != "str":  # Python reads decimals back exactly, on every version of pandas
                numbers = frame[column.name].to_numpy(dtype=object, na_value="nan").astype(float)
                frame[column.name] = numbers
                if dtype(column) == "Int64":
                    frame[column.name] = frame[column.name].astype("Int64")
        tables[name] = canonical(table, frame[table.names])
    return _restore(tables, json.loads((folder / "meta.json").read_text(encoding="utf-8")))


def _merge(networks: list[SupplyNetwork]) -> SupplyNetwork:
    """Return several networks as one: rows with the same key are the same row."""
    tables = {}
    for name, table in TABLES.items():
        parts = [getattr(net, name) for net in networks]
        flat = pd.concat([part.reset_index() if len(table.key) == 1 else part for part in parts], ignore_index=True)
        tables[name] = canonical(table, flat.drop_duplicates(list(table.key)).reset_index(drop=True))
    return _restore(tables, _merge_meta([net.meta for net in networks]))


def _merge_meta(metas: list[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {"name": "; ".join(str(meta["name"]) for meta in metas)}
    for meta in metas:
        for key, value in meta.items():
            if isinstance(value, list):
                merged.setdefault(key, []).extend(value)
            elif isinstance(value, dict):
                merged.setdefault(key, {}).update(value)
    return merged


def datasets() -> pd.DataFrame:
    """Return what is bundled: one row per mineral and stage.

    Returns
    -------
    pandas.DataFrame
        ``mineral``, ``stage``, ``product`` (of the stage; for final use the product used), ``year`` and ``series`` of
        the statistic, ``statistic_t`` (world, sum of its rows; missing where nobody publishes one), ``network_t``,
        ``named_share`` (of the tonnes, at listed sites), ``reference``, ``notes`` (assumptions, and how well the
        shipments of the product agree with customs records where there are any).

    Examples
    --------
    >>> datasets().query("mineral == 'cobalt'")[["stage", "year"]].values.tolist()
    [['mining', 2025], ['refining', 2025], ['manufacturing', 2025]]
    """
    parts = []
    for mineral in _bundled():
        stages = facts.read(f"networks/{mineral}/{STAGES}.csv")
        fit = facts.read(f"networks/{mineral}/{FIT}.csv")
        stages["notes"] = [_notes(row, fit) for row in stages.to_dict("records")]
        order = [(step.stage, step.product or step.feeds[0].input) for step in chain(mineral).steps]
        rank = [order.index(key) for key in zip(stages["stage"], stages["product"], strict=True)]
        parts.append(stages.iloc[sorted(range(len(rank)), key=rank.__getitem__)])
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _notes(row: dict[Any, Any], fit: pd.DataFrame) -> str:
    """Return the assumptions of a stage, what was published, and the fit of its product."""
    said = [str(row["notes"])] if isinstance(row["notes"], str) and row["notes"] else []
    world, total = row["published_world_t"], row["statistic_t"]
    if pd.notna(world) and pd.notna(total) and abs(world - total) > 1e-3 * total:
        said.append(f"rows sum to {total:.0f} t, the published rounded world total is {world:.0f} t")
    held = fit[(fit["product"] == row["product"]) & (fit["case"] == "held_out")]
    if row["stage"] != "manufacturing" and len(held):
        one = held.iloc[0]
        said.append(
            f"shipments against customs records not used in the fit: {float(one['misplaced_share']):.0%} of tonnes "
            f"misplaced, correlation {float(one['correlation']):.2f} over {int(one['pairs'])} country pairs"
        )
    return "; ".join(said)
