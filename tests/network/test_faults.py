"""Promise 3: one fault in a good dataset is refused, with the right table, row and column."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from toys import chain, chain_tables, random_tables

from supplygraph.errors import DataError, FormatError
from supplygraph.network import formats, schema
from supplygraph.network.network import SupplyNetwork

ORE, MET, NAN, INF = "cobalt-intermediate", "cobalt-refined", None, float("inf")
BAD_IDS = [
    "a;b",
    "=1+1",
    "+1",
    "-1",
    "@x",
    "a\x00b",
    "a\nb",
    "tab\t",
    " padded",
    "padded ",
    "zero\u200bwidth",
    "\u202eright",
]

# table, position, column, value, words of the message; the fault is reported at that very cell.
CELLS: list[tuple[str, int, str, object, str]] = [
    *[("nodes", 4, "node", bad, "") for bad in BAD_IDS],
    *[("edges", 7, "edge", bad, "") for bad in BAD_IDS[:5]],
    *[("processes", 1, "process", bad, "") for bad in BAD_IDS[5:]],
    *[(t, 0, schema.TABLES[t].key[0], NAN, "is missing") for t in schema.TABLES],
    *[(t, 0, schema.TABLES[t].key[0], "", "is missing") for t in schema.TABLES],
    ("nodes", 1, "node", "tenke", "is there already, in row 1"),
    ("processes", 5, "process", "kokkola-refine", "is there already, in row 4"),
    ("edges", 9, "edge", "ore-lombok", "is there already, in row 4"),
    ("shipments", 6, "shipment", "s1", "is there already, in row 1"),
    ("products", 1, "product", ORE, "is there already, in row 1"),
    ("countries", 3, "country", "CHN", "is there already, in row 3"),
    ("nodes", 0, "name", NAN, "is missing"),
    ("nodes", 0, "name", "bell\x07", "control character"),
    ("nodes", 0, "name", "two\nlines", "control character"),
    ("nodes", 0, "name", 5, "is a int; expected text"),
    ("nodes", 0, "name", "World total", "is a total"),
    ("nodes", 3, "kind", "refinry", "Did you mean `refinery`?"),
    ("nodes", 3, "kind", NAN, "is missing"),
    ("nodes", 3, "kind", "Refinery", "Did you mean `refinery`?"),
    ("nodes", 2, "country", "CN", "Did you mean `CHN`?"),
    ("nodes", 2, "country", "NA", "Did you mean `NAM`?"),
    ("nodes", 2, "country", "NO", "Did you mean `NOR`?"),
    ("nodes", 2, "country", "chn", "Did you mean `CHN`?"),
    ("nodes", 2, "country", "China", "Did you mean `CHN`?"),
    ("nodes", 2, "country", "XYZ", "alpha-3"),
    ("nodes", 2, "country", "WLD", "leave the country blank"),
    ("nodes", 2, "country", "OTH", "leave the country blank"),
    ("nodes", 2, "country", " ", "alpha-3"),
    ("nodes", 5, "lon", 400.0, "from -180 to 180"),
    ("nodes", 5, "lon", -180.5, "from -180 to 180"),
    ("nodes", 5, "lon", INF, "infinite"),
    ("nodes", 5, "lon", NAN, "is missing"),
    ("nodes", 5, "lon", "121,8", "is not a number"),
    ("nodes", 5, "lat", 100.0, "from -90 to 90"),
    ("nodes", 5, "lat", -91.0, "from -90 to 90"),
    ("nodes", 5, "lat", NAN, "is missing"),
    ("nodes", 5, "lat", "29N", "is not a number"),
    ("nodes", 5, "throughput_t", NAN, "Unlimited must be written `inf`"),
    ("nodes", 5, "throughput_t", -1.0, "out of bounds"),
    ("nodes", 5, "throughput_t", -INF, "infinite"),
    ("nodes", 5, "throughput_t", "unlimited", "is not a number"),
    ("nodes", 5, "reference", "toi", "Did you mean `toy`?"),
    ("nodes", 5, "confidence", "hihg", "Did you mean `high`?"),
    ("owners", 0, "node", "tenkee", "Did you mean `tenke`?"),
    ("owners", 0, "owner", "CH", "Did you mean `CHE`?"),
    ("owners", 0, "owner", NAN, "is missing"),
    ("owners", 2, "share", 1.5, "from 0 to 1"),
    ("owners", 2, "share", -0.1, "from 0 to 1"),
    ("owners", 2, "share", NAN, "is missing"),
    ("owners", 2, "share", "50%", "is not a number"),
    ("owners", 1, "share", 0.3, "sum to 1.1"),
    ("owners", 1, "owner", "CHN", "is there already, in row 1"),
    ("processes", 2, "node", "jinchan", "Did you mean `jinchuan`?"),
    ("processes", 2, "node", NAN, "is missing"),
    ("processes", 2, "mineral", NAN, "is missing"),
    ("processes", 2, "role", "transfrom", "Did you mean `transform`?"),
    ("processes", 2, "role", NAN, "is missing"),
    ("processes", 2, "input", "cobalt-intermediat", "Did you mean `cobalt-intermediate`?"),
    ("processes", 2, "input", NAN, "`transform` has an input"),
    ("processes", 2, "output", NAN, "`transform` has an output"),
    ("processes", 0, "input", MET, "`extract` has no input"),
    ("processes", 0, "output", NAN, "`extract` has an output"),
    ("processes", 5, "output", ORE, "`use` has no output"),
    ("processes", 5, "input", NAN, "`use` has an input"),
    ("processes", 2, "makes", "sulphate;;metal", "empty or padded item"),
    ("processes", 2, "accepts", ";hydroxide", "empty or padded item"),
    ("processes", 2, "accepts", "hydroxide; concentrate", "empty or padded item"),
    ("processes", 2, "capacity_t", NAN, "Unlimited must be written `inf`"),
    ("processes", 2, "capacity_t", -5.0, "out of bounds"),
    ("processes", 2, "capacity_t", "1,000", "is not a number"),
    ("processes", 2, "capacity_t", "1_000", "is not a number"),
    ("processes", 2, "capacity_t", "nan", "is not a number"),
    ("processes", 2, "capacity_t", True, "is not a number"),
    ("processes", 2, "recovery", 0.0, "at least 1e-06"),
    ("processes", 2, "recovery", INF, "infinite"),
    ("processes", 2, "cost_usd_t", INF, "infinite"),
    ("processes", 2, "activity_t", -72.0, "out of bounds"),
    ("processes", 2, "activity_t", INF, "infinite"),
    ("processes", 2, "year", 2024.5, "not a whole number"),
    ("processes", 2, "year", 20240, "from 1800 to 2200"),
    ("processes", 2, "year", "2024/25", "is not a number"),
    ("processes", 2, "confidence", "sure", "high, medium, low"),
    ("edges", 2, "source", NAN, "is missing"),
    ("edges", 2, "source", "malaca", "Did you mean `malacca`?"),
    ("edges", 2, "target", NAN, "is missing"),
    ("edges", 2, "target", "nan", "no node `nan`"),
    ("edges", 2, "product", "cobalt", "no product"),
    ("edges", 2, "product", NAN, "is missing"),
    ("edges", 2, "mode", "ship", "sea, rail, road"),
    ("edges", 2, "mode", NAN, "is missing"),
    ("edges", 3, "source_berth", 1, "which is not a passage"),
    ("edges", 3, "target_berth", 1, "which is not a passage"),
    ("edges", 2, "source_berth", 1.5, "not a whole number"),
    ("edges", 2, "distance_km", -1.0, "out of bounds"),
    ("edges", 2, "distance_km", "4000 km", "is not a number"),
    ("edges", 2, "distance_km", INF, "infinite"),
    ("edges", 2, "days", -1.0, "out of bounds"),
    ("edges", 2, "cost_usd_t", -1.0, "out of bounds"),
    ("edges", 2, "capacity_t", NAN, "Unlimited must be written `inf`"),
    ("edges", 2, "capacity_t", -0.5, "out of bounds"),
    ("edges", 2, "capacity_t", [1], "is not a number"),
    ("edges", 2, "reference", "usgs", "no reference"),
    ("shipments", 0, "origin", "tenke", "no process `tenke`"),
    ("shipments", 0, "origin", NAN, "is missing"),
    ("shipments", 0, "destination", NAN, "is missing"),
    ("shipments", 0, "destination", "jinchuan-refin", "Did you mean `jinchuan-refine`?"),
    ("shipments", 3, "product", ORE, "the origin `jinchuan-refine` makes `cobalt-refined`"),
    ("shipments", 3, "product", NAN, "is missing"),
    ("shipments", 0, "route", NAN, "goes from `tenke` to `jinchuan`"),
    ("shipments", 0, "route", "ore-tenke-durban;ore-lombok;ore-ningbo-jinchuam", "Did you mean `ore-ningbo-jinchuan`?"),
    ("shipments", 0, "route", "ore-tenke-durban;ore-ningbo-jinchuan", "but the route is at `durban`"),
    ("shipments", 0, "route", "ore-lombok;ore-ningbo-jinchuan", "starts at `durban`"),
    ("shipments", 0, "route", "ore-tenke-durban;ore-lombok", "ends at `ningbo`"),
    ("shipments", 3, "route", "met-jinchuan-ningde;met-jinchuan-ningde", "twice"),
    ("shipments", 3, "route", "met-jinchuan-ningde;", "empty or padded item"),
    ("shipments", 4, "route", "met-jinchuan-ningbo;met-cape;ore-rotterdam-kokkola", "carries `cobalt-intermediate`"),
    ("shipments", 0, "flow_t", -1.0, "out of bounds"),
    ("shipments", 0, "flow_t", NAN, "is missing"),
    ("shipments", 0, "flow_t", INF, "infinite"),
    ("shipments", 0, "flow_t", "8O", "is not a number"),
    ("shipments", 0, "basis", "guess", "reported, estimated"),
    ("products", 0, "mineral", NAN, "is missing"),
    ("products", 0, "stage", NAN, "is missing"),
    ("products", 0, "order", -1, "out of bounds"),
    ("products", 0, "order", NAN, "is missing"),
    ("products", 0, "price_usd_t", -1.0, "out of bounds"),
    ("countries", 2, "name", "Total", "is a total"),
    ("countries", 2, "name", "World", "is a total"),
    ("countries", 2, "country", "TOT", "leave the country blank"),
    ("countries", 2, "wgi", 9.0, "from -3 to 3"),
    ("countries", 2, "region", "Asia\r", "control character"),
    ("references", 0, "title", NAN, "is missing"),
    ("references", 0, "url", 7, "expected text"),
]


def test_there_are_enough_faults_and_the_dataset_is_good():
    assert len(CELLS) >= 100
    assert len(chain().edges) == 21


def broken(table, position, column, value):
    tables = chain_tables()
    frame = tables[table].astype({column: object})
    frame.iloc[position, frame.columns.get_loc(column)] = value
    return tables | {table: frame}


@pytest.mark.parametrize(("table", "position", "column", "value", "words"), CELLS)
def test_one_bad_cell(table, position, column, value, words):
    with pytest.raises(DataError) as caught:
        SupplyNetwork(**broken(table, position, column, value))
    there = [p for p in caught.value.report if p.where == f"{table} row {position + 1}, column `{column}`"]
    assert there, str(caught.value)
    assert any(words in f"{p.what} {p.remedy}" for p in there), str(caught.value)


@pytest.mark.parametrize(("table", "position", "column", "value"), [fault[:4] for fault in CELLS[::3]])
def test_one_bad_cell_in_a_file_is_refused_with_the_line(table, position, column, value, tmp_path):
    if isinstance(value, (list, bool, int)) or (isinstance(value, str) and re.search(r"[\x00\r\n]", value)):
        pytest.skip("a file cannot hold this")
    folder = formats.write(chain(), tmp_path / "net")
    formats.write_tables(broken(table, position, column, value), folder)
    with pytest.raises(FormatError) as caught:
        formats.read(folder)
    assert any(p.where == f"{table}.csv row {position + 2}, column `{column}`" for p in caught.value.report)
    assert formats.check(folder) == list(caught.value.report)


@pytest.mark.parametrize("table", sorted(schema.TABLES))
def test_a_missing_column(table):
    tables = chain_tables()
    for column in schema.TABLES[table].columns:
        given = tables | {table: tables[table].drop(columns=column.name)}
        if column.required:
            with pytest.raises(DataError) as caught:
                SupplyNetwork(**given)
            assert caught.value.report[0].where == f"{table}, column `{column.name}`"
            assert len(caught.value.report) == 1  # not one more for each row that points there
        elif column.name == "reference":
            assert SupplyNetwork(**given) != chain()


@pytest.mark.parametrize("table", sorted(schema.TABLES))
def test_unknown_and_doubled_columns(table):
    tables = chain_tables()
    first = tables[table].columns[-1]
    with pytest.raises(DataError, match=r"unknown column `colour`"):
        SupplyNetwork(**tables | {table: tables[table].assign(colour=1)})
    with pytest.raises(DataError, match=rf"unknown column `{first}x`.\s+Did you mean `{first}`"):
        SupplyNetwork(**tables | {table: tables[table].rename(columns={first: f"{first}x"})})
    twice = pd.concat([tables[table], tables[table][[first]]], axis=1)
    with pytest.raises(DataError, match="more than once"):
        SupplyNetwork(**tables | {table: twice})


def test_a_swapped_pair_is_hinted_at():
    tables = chain_tables()
    tables["nodes"].loc[5, ["lon", "lat"]] = [29.9, 121.8]
    with pytest.raises(DataError, match=r"did you mean lon 121\.8, lat 29\.9\?"):
        SupplyNetwork(**tables)


def test_a_stock_has_one_side_only():
    tables = chain_tables()
    tables["processes"].loc[2, "role"] = "stock"
    with pytest.raises(DataError, match="either an input"):
        SupplyNetwork(**tables)


def test_only_a_trader_sells_what_it_buys():
    tables = chain_tables()
    rows = tables["processes"]
    rows.loc[2, "output"] = ORE
    with pytest.raises(DataError, match=r"`cobalt-intermediate` is its own input.\s+Only a process of role `trade`"):
        SupplyNetwork(**tables | {"shipments": None})
    rows.loc[2, ["role", "recovery"]] = ["trade", np.nan]
    assert SupplyNetwork(**tables | {"shipments": None}).processes["role"].eq("trade").sum() == 1
    rows.loc[2, "recovery"] = 1.0
    assert SupplyNetwork(**tables | {"shipments": None}).processes["role"].eq("trade").sum() == 1


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [("output", MET, "is bought by a process of role `trade`"), ("recovery", 0.9, "loses nothing"),
     ("input", NAN, "`trade` has an input"), ("output", NAN, "`trade` has an output")],
)  # fmt: skip
def test_a_trader_changes_nothing(column, value, words):
    tables = chain_tables()
    tables["processes"].loc[2, ["role", "output", "recovery"]] = ["trade", ORE, np.nan]
    tables["processes"].loc[2, column] = value
    with pytest.raises(DataError) as caught:
        SupplyNetwork(**tables | {"shipments": None})
    assert [(p.where, words in p.what) for p in caught.value.report] == [(f"processes row 3, column `{column}`", True)]


def test_bands_are_the_right_way_round():
    tables = chain_tables()
    tables["shipments"].loc[2, ["flow_low_t", "flow_high_t"]] = [11.0, 9.0]
    tables["processes"].loc[0, ["activity_low_t", "activity_high_t"]] = [11.0, 9.0]
    with pytest.raises(DataError) as caught:
        SupplyNetwork(**tables)
    assert {p.where for p in caught.value.report} == {
        "shipments row 3, column `flow_low_t`",
        "processes row 1, column `activity_low_t`",
    }


def test_a_route_may_not_change_berths_inside_a_strait():
    tables = chain_tables()
    tables["edges"].loc[1, "target_berth"] = 2
    with pytest.raises(DataError, match="another berth"):
        SupplyNetwork(**tables)


def test_every_problem_is_listed_at_once_and_pickles():
    tables = chain_tables()
    tables["edges"].loc[[3, 5, 8], "target"] = "atlantis"
    tables["nodes"].loc[2, "country"] = "NO"
    tables["owners"].loc[0, "share"] = 7
    with pytest.raises(DataError) as caught:
        SupplyNetwork(**tables)
    wheres = {p.where for p in caught.value.report}
    assert {f"edges row {r}, column `target`" for r in (4, 6, 9)} < wheres
    assert "nodes row 3, column `country`" in wheres
    assert "owners row 1, column `share`" in wheres
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert str(again) == str(caught.value)


def test_a_fault_in_a_thousand_rows_stays_readable():
    tables = chain_tables()
    one = tables["edges"].iloc[[0]]
    many = pd.concat([tables["edges"], *[one] * 3000], ignore_index=True)
    with pytest.raises(DataError, match="2000 more rows"):
        SupplyNetwork(**tables | {"edges": many})


@pytest.mark.parametrize("given", [None, [], {"a": 1}, "nodes", 3])
def test_what_is_no_table(given):
    with pytest.raises(DataError, match="expected a pandas DataFrame"):
        SupplyNetwork(**chain_tables() | {"nodes": given})


def test_meta_must_be_plain():
    with pytest.raises(DataError, match="not plain JSON"):
        SupplyNetwork(**chain_tables(), meta={"x": object()})
    with pytest.raises(DataError, match="not plain JSON"):
        SupplyNetwork(**chain_tables(), meta={"x": float("nan")})


def test_namibia_and_norway_survive(tmp_path):
    tables = chain_tables()
    tables["nodes"].loc[0, ["country", "name"]] = ["NAM", "NA"]
    tables["nodes"].loc[1, "country"] = "NOR"
    net = formats.read(formats.write(SupplyNetwork(**tables), tmp_path / "net"))
    assert net.nodes.loc["tenke", ["country", "name"]].tolist() == ["NAM", "NA"]
    assert net.nodes.loc["talvivaara", "country"] == "NOR"


def test_ids_that_look_like_numbers_stay_text(tmp_path):
    tables = chain_tables()
    for table, column in (("nodes", "node"), ("edges", "source"), ("owners", "node"), ("processes", "node")):
        tables[table][column] = tables[table][column].replace("tenke", "0713")
    net = formats.read(formats.write(SupplyNetwork(**tables), tmp_path / "net"))
    assert "0713" in net.nodes.index


def test_random_faults_never_pass():
    """Blank any required cell of random networks: always refused at that cell."""
    rng = np.random.default_rng(0)
    for seed in range(12):
        tables = random_tables(seed)
        name = str(rng.choice([t for t in tables if len(tables[t])]))
        column = str(rng.choice([c.name for c in schema.TABLES[name].columns if c.required]))
        row = int(rng.integers(len(tables[name])))
        frame = tables[name].astype({column: object})
        frame.iloc[row, frame.columns.get_loc(column)] = None
        with pytest.raises(DataError) as caught:
            SupplyNetwork(**tables | {name: frame})
        assert any(p.where == f"{name} row {row + 1}, column `{column}`" for p in caught.value.report)
