"""A network as a folder of CSV files: strict reading, stable writing."""

from __future__ import annotations

import csv
import difflib
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import FormatError, Problem
from supplygraph.network.columns import flat
from supplygraph.network.report import MOST_ROWS, quote
from supplygraph.network.schema import TABLES
from supplygraph.network.source import Source, dump_meta, fail, parse_meta, sized

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

META = "meta.json"
_OPTIONAL = ("owners", "countries", "shipments")


def read(folder: Path) -> Source:
    """Return the tables of a folder as text; every file that cannot be read is reported, not only the first."""
    problems = _files(folder)
    source = Source({})
    for name in TABLES:
        path = folder / f"{name}.csv"
        if not path.is_file():
            continue
        try:
            source.tables[name], source.lines[name] = read_table(path)
            source.files[name] = path.name
        except FormatError as error:
            problems += error.report
    if problems:
        raise FormatError(f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in the files:", problems)
    meta = folder / META
    if meta.is_file():
        source.meta = parse_meta(decode(sized(meta)), META)
    return source


def _files(folder: Path) -> list[Problem]:
    """Report required tables that are not there, with the file that may have been meant."""
    problems = []
    found = sorted(f.stem for f in folder.glob("*.csv"))
    strays = [stem for stem in found if stem not in TABLES]
    for name in TABLES:
        if name in found:
            continue
        near = difflib.get_close_matches(name, strays, n=1, cutoff=0.8)
        if near:
            problems.append(Problem(f"{near[0]}.csv", "is not the name of a table.", f"Did you mean `{name}.csv`?"))
        elif name not in _OPTIONAL:
            problems.append(Problem(f"{name}.csv", "is missing in the folder.", "Add it; it may have no rows."))
    return problems


def decode(path: Path) -> str:
    """Return a UTF-8 file as text, with or without a byte-order mark."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        said = f"byte 0x{data[error.start]:02x} is not UTF-8."
        raise fail(f"{path.name} line {line}", said, "Save the file as UTF-8 (it may be Latin-1 or UTF-16).") from error


def read_table(path: Path) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Return one CSV file as text cells (blank = missing), and the line on which each row starts.

    Raises
    ------
    FormatError
        If it is empty, not UTF-8, has no or a doubled header, a broken quote, or rows of another length.
    """
    text = decode(sized(path))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if not header:
            raise fail(f"{path.name} line 1", "has no header.", "Write the column names on the first line.")
        rows, lines, before = [], [], reader.line_num
        for row in reader:
            if row:
                rows.append(row)
                lines.append(before + 1)
            before = reader.line_num
    except csv.Error as error:
        raise fail(f"{path.name} line {reader.line_num}", f"is not CSV ({error}).", "Check the quotes.") from error
    problems = [
        Problem(f"{path.name} line 1, column {i + 1}", "has no name.", "Name or remove the column.")
        for i, name in enumerate(header) if not name
    ]  # fmt: skip
    problems += [
        Problem(f"{path.name} line 1", f"has the column {quote(name)} more than once.", "Keep one of them.")
        for name in sorted({name for name in header if name and header.count(name) > 1})
    ]
    bad = [k for k, row in enumerate(rows) if len(row) != len(header)]
    problems += [
        Problem(f"{path.name} row {lines[k]}", f"has {len(rows[k])} cells; expected {len(header)}.",
                "Quote cells that have a comma.") for k in bad[:MOST_ROWS]
    ]  # fmt: skip
    if problems:
        raise FormatError("the file cannot be read:", problems)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    frame = pd.DataFrame({name: np.array(cells, dtype=object) for name, cells in zip(header, columns, strict=True)})
    return frame, np.array(lines, dtype=np.int64)


def write(tables: Mapping[str, pd.DataFrame], meta: dict[str, Any], folder: Path) -> None:
    """Write all tables, also empty ones, and meta."""
    write_frames({name: flat(table, tables[name]) for name, table in TABLES.items()}, folder)
    (folder / META).write_text(dump_meta(meta), encoding="utf-8", newline="\n")


def write_frames(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    r"""Write frames as CSV: UTF-8, ``\\n``, blanks for missing cells, the shortest text of each float."""
    for name, frame in tables.items():
        whole = frame.reset_index() if any(level is not None for level in frame.index.names) else frame
        whole.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
