"""A network as Parquet files or as a GeoPackage."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.errors import FormatError, Problem
from supplygraph.network.columns import flat
from supplygraph.network.schema import TABLES
from supplygraph.network.source import Source, dump_meta, fail, parse_meta, sized

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import geopandas as gpd

META = "meta.json"
_META_LAYER = "supplygraph_meta"
#: Layers that GIS programs add for themselves.
_FOREIGN = {"layer_styles", "qgis_projects"}
_MAGIC = b"SQLite format 3\x00"


# -- Parquet -------------------------------------------------------------------------------------------------------


def read_parquet(folder: Path) -> Source:
    """Return the tables of a folder of Parquet files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = Source({})
    for name in TABLES:
        path = folder / f"{name}.parquet"
        if not path.is_file():
            continue
        try:
            table = pq.ParquetFile(sized(path)).read().replace_schema_metadata(None)
            source.tables[name] = table.to_pandas()
        except (pa.ArrowException, ValueError) as error:
            raise fail(path.name, f"is not a Parquet file ({error}).", "Write it again.") from error
        source.files[name] = path.name
    meta = folder / META
    if meta.is_file():
        source.meta = parse_meta(sized(meta).read_text(encoding="utf-8", errors="replace"), META)
    _required(source, "{}.parquet")
    return source


def _required(source: Source, pattern: str) -> None:
    missing = [n for n in TABLES if n not in source.tables and n not in {"owners", "countries", "shipments"}]
    if missing:
        report = [Problem(pattern.format(n), "is missing.", "Add it; it may have no rows.") for n in missing]
        raise FormatError("tables are missing:", report)


def write_parquet(tables: Mapping[str, pd.DataFrame], meta: dict[str, Any], folder: Path) -> None:
    """Write one Parquet file per table, and meta as JSON."""
    for name, table in TABLES.items():
        flat(table, tables[name]).to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")
    (folder / META).write_text(dump_meta(meta), encoding="utf-8", newline="\n")


# -- GeoPackage ----------------------------------------------------------------------------------------------------


@contextmanager
def _fixed_clock() -> Iterator[None]:
    """Write a fixed date into the file, so that the same network gives the same bytes.

    Nor is the disk waited for at each step: the file is renamed into place only when it is whole.
    """
    import pyogrio

    wanted = {"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z", "OGR_SQLITE_SYNCHRONOUS": "OFF"}
    before = {name: pyogrio.get_gdal_config_option(name) for name in wanted}
    pyogrio.set_gdal_config_options(wanted)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def write_gpkg(
    spatial: dict[str, gpd.GeoDataFrame], tables: Mapping[str, pd.DataFrame], meta: dict[str, Any], path: Path
) -> None:
    """Write nodes as points and edges as lines, the other tables without geometry, and meta."""
    import pyogrio

    def layer(frame: pd.DataFrame, name: str, kind: str | None) -> None:
        plain = frame.copy()
        for column in plain.columns:
            if column != "geometry" and str(plain[column].dtype) in {"str", "Int64"}:
                plain[column] = plain[column].astype(object).where(plain[column].notna(), None)
                if TABLES.get(name) is not None and column in TABLES[name].names and _whole(name, column):
                    plain[column] = frame[column].astype("Int64")
        pyogrio.write_dataframe(
            plain, path, layer=name, driver="GPKG", append=path.exists(), geometry_type=kind, promote_to_multi=False,
            dataset_options={} if path.exists() else {"VERSION": "1.3"},
        )  # fmt: skip

    with _fixed_clock():
        layer(spatial["nodes"].reset_index(), "nodes", "Point")
        layer(spatial["edges"].reset_index(), "edges", "Unknown")
        for name, table in TABLES.items():
            if name not in spatial:
                layer(flat(table, tables[name]), name, None)
        layer(pd.DataFrame({"meta": [dump_meta(meta)]}), _META_LAYER, None)


def _whole(table: str, column: str) -> bool:
    return TABLES[table][column].kind == "integer"


def read_gpkg(path: Path) -> Source:
    """Return the tables of a GeoPackage; geometries are not needed, as nodes have coordinates."""
    with sized(path).open("rb") as file:
        head = file.read(100)
        if not head.startswith(_MAGIC) or head[68:72] not in {b"GPKG", b"GP10", b"GP11"}:
            raise fail(path.name, "is not a GeoPackage.", "Write it again.")
    import pyogrio

    source, layers = Source({}), []
    try:
        with warnings.catch_warnings():  # GDAL's remarks on damaged files; what cannot be read is raised below
            warnings.simplefilter("ignore", RuntimeWarning)
            layers = [str(row[0]) for row in pyogrio.list_layers(path)]
            _layers(path, layers, source)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, KeyError) as error:
        raise fail(path.name, f"is not a GeoPackage ({error}).", "Write it again.") from error
    if strays := sorted(set(layers) - set(TABLES) - {_META_LAYER} - _FOREIGN):
        raise fail(path.name, f"has the unknown layers {', '.join(strays)}.", f"Known: {', '.join(TABLES)}.")
    if "edges" in source.tables:
        source.tables["edges"] = source.tables["edges"].drop(columns="flow_t", errors="ignore")
    _required(source, "layer {}")
    return source


def _layers(path: Path, layers: list[str], source: Source) -> None:
    import pyogrio

    for name in layers:
        if name in TABLES:
            source.tables[name] = pyogrio.read_dataframe(path, layer=name, read_geometry=False)
            source.files[name] = f"{path.name} layer {name}"
    if _META_LAYER in layers:
        text = pyogrio.read_dataframe(path, layer=_META_LAYER, read_geometry=False)["meta"]
        source.meta = parse_meta(str(text.iloc[0]) if len(text) else "{}", f"{path.name} layer {_META_LAYER}")
