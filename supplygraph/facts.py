"""The bundled facts: the tables under ``data/``, read as they are written.

In a checkout they lie beside the package; a wheel carries them inside it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from supplygraph.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd


def folder() -> Path:
    """Return the folder that holds the bundled tables."""
    inside = Path(__file__).parent / "data"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "data"


def path(name: str) -> Path:
    """Return the path of one bundled file, such as ``geo/ports.csv``.

    Raises
    ------
    UnknownNameError
        If no such file is bundled.
    """
    found = folder() / name
    if not found.is_file():
        known = (str(f.relative_to(folder())) for f in folder().rglob("*") if f.is_file())
        raise UnknownNameError.of("bundled file", name, known)
    return found


@lru_cache(maxsize=64)
def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    frame = pd.read_csv(path(name), dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8")
    for column in frame.columns:
        if column in {"year", "order"} or column.endswith(_NUMERIC):
            frame[column] = pd.to_numeric(frame[column])
    return frame


#: Columns with these endings are numbers; all others, codes and ids included, are text.
_NUMERIC = (
    *("_t", "_km", "_usd_t", "share", "_pct", "_nm", "days", "lon", "lat", "factor", "fraction", "recovery"),
    *("_per_t_km", "_per_tkm", "_km_day", "_musd", "_year", "_low", "_high", "days_of_cover", "ratio_to_china"),
    *("wgi", "mean_of_six", "voice", "stability", "effectiveness", "regulatory", "rule_of_law", "corruption"),
    *("trade_parameter", "years_construction", "ramp_years", "years_discovery_to_production", "start_year_announced"),
    *("eol_rir", "si_sr", "si_ei", "import_reliance_eu", "import_reliance_us", "economic_importance_eu"),
    *("supply_risk_eu_2023", "net_import_reliance_pct", "quantity", "level_value", "plus_minus_value"),
)


def read(name: str) -> pd.DataFrame:
    """Return one bundled CSV table as a fresh frame; only blanks are missing (``NA`` is a text)."""
    return _read(name).copy()
