"""Facilities as nodes: several products at one place are one node, with readable ids."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from supplygraph.network.schema import NODES, OWNERS
from supplygraph.world.prior import tokens

#: Facilities of one kind nearer than this (degrees in longitude and latitude) may be one site.
NEAR_DEGREES = 0.03 + 1e-9
#: Share of the listed capacity that a site of each status is expected to run at; other states do not run.
RUNNING = {"operating": 1.0, "ramp_up": 0.5, "intermittent": 0.5, "closing": 0.5}
#: States that stop a site. One reported after the base year says nothing about the base year itself.
STOPPED_LATER = ("halted",)
_BY_PRODUCT = re.compile(r"\s*\((?:cobalt|nickel|copper|lithium|antimony|germanium|gallium)\)", re.IGNORECASE)
_SUFFIX = {"mine": "mine", "refinery": "refinery", "factory": "plant"}
_CONFIDENCE = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True)
class Sites:
    """Sites made of facilities.

    Attributes
    ----------
    nodes, owners
        Rows with the columns of the schema (flat).
    node_of
        Node of each facility, by facility.
    """

    nodes: pd.DataFrame
    owners: pd.DataFrame
    node_of: pd.Series[str]


def slug(text: str) -> str:
    """Return text as an id: lower-case ASCII words joined by hyphens.

    Examples
    --------
    >>> slug("Voisey's Bay"), slug("Kamoto (KCC)")
    ('voiseys-bay', 'kamoto-kcc')
    """
    plain = text.lower().replace("'", "").encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain))


def _title(name: str) -> str:
    """Return the name of a place without the product it was listed for."""
    return _BY_PRODUCT.sub("", name).strip()


def _core(name: str) -> str:
    return slug(re.sub(r"\(.*?\)", "", name)) or slug(name)


def _groups(facilities: pd.DataFrame) -> list[list[int]]:
    """Return positions of facilities that stand for one site.

    Same kind and country, nearly the same position, and the same operator or name. The relation is closed by
    union, in the order of ids, so it does not depend on the order of rows.
    """
    rows: list[Any] = list(facilities.itertuples(index=False))
    parent = list(range(len(rows)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    words = [tokens(row.operator) for row in rows]
    cores = [_core(_title(row.name)) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: (rows[i].lon, rows[i].facility))
    for k, i in enumerate(order):
        for j in order[k + 1 :]:
            if rows[j].lon - rows[i].lon > NEAR_DEGREES:
                break
            same_place = abs(rows[i].lat - rows[j].lat) <= NEAR_DEGREES and rows[i].country == rows[j].country
            if not same_place or rows[i].kind != rows[j].kind:
                continue
            alike = cores[i] == cores[j] or words[i] & words[j] or rows[i].operator == rows[j].operator
            if alike:
                a, b = sorted((root(i), root(j)))
                parent[b] = a
    found: dict[int, list[int]] = {}
    for i in range(len(rows)):
        found.setdefault(root(i), []).append(i)
    return list(found.values())


def _heads(groups: list[list[int]], rows: list[tuple[str, str]]) -> list[int]:
    """Return the member that names each group: the shortest name, then the first id."""
    return [min(group, key=lambda i: (len(_title(rows[i][1])), rows[i][0])) for group in groups]


def _ids(names: list[str], kinds: list[str], countries: list[str]) -> list[str]:
    """Name the groups: the name without brackets if that is unique, else with, else with kind and country."""
    chosen = [_core(name) for name in names]
    fuller = [
        [slug(name) for name in names],
        [f"{slug(n)}-{_SUFFIX.get(k, k)}" for n, k in zip(names, kinds, strict=True)],
        [f"{slug(n)}-{_SUFFIX.get(k, k)}-{c.lower()}" for n, k, c in zip(names, kinds, countries, strict=True)],
    ]
    for level, options in enumerate(fuller):
        count = pd.Series(chosen).value_counts()
        for i, name in enumerate(chosen):
            keeps = level == 1 and kinds[i] == "mine" and kinds.count("mine") and _first(chosen, kinds, i)
            if count[name] > 1 and not keeps:
                chosen[i] = options[i]
    seen: dict[str, int] = {}
    for i, name in enumerate(chosen):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            chosen[i] = f"{name}-{seen[name]}"
    return chosen


def _first(chosen: list[str], kinds: list[str], i: int) -> bool:
    """Tell whether this is the only mine of its name: it keeps the plain id, its plants take a longer one."""
    return sum(1 for name, kind in zip(chosen, kinds, strict=True) if name == chosen[i] and kind == "mine") == 1


def register(facilities: pd.DataFrame, owners: pd.DataFrame | None = None) -> Sites:
    """Turn facilities into sites.

    Parameters
    ----------
    facilities
        Columns facility, name, kind, country, lon, lat, operator, status, reference, confidence.
    owners
        Columns facility, owner, share, reference.

    Returns
    -------
    Sites
        Of several facilities at one site, the shortest name gives name and id, the surest row its position,
        reference and confidence, and the first that lists owners gives the owners.

    Notes
    -----
    Ids depend on the whole list, so register all facilities at once: then networks of several minerals merge.
    O(n k) for k facilities in the same strip of longitude.
    """
    table = facilities.sort_values("facility", kind="stable").reset_index(drop=True)
    groups = _groups(table)
    pairs = list(table[["facility", "name"]].itertuples(index=False, name=None))
    heads = _heads(groups, pairs)
    names = [_title(pairs[i][1]) for i in heads]
    ids = _ids(names, [str(x) for x in table["kind"].iloc[heads]], [str(x) for x in table["country"].iloc[heads]])
    rows: list[dict[str, Any]] = []
    node_of: dict[str, str] = {}
    for group, name, node in zip(groups, names, ids, strict=True):
        members = table.loc[group]
        rank = members["confidence"].map(_CONFIDENCE).fillna(3)
        best = members.loc[rank.sort_values(kind="stable").index[0]]
        running = members["status"].map(RUNNING).fillna(0.0)
        state = members.loc[running.sort_values(ascending=False, kind="stable").index[0], "status"]
        rows.append(
            {
                "node": node,
                "name": name,
                "kind": best["kind"],
                "country": best["country"],
                "lon": float(best["lon"]),
                "lat": float(best["lat"]),
                "throughput_t": float("inf"),
                "status": state,
                "reference": best["reference"],
                "confidence": best["confidence"],
            }
        )
        node_of |= dict.fromkeys(members["facility"], node)
    nodes = pd.DataFrame(rows, columns=NODES.names).sort_values("node", ignore_index=True)
    where = pd.Series(node_of, dtype="str").sort_index()
    return Sites(nodes, _owners(owners, where), where)


def _owners(owners: pd.DataFrame | None, node_of: pd.Series[str]) -> pd.DataFrame:
    """Return owners by node: those of the first facility there that lists any, shares summing to at most 1."""
    if owners is None or not len(owners):
        return pd.DataFrame(columns=OWNERS.names)
    table = owners[owners["facility"].isin(node_of.index) & owners["owner"].notna() & owners["share"].notna()]
    table = table.assign(node=table["facility"].map(node_of)).sort_values(["node", "facility", "owner"])
    table = table[table["facility"] == table.groupby("node")["facility"].transform("first")]
    table = table.groupby(["node", "owner"], as_index=False).agg(
        share=("share", "sum"), reference=("reference", "first")
    )
    total = table.groupby("node")["share"].transform("sum")
    table["share"] = table["share"] / total.clip(lower=1.0)
    return table[OWNERS.names]


def running(status: pd.Series[str], year: pd.Series[float], base_year: int) -> pd.Series[float]:
    """Return the share of capacity that sites are expected to run at in the base year.

    Operating 1; ramp-up, intermittent and closing one half; all else 0, except a halt reported for a later
    year than the base year: such a site ran.

    Examples
    --------
    >>> running(pd.Series(["operating", "ramp_up", "halted"]), pd.Series([2025, 2025, 2026]), 2025).tolist()
    [1.0, 0.5, 1.0]
    """
    share = status.map(RUNNING).fillna(0.0)
    ran = status.isin(STOPPED_LATER) & (year > base_year)
    return share.mask(ran, 1.0).astype(float)
