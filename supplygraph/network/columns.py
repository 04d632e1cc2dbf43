"""One table against its definition: columns, types, bounds, keys.

Own code and not pandera, which was tried: it takes ``1_000`` and ``nan`` for numbers, stops looking at the
bounds of a column once one of its cells has the wrong type (and then names no row), and takes 0.3 s to import.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from supplygraph.network import codes
from supplygraph.network.report import Report, Suggester, quote
from supplygraph.network.schema import LIST_SEPARATOR, Column, Table

_NUMBER = re.compile(r"\s*[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|Inf|INF|[Ii]nfinity)\s*", re.ASCII)
#: What is parsed a column at a time; the rest goes cell by cell.
_PLAIN = r"^(-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?|-?inf)$"
#: Characters that no text may have: they break files (XML refuses them) and lines, and cannot be seen.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
#: Bytes-order and joining marks that make two ids look alike.
_HIDDEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_FORMULA = "=+-@"
_LARGEST = 2**53


def conform(table: Table, given: object, report: Report) -> pd.DataFrame:
    """Return a table with the columns and types of its definition, rows in the order given.

    Cells that are wrong are reported and come back missing, so that later checks can go on.
    """
    if not isinstance(given, pd.DataFrame):
        report.table(table.name, f"is a {type(given).__name__}; expected a pandas DataFrame.")
        report.unread.add(table.name)
        return _empty(table)
    frame = pd.DataFrame(given)
    index = [name for name in frame.index.names if name is not None]
    if index and set(index) <= set(table.names) and not set(index) & set(frame.columns):
        frame = frame.reset_index()
    if not _columns(table, list(frame.columns), report):
        report.unread.add(table.name)
        return _empty(table)
    frame = frame.reset_index(drop=True)
    built: dict[str, Any] = {}
    for column in table.columns:
        if column.name not in frame.columns:
            built[column.name] = pd.Series([None] * len(frame), dtype=dtype(column))
        else:
            built[column.name] = _column(table, column, frame[column.name], report)
    out = pd.DataFrame(built, index=pd.RangeIndex(len(frame)))
    _key(table, out, report)
    return out


def dtype(column: Column) -> str:
    """Return the pandas dtype of a column."""
    return {"number": "float64", "integer": "Int64"}.get(column.kind, "str")


def _empty(table: Table) -> pd.DataFrame:
    return pd.DataFrame({column.name: pd.Series([], dtype=dtype(column)) for column in table.columns})


def _columns(table: Table, names: list[Any], report: Report) -> bool:
    """Check the header; False when the rows cannot be read at all."""
    doubled = sorted({str(name) for name in names if names.count(name) > 1})
    for name in doubled:
        report.table(table.name, f"has the column {quote(name)} more than once.", "Keep one of them.")
    needed = [column.name for column in table.columns if column.required]
    missing = [name for name in needed if name not in names]
    unknown = [name for name in names if name not in table.names]
    near = Suggester(name for name in table.names if name not in names)
    for name in unknown:
        shown = name if isinstance(name, str) else repr(name)
        hint = near(shown) or f"Known columns: {', '.join(table.names)}."
        report.table(table.name, f"has the unknown column {quote(shown)}.", hint)
    for name in missing:
        hint = f"Expected columns: {', '.join(needed)}."
        report.table(table.name, f"has no column `{name}` ({table[name].doc}).", hint, column=name)
    return not (doubled or missing)


def _column(table: Table, column: Column, given: pd.Series[Any], report: Report) -> pd.Series[Any]:
    if column.kind in {"number", "integer"}:
        values, missing = _numbers(table, column, given, report)
        out: pd.Series[Any] = pd.Series(values)
        if column.kind == "integer":
            out = pd.Series(pd.array(np.where(np.isnan(values), 0, values).astype("int64"), dtype="Int64"))
            out = out.mask(np.isnan(values))
    else:
        out, missing = _texts(table, column, given, report)
    if column.required:
        remedy = "Unlimited must be written `inf`." if column.infinite else ""
        report.rows(table.name, column.name, np.flatnonzero(missing), f"is missing; expected {column.doc}.", remedy)
    return out


# -- numbers -------------------------------------------------------------------------------------------------------


def _numbers(
    table: Table, column: Column, given: pd.Series[Any], report: Report
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return values as floats with NaN where missing or wrong, and which cells were missing."""
    if pd.api.types.is_bool_dtype(given.dtype) or pd.api.types.is_complex_dtype(given.dtype):
        wrong = np.arange(len(given))
        values, missing = np.full(len(given), np.nan), np.zeros(len(given), dtype=bool)
    elif pd.api.types.is_numeric_dtype(given.dtype):
        missing = given.isna().to_numpy(dtype=bool)
        values = given.to_numpy(dtype="float64", na_value=np.nan).copy()
        wrong = np.array([], dtype=int)
    else:
        values, missing, wrong = _parse(given)
    cells = given.array
    report.rows(
        table.name, column.name, wrong, lambda i: f"{quote(cells[i])} is not a number; expected {column.doc}.",
        "Write digits with a decimal point, no separators and no unit.",
    )  # fmt: skip
    values[values == 0] = 0.0  # one zero, not two
    _bounds(table, column, values, report)
    return values, missing


_Parsed = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _parse(given: pd.Series[Any]) -> _Parsed:
    """Parse cells: (values, which are missing, positions that are no numbers)."""
    if (quick := _parse_texts(given)) is not None:
        return quick
    cells = given.astype(object).to_numpy()
    values = np.full(len(cells), np.nan)
    missing = np.zeros(len(cells), dtype=bool)
    wrong = []
    known: dict[str, float | None] = {}
    for i, cell in enumerate(cells):
        if isinstance(cell, str):
            if cell == "":
                missing[i] = True
                continue
            if cell not in known:
                known[cell] = float(cell) if _NUMBER.fullmatch(cell) else None
            number = known[cell]
        elif isinstance(cell, (int, float, np.number)) and not isinstance(cell, (bool, np.bool_, np.complexfloating)):
            number = float(cell)
            missing[i] = number != number  # noqa: PLR0124 - NaN is the one number that is not itself
        elif pd.api.types.is_scalar(cell) and pd.isna(cell):
            missing[i] = True
            continue
        else:
            number = None
        if number is None:
            wrong.append(i)
        else:
            values[i] = number
    return values, missing, np.array(wrong, dtype=int)


def _parse_texts(given: pd.Series[Any]) -> _Parsed | None:
    """Parse a column of plain decimal texts and blanks at once, or return None; the result is exact."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        texts = pa.array(given.to_numpy(dtype=object), type=pa.large_string(), from_pandas=True)
        texts = pc.if_else(pc.equal(texts, ""), None, texts)
        plain = pc.all(pc.match_substring_regex(texts, _PLAIN)).as_py()
        if plain is False:
            return None
        values = pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False).astype(float)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    return values.copy(), np.asarray(texts.is_null()).copy(), np.array([], dtype=int)


def _bounds(table: Table, column: Column, values: np.ndarray[Any, Any], report: Report) -> None:
    """Report and blank what is out of bounds, infinite without leave, or not whole."""
    with np.errstate(invalid="ignore"):
        endless = np.isinf(values) & ((values < 0) | (not column.infinite))
        outside = ~endless & ((values < column.low) | (values > column.high))
        broken = np.zeros(len(values), dtype=bool)
        if column.kind == "integer":
            broken = ~endless & ~outside & ((values != np.floor(values)) | (np.abs(values) > _LARGEST))
            broken &= ~np.isnan(values)
    said = values.copy()
    if column.high == np.inf:
        wanted = "a number that is not negative" if column.low == 0 else f"at least {column.low:g}"
    else:
        wanted = f"a number from {column.low:g} to {column.high:g}"
    report.rows(table.name, column.name, np.flatnonzero(endless), "is infinite; expected a finite number.")
    report.rows(
        table.name, column.name, np.flatnonzero(outside),
        lambda i: f"{float(said[i])!r} is out of bounds; expected {wanted} ({column.doc}).",
        "" if column.name not in {"lon", "lat"} else "Longitude comes first, in degrees east; latitude north.",
    )  # fmt: skip
    report.rows(table.name, column.name, np.flatnonzero(broken), lambda i: f"{float(said[i])!r} is not a whole number.")
    if column.name not in {"lon", "lat"}:  # coordinates are blanked by the caller, which hints at swapped pairs
        values[endless | outside | broken] = np.nan


# -- text ----------------------------------------------------------------------------------------------------------


def _texts(
    table: Table, column: Column, given: pd.Series[Any], report: Report
) -> tuple[pd.Series[Any], np.ndarray[Any, Any]]:
    """Return cells as pandas text with wrong ones missing, and which cells were missing.

    Work is done per distinct value, so a million rows with a hundred names cost a hundred checks.
    """
    cells = given.astype(object).to_numpy()
    missing = pd.isna(given).to_numpy(dtype=bool).copy()
    try:
        numbers, distinct = pd.factorize(cells, use_na_sentinel=True)
    except TypeError:  # a cell that cannot be hashed is no text
        numbers, distinct = np.arange(len(cells)), cells
    faults: dict[int, tuple[str, str]] = {}
    blank: set[int] = set()
    for k, value in enumerate(distinct):
        if isinstance(value, str) and value == "":
            blank.add(k)
        elif fault := _text_fault(column, value):
            faults[k] = fault
    if blank:
        missing |= np.isin(numbers, list(blank))
    clean = [None if (k in faults or k in blank) else v for k, v in enumerate(distinct)]
    if faults:
        bad = np.flatnonzero(np.isin(numbers, list(faults)) & ~missing)
        report.rows(
            table.name, column.name, bad, lambda i: faults[int(numbers[i])][0], lambda i: faults[int(numbers[i])][1]
        )
    values = pd.array([*clean, None], dtype="str")
    return pd.Series(values.take(np.where(missing, len(clean), numbers).astype(np.intp))), missing


def _text_fault(column: Column, value: object) -> tuple[str, str] | None:
    """Return what is wrong with one text and the remedy, or None."""
    if not isinstance(value, str):
        kind = type(value).__name__
        return f"{quote(value)} is a {kind}; expected text ({column.doc}).", "Codes and ids are read as text."
    if _CONTROL.search(value):
        return f"{quote(value)} has a control character.", "Remove it."
    if column.kind in {"id", "ref"}:
        return _id_fault(value)
    if column.kind == "list":
        items = value.split(LIST_SEPARATOR)
        if any(not item or item != item.strip() for item in items):
            return f"{quote(value)} has an empty or padded item; expected items joined by `;`.", "Write `a;b`."
    if column.kind == "country" and value not in codes.ALPHA3:
        return f"{quote(value)} is not an ISO 3166-1 alpha-3 code.", codes.suggest(value)
    if column.kind == "choice" and value not in column.choices:
        remedy = Suggester(column.choices)(value)
        return f"{quote(value)} is not one of {', '.join(column.choices)}.", remedy
    return None


def _id_fault(value: str) -> tuple[str, str] | None:
    if LIST_SEPARATOR in value:
        return f"{quote(value)} has a `;`, which joins lists of ids.", "Use another character."
    if value[0] in _FORMULA:
        return f"{quote(value)} starts with `{value[0]}`, which spreadsheets run.", "Start ids with a letter or digit."
    if value != value.strip():
        return f"{quote(value)} starts or ends with a space.", f"Write {quote(value.strip())}."
    if _HIDDEN.search(value):
        return f"{quote(value)} has a character that cannot be seen.", "Remove it."
    return None


def _key(table: Table, frame: pd.DataFrame, report: Report) -> None:
    """Report rows whose key was there before."""
    key = list(table.key)
    if len(key) == 1 and frame[key[0]].is_unique:
        return
    whole = frame[key].notna().all(axis=1)
    doubled = frame.duplicated(key, keep="first") & whole
    if not doubled.any():
        return
    first = frame[whole].reset_index().groupby(key, sort=False)["index"].transform("min")
    first.index = frame.index[whole]

    def what(i: int) -> str:
        cells = ", ".join(str(cell) for cell in frame.loc[i, key])
        return f"{quote(cells)} is there already, in row {report.row(table.name, int(first[i]))}; keys are unique."

    report.rows(table.name, key[-1], np.flatnonzero(doubled), what)


def canonical(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows sorted by key; a single key becomes the index."""
    out = frame.sort_values(list(table.key), ignore_index=True)
    return out.set_index(table.key[0]) if len(table.key) == 1 else out


def among(cells: pd.Series[Any], keys: pd.Index[Any] | pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return which text cells are among the keys; missing cells are not.

    Arrow's own lookup: on a million rows and 50,000 keys it takes a tenth of what ``isin`` takes.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pa.array(cells.astype("str"), type=pa.large_string())
    known = pa.array(pd.Series(keys, dtype="str").dropna(), type=pa.large_string())
    return np.asarray(pc.is_in(texts, value_set=known), dtype=bool)


def flat(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a canonical table with its key as a column, in file order."""
    return (frame.reset_index() if len(table.key) == 1 else frame)[table.names]
