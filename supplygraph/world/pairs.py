"""Country pairs: flows summed by exporter and importer, and the countries that a record names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.world.closing import EU, EUROPEAN_UNION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.world.balance import Flags, Floats


def by_country(flow: Floats, origins: pd.DataFrame, destinations: pd.DataFrame) -> pd.Series[float]:
    """Sum flows by exporter and importer (unknown countries are left out).

    Examples
    --------
    >>> import pandas as pd, numpy as np
    >>> a, b = pd.DataFrame({"country": ["COD", "PHL"]}), pd.DataFrame({"country": ["CHN"]})
    >>> by_country(np.array([[2.0], [1.0]]), a, b).to_dict()
    {('COD', 'CHN'): 2.0, ('PHL', 'CHN'): 1.0}
    """
    i, j = np.nonzero(flow)
    frame = pd.DataFrame(
        {
            "exporter": origins["country"].to_numpy()[i],
            "importer": destinations["country"].to_numpy()[j],
            "flow_t": flow[i, j],
        }
    )
    return frame.dropna().groupby(["exporter", "importer"], sort=True)["flow_t"].sum()


def records(frame: pd.DataFrame) -> list[Any]:
    """Rows as named tuples (their columns are untyped)."""
    return list(frame.itertuples(index=False))


def named(countries: NDArray[Any], name: str) -> Flags:
    """Tell which countries a record names; ``EUU`` names the members of the European Union."""
    return np.isin(countries.astype(str), sorted(EU)) if name == EUROPEAN_UNION else np.asarray(countries == name)
