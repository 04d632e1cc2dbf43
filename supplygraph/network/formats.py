"""Networks as files: read, write, check.

Four formats, each lossless: a folder of CSV files (one per table), a folder of Parquet files, a GeoPackage (points
and lines for GIS, the other tables beside them), and GraphML. Only local files are opened, and nothing in them is
run: no pickle, no entities, no remote drivers.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from supplygraph.errors import FormatError, Problem, UnknownNameError
from supplygraph.network import binary, checks, doubts, graphml, textfiles
from supplygraph.network.network import SupplyNetwork, _restore, plain_meta, summary
from supplygraph.network.schema import TABLES
from supplygraph.network.source import Source, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

Format = Literal["csv", "parquet", "gpkg", "graphml"]
FORMATS: tuple[Format, ...] = ("csv", "parquet", "gpkg", "graphml")
_READERS: dict[Format, Callable[[Path], Source]] = {
    "csv": textfiles.read,
    "parquet": binary.read_parquet,
    "gpkg": binary.read_gpkg,
    "graphml": graphml.read,
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read(path: str | os.PathLike[str]) -> SupplyNetwork:
    """Return the network in a file or folder.

    Parameters
    ----------
    path
        A local folder of CSV or Parquet files named after the tables, a ``.gpkg`` or a ``.graphml`` file.

    Raises
    ------
    FormatError
        If it cannot be read as what it claims to be, or its tables cannot be right. ``report`` lists every problem;
        rows are the lines of the file where it has lines.

    Notes
    -----
    In CSV files only blank cells are missing (``NA`` is a text), ids and codes stay text, a byte-order mark is
    accepted, and a row that is too long or too short is refused.

    Examples
    --------
    >>> read("no-such-folder")
    Traceback (most recent call last):
    supplygraph.errors.FormatError: nothing can be read:
      - no-such-folder: there is no such file or folder. Check the path.
    """
    source = _source(path)
    tables, problems = checks.tidy(source.tables, files=source.files, lines=source.lines)
    meta, fault = plain_meta(source.meta)
    problems = [*problems, *([fault] if fault else [])]
    if problems:
        raise FormatError(summary(problems), problems)
    return _restore(tables, meta)


def check(path: str | os.PathLike[str]) -> list[Problem]:
    """Return every problem of the network in a file or folder; an empty list is a good network.

    Beyond what `read` refuses, this looks for what can be read but is doubtful: activities that do not balance with
    shipments, more than a capacity allows, and sites outside their country.

    Examples
    --------
    >>> [problem.what for problem in check("no-such-folder")]
    ['there is no such file or folder.']
    """
    try:
        net = read(path)
    except FormatError as error:
        return list(error.report)
    tables = {name: getattr(net, name) for name in ("nodes", "processes", "edges", "shipments")}
    return doubts.balances(tables) + doubts.places(tables["nodes"])


def write(net: SupplyNetwork, path: str | os.PathLike[str], *, format: Format | None = None) -> Path:  # noqa: A002
    """Write a network and return its path; `read` gives it back.

    Parameters
    ----------
    net
        The network.
    path
        A folder (CSV, or Parquet), or a file ending in ``.gpkg`` or ``.graphml``. Its parent must exist.
    format
        ``csv``, ``parquet``, ``gpkg`` or ``graphml``; by default after the ending (``.parquet`` is a folder of
        Parquet files, no ending a folder of CSV files).

    Raises
    ------
    UnknownNameError
        If there is no such format.
    FormatError
        If the path is not local, cannot be written, or holds something else.

    Notes
    -----
    Nothing is left half-written: files are made beside the target and renamed at the end. The same network gives the
    same bytes. Files in an existing folder that are not ours stay untouched.
    """
    kind = format or _kind_of(str(path))
    if kind not in FORMATS:
        raise UnknownNameError.of("format", kind, FORMATS)
    target = _local(path)
    meta = net.meta
    tables = {name: getattr(net, name) for name in TABLES}
    try:
        if kind == "csv":
            _into_folder(target, lambda spare: textfiles.write(tables, meta, spare), other=".parquet")
        elif kind == "parquet":
            _into_folder(target, lambda spare: binary.write_parquet(tables, meta, spare), other=".csv")
        elif kind == "gpkg":
            _into_file(target, lambda spare: binary.write_gpkg(net.to_geopandas(), tables, meta, spare))
        else:
            _into_file(target, lambda spare: graphml.write(net.to_networkx(), spare))
    except OSError as error:
        raise fail(str(path), f"cannot be written ({error.strerror or error}).", "Choose a writable folder.") from error
    return target


def write_tables(tables: Mapping[str, pd.DataFrame], folder: str | os.PathLike[str]) -> Path:
    r"""Write frames as CSV files ``<folder>/<name>.csv``, all or none, and return the folder.

    A named index is written as columns. Floats have the shortest text that reads back as the same number, lines end
    in ``\\n``, text is UTF-8, missing cells are blank: the same tables give the same bytes everywhere.
    """
    target = _local(folder)
    try:
        _into_folder(target, lambda spare: textfiles.write_frames(tables, spare))
    except OSError as error:
        raise fail(
            str(folder), f"cannot be written ({error.strerror or error}).", "Choose a writable folder."
        ) from error
    return target


def for_people(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy for spreadsheets: texts that a spreadsheet would run as a formula get a leading ``'``.

    This alters text, so it is for exports that people open, never for files that `read` gets back.

    Examples
    --------
    >>> import pandas as pd
    >>> for_people(pd.DataFrame({"name": ["=1+1", "Kokkola"], "t": [-1.0, 2.0]}))["name"].tolist()
    ["'=1+1", 'Kokkola']
    """

    def safe(value: Any) -> Any:
        return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value

    out = frame.copy()
    for position, column in enumerate(frame.columns):
        cells = frame.iloc[:, position]
        if cells.dtype in (object, "str") or str(cells.dtype) == "category":
            out = out.assign(**{str(column): cells.astype(object).map(safe)})
    out.index = frame.index.map(safe) if len(frame) else frame.index
    out.index.names = frame.index.names
    return out.rename(columns=safe)


# -- paths ---------------------------------------------------------------------------------------------------------


def _local(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path)
    if "://" in text or text.replace("\\", "/").startswith("/vsi") or "\x00" in text or not text:
        raise fail(text, "is not a local path.", "Download the file first and give its path.")
    return Path(text)


def _kind_of(text: str) -> Format:
    ending = Path(text).suffix.lower()
    endings: dict[str, Format] = {".gpkg": "gpkg", ".graphml": "graphml", ".parquet": "parquet", "": "csv"}
    return endings.get(ending, "csv")


def _source(given: str | os.PathLike[str]) -> Source:
    path = _local(given)
    if path.is_dir():
        kind: Format = "parquet" if any(path.glob("*.parquet")) and not any(path.glob("*.csv")) else "csv"
    elif path.is_file():
        kind = _kind_of(path.name)
        if kind not in {"gpkg", "graphml"}:
            said = "is not a network file; expected a folder of CSV or Parquet files, a .gpkg or a .graphml file."
            remedy = (
                "For one table of a folder, give the folder." if path.suffix.lower() in {".csv", ".parquet"} else ""
            )
            raise fail(str(given), said, remedy)
    else:
        raise fail(str(given), "there is no such file or folder.", "Check the path.")
    try:
        return _READERS[kind](path)
    except OSError as error:
        raise fail(
            str(given), f"cannot be opened ({error.strerror or error}).", "Check that it is readable."
        ) from error


# -- all or nothing ------------------------------------------------------------------------------------------------


def _spare(target: Path) -> Path:
    if not target.absolute().parent.is_dir():
        raise fail(str(target), "its parent folder does not exist.", "Make it first.")
    return target.absolute().parent / f".{target.name}.{secrets.token_hex(6)}{target.suffix}"


def _into_file(target: Path, make: Callable[[Path], None]) -> None:
    if target.is_dir():
        raise fail(str(target), "is a folder; expected a file.", "Give another name.")
    spare = _spare(target)
    try:
        make(spare)
        os.replace(spare, target)  # noqa: PTH105 - atomic, also where the target exists
    finally:
        for left in spare.parent.glob(f"{spare.name}*"):
            left.unlink(missing_ok=True)


def _into_folder(target: Path, make: Callable[[Path], None], *, other: str = "") -> None:
    if target.exists() and not target.is_dir():
        raise fail(str(target), "is a file; expected a folder.", "Give another name.")
    if other and target.is_dir() and any((target / f"{name}{other}").exists() for name in TABLES):
        raise fail(str(target), f"holds the {other} files of a network already.", "Give an empty folder.")
    spare = _spare(target)
    spare.mkdir()
    try:
        make(spare)
        if not target.exists():
            spare.rename(target)
            return
        for made in sorted(spare.iterdir()):
            os.replace(made, target / made.name)  # noqa: PTH105 - atomic per file; all were made before
    finally:
        with suppress(FileNotFoundError):
            shutil.rmtree(spare)
