"""What makes a pair likely: forms, operators and owners at its two ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from supplygraph.world.balance import Flags, Floats

_WORDS = """
    advanced affiliate and antimony ara artisanal associated australia australian baotou base battery beijing black
    brasil buyers carbon china chinese citic cobalt company cooperatives copper corporation cuban earth earths energy
    ex finland first firms former ganzhou germanium global graphite group guangdong guangxi guizhou high hunan inc
    indonesia industrial industries industry inner international japan jiangsu jiangxi kola korea limited lithium
    local ltd magnesita magnet magnetics majority material materials metal metals mineral minerals mines mining
    mongolia nanjing new nickel ningbo nonferrous north northern operators others partners precious processing
    producers prospect pt purchase quantum rare refinery resources sale salt shandong shanghai shenzhen shanxi sichuan
    silver small smelting solution solutions south special sold state strategic subsidiary sumitomoelectric tech
    technology the tin tungsten united usa various xinjiang yichang yichun yunnan zinc qinghai qingdao lake gold star
    zhejiang agreed control history restructuring recovery refining works army plant
"""
#: Words in operators' names that say nothing about who they are.
STOP = frozenset(_WORDS.split())
#: A site of unknown forms takes, or makes, what no listed site of its country does: one in twenty.
UNLIKE = 0.05


def tokens(operator: object) -> frozenset[str]:
    """Return the words that identify an operator.

    Examples
    --------
    >>> sorted(tokens("Zhejiang Huayou Cobalt")), sorted(tokens("Harita / Lygend (HPL)"))
    (['huayou'], ['harita', 'hpl', 'lygend'])
    """
    text = operator if isinstance(operator, str) else ""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return frozenset(word for word in words if len(word) > 2 and word not in STOP)


def _forms(column: pd.Series[Any]) -> list[frozenset[str]]:
    """Split the lists of forms; an unknown list is empty."""
    return [frozenset(v.split(";")) if isinstance(v, str) and v else frozenset() for v in column]


def shared(rows: list[frozenset[str]], columns: list[frozenset[str]]) -> Flags:
    """Tell which rows and columns have a member in common."""
    index: dict[str, int] = {}
    for members in [*rows, *columns]:
        for member in sorted(members):
            index.setdefault(member, len(index))
    left, right = np.zeros((len(rows), len(index))), np.zeros((len(columns), len(index)))
    for matrix, lists in ((left, rows), (right, columns)):
        for position, members in enumerate(lists):
            matrix[position, [index[member] for member in members]] = 1
    return np.asarray(left @ right.T > 0)


def compatible(origins: pd.DataFrame, destinations: pd.DataFrame) -> Flags:
    """Tell which destination can take what each origin makes (unknown lists can take anything)."""
    makes, accepts = _forms(origins["makes"]), _forms(destinations["accepts"])
    unknown = np.array([not x for x in makes])[:, None] | np.array([not x for x in accepts])[None, :]
    return np.asarray(shared(makes, accepts) | unknown)


def likeness(origins: pd.DataFrame, destinations: pd.DataFrame) -> Floats:
    """Return the form factor: 1 where the plant can take what the origin makes, 0 where it cannot.

    Where a list is not known, the site is taken to be like the listed ones of its country: the factor is the
    share of their tonnes that fits, and at least :data:`UNLIKE` (1 where there are none to compare with).

    Examples
    --------
    >>> import pandas as pd
    >>> o = pd.DataFrame({"country": ["COD", "COD"], "makes": ["hydroxide", None], "supply_t": [9.0, 1.0]})
    >>> d = pd.DataFrame({"country": ["FIN", "CHN"], "accepts": ["matte", "hydroxide"], "intake_t": [5.0, 5.0]})
    >>> likeness(o, d).tolist()
    [[0.0, 1.0], [0.05, 1.0]]
    """
    fits = compatible(origins, destinations).astype(float)
    like = fits.copy()
    sides = ((like, fits, origins, "makes", "supply_t"), (like.T, fits.T, destinations, "accepts", "intake_t"))
    for factor, flags, table, lists, tonnes in sides:
        known = np.array([bool(x) for x in _forms(table[lists])])
        weight = np.where(known, table[tonnes].to_numpy(dtype=float), 0.0)
        country = table["country"].to_numpy(dtype=object)
        for i in np.flatnonzero(~known):
            peers = weight * (country == country[i])
            if peers.sum() > 0:
                factor[i] *= np.maximum(peers @ flags / peers.sum(), UNLIKE)
    return like


def overlap(origins: pd.DataFrame, destinations: pd.DataFrame, owners: pd.DataFrame) -> Floats:
    """Return the overlap of owner countries: the sum over countries of the smaller share."""
    if not len(owners):
        return np.zeros((len(origins), len(destinations)))
    held = owners.pivot_table(index="node", columns="owner", values="share", aggfunc="sum", fill_value=0.0)
    a = held.reindex(origins["node"]).fillna(0.0).to_numpy()
    b = held.reindex(destinations["node"]).fillna(0.0).to_numpy()
    result = np.zeros((len(a), len(b)))
    for k in range(a.shape[1]):
        result += np.minimum(a[:, k][:, None], b[:, k][None, :])
    return result
