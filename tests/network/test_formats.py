"""Promise 6: lossless round trips; and files that are not what they claim end in one clear error."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from toys import chain, chain_tables, random_network, random_tables

from supplygraph.errors import FormatError, UnknownNameError
from supplygraph.network import formats
from supplygraph.network.network import SupplyNetwork

if TYPE_CHECKING:
    from pathlib import Path

TARGETS = {"csv": "net", "parquet": "net.parquet", "gpkg": "net.gpkg", "graphml": "net.graphml"}
#: Any text but control characters, which construction refuses.
TEXTS = st.text(st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="\u2028\u2029\ufffe\uffff"))
IDS = st.text(st.characters(whitelist_categories=("L", "N", "P", "S")), min_size=1, max_size=12).filter(
    lambda t: ";" not in t and t[0] not in "=+-@"
)
FLOATS = st.floats(0, allow_nan=False, allow_infinity=False)


def digest(path: Path) -> str:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return hashlib.sha256(b"".join(f.name.encode() + f.read_bytes() for f in files)).hexdigest()


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("seed", range(2, 5))
def test_round_trip_of_random_networks(kind, seed, tmp_path):
    net = SupplyNetwork(**random_tables(seed, shipments=seed != 2), meta={"name": 'Ünïcode "q"', "n": [1, 2.5, None]})
    back = formats.read(formats.write(net, tmp_path / TARGETS[kind]))
    assert back == net
    assert back.meta == net.meta
    for name in ("nodes", "edges", "processes", "shipments"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(net, name))


@pytest.mark.parametrize("kind", TARGETS)
@given(names=st.lists(TEXTS, min_size=11, max_size=11), edge=IDS, number=FLOATS, form=IDS, title=TEXTS)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],
)  # shrinking a file format takes minutes
def test_round_trip_of_any_text_and_number(kind, tmp_path, names, edge, number, form, title):
    tables = chain_tables()
    tables["nodes"]["name"] = [f"n{name}" for name in names]
    tables["nodes"].loc[0, "status"] = names[0] or None
    tables["edges"]["edge"] = tables["edges"]["edge"].replace("met-cape", f"x{edge}")
    tables["edges"].loc[0, "distance_km"] = number
    tables["processes"].loc[0, "makes"] = form
    tables["references"].loc[0, "title"] = f"t{title}"
    net = SupplyNetwork(**tables)
    assert formats.read(formats.write(net, tmp_path / TARGETS[kind])) == net


@pytest.mark.parametrize("kind", TARGETS)
def test_an_empty_network_survives(kind, tmp_path):
    net = SupplyNetwork(**{name: frame.iloc[:0] for name, frame in chain_tables().items()})
    assert formats.read(formats.write(net, tmp_path / TARGETS[kind])) == net


@pytest.mark.parametrize("kind", TARGETS)
def test_same_network_same_bytes(kind, tmp_path):
    tables = random_tables(5)
    mixed = {name: frame.sample(frac=1, random_state=1) for name, frame in tables.items()}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = formats.write(SupplyNetwork(**tables), tmp_path / "a" / TARGETS[kind])
    two = formats.write(SupplyNetwork(**mixed), tmp_path / "b" / TARGETS[kind])
    assert digest(one) == digest(two)
    formats.write(SupplyNetwork(**tables), one)  # and again over it
    assert digest(one) == digest(two)
    assert [p.name for p in one.parent.iterdir()] == [TARGETS[kind]]


def test_floats_have_their_shortest_exact_text(tmp_path):
    frame = pd.DataFrame({"x": [0.1, 1 / 3, 1e22, 5.0, np.inf, np.nan], "n": pd.array([1, None] * 3, dtype="Int64")})
    text = (formats.write_tables({"t": frame}, tmp_path / "out") / "t.csv").read_bytes()
    assert text == b"x,n\n0.1,1\n0.3333333333333333,\n1e+22,1\n5.0,\ninf,1\n,\n"


# -- atomic --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TARGETS)
def test_a_failed_write_leaves_the_old_one(kind, tmp_path, monkeypatch):
    target = formats.write(chain(), tmp_path / TARGETS[kind])
    before = digest(target)

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    patched = {"csv": (pd.DataFrame, "to_csv"), "parquet": (pd.DataFrame, "to_parquet")}.get(kind, (os, "replace"))
    monkeypatch.setattr(*patched, full)
    with pytest.raises(FormatError, match="No space left"):
        formats.write(random_network(1), target)
    monkeypatch.undo()
    assert digest(target) == before
    assert [p.name for p in tmp_path.iterdir()] == [target.name]


def test_other_files_in_the_folder_stay(tmp_path):
    folder = formats.write(chain(), tmp_path / "net")
    (folder / "notes.txt").write_text("mine")
    formats.write(random_network(1), folder)
    assert (folder / "notes.txt").read_text() == "mine"
    assert formats.read(folder) == random_network(1)


def test_where_nothing_can_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    for bad, words in ((tmp_path / "no" / "net", "parent folder"), (file, "is a file"), (file / "x", "parent folder")):
        with pytest.raises(FormatError, match=words):
            formats.write(chain(), bad)
    formats.write(chain(), tmp_path / "both", format="csv")
    with pytest.raises(FormatError, match="already"):
        formats.write(chain(), tmp_path / "both", format="parquet")
    with pytest.raises(FormatError, match="is a folder"):
        formats.write(chain(), tmp_path / "both", format="gpkg")
    with pytest.raises(UnknownNameError, match="'gpkg'"):
        formats.write(chain(), tmp_path / "x", format="gpkgg")
    assert not (tmp_path / "x").exists()


# -- reading what others wrote -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    return formats.write(chain(), tmp_path / "net")


def refused(path, *words):
    with pytest.raises(FormatError) as caught:
        formats.read(path)
    for word in words:
        assert word in str(caught.value)
    assert formats.check(path) == list(caught.value.report)


@pytest.mark.parametrize(
    "path",
    ["https://example.org/net.gpkg", "file:///etc/passwd", "/vsicurl/x.gpkg", "/vsizip/x.zip/net.gpkg", "s3://b/k", ""],
)
def test_only_local_paths(path):
    refused(path, "not a local path")
    with pytest.raises(FormatError, match="not a local path"):
        formats.write(chain(), path)


def test_a_byte_order_mark_and_windows_lines_are_fine(folder):
    for file in folder.glob("*.csv"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
    assert formats.read(folder) == chain()


def test_optional_tables_and_meta_may_be_absent(folder):
    for name in ("owners.csv", "countries.csv", "meta.json"):
        (folder / name).unlink()
    net = formats.read(folder)
    assert len(net.owners) == len(net.countries) == 0
    (folder / "edges.csv").unlink()
    (folder / "edge.csv").write_text("edge\n")
    (folder / "references.csv").unlink()
    refused(folder, "edge.csv", "Did you mean `edges.csv`?", "references.csv: is missing")


def test_latin_1(folder):
    text = (folder / "nodes.csv").read_text().replace("Ningde", "Münster")
    (folder / "nodes.csv").write_bytes(text.encode("latin-1"))
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "Münster" in row)
    refused(folder, f"nodes.csv line {line}", "0xfc is not UTF-8")


def test_an_empty_file_and_an_empty_header(folder):
    (folder / "nodes.csv").write_bytes(b"")
    (folder / "edges.csv").write_bytes(b"\n\n")
    refused(folder, "nodes.csv: is empty", "edges.csv line 1: has no header")


def test_long_and_short_rows_name_their_line(folder):
    lines = (folder / "nodes.csv").read_text().splitlines()
    lines[3] += ",extra"
    lines[6] = lines[6].rsplit(",", 1)[0]
    (folder / "nodes.csv").write_text("\n".join(lines))
    refused(folder, "nodes.csv row 4: has 11 cells; expected 10", "nodes.csv row 7: has 9 cells; expected 10")


def test_lines_are_right_after_a_cell_with_a_line_break(folder):
    lines = (folder / "nodes.csv").read_text().splitlines()
    cells = lines[2].split(",")
    cells[1] = '"two\nlines"'
    lines[2] = ",".join(cells)
    lines[5] = lines[5].replace("port", "prt")
    (folder / "nodes.csv").write_text("\n".join(lines))
    refused(folder, "nodes.csv row 3, column `name`", "control character")


def test_doubled_and_nameless_headers_and_broken_quotes(folder):
    text = (folder / "owners.csv").read_text()
    (folder / "owners.csv").write_text(text.replace("node,owner", "owner,owner", 1))
    (folder / "references.csv").write_text((folder / "references.csv").read_text().replace("title", "", 1))
    (folder / "products.csv").write_text('product,mineral,stage,order\n"a"b,c,d,0\n')
    refused(folder, "`owner` more than once", "has no name", "products.csv line 2: is not CSV")


def test_bad_meta(folder):
    (folder / "meta.json").write_text("[1]")
    refused(folder, "meta.json: is not a JSON object")
    (folder / "meta.json").write_text("[" * 100_000)
    refused(folder, "meta.json: is not JSON")


def test_things_that_are_no_network(tmp_path):
    refused(tmp_path / "none", "no such file")
    refused(tmp_path, "nodes.csv: is missing")
    other = tmp_path / "a.xlsx"
    other.write_bytes(b"PK")
    refused(other, "not a network file")
    for name in ("a.gpkg", "a.graphml"):
        (tmp_path / name).write_bytes(b"")
        refused(tmp_path / name, "is empty")
        (tmp_path / name).write_bytes(b"not it")
        refused(tmp_path / name, name)
    (tmp_path / "b.gpkg").write_bytes(b"SQLite format 3\x00" + b"\x00" * 52 + b"GPKG" + b"junk" * 400)
    refused(tmp_path / "b.gpkg", "is not a GeoPackage")
    parquet = tmp_path / "p"
    parquet.mkdir()
    (parquet / "nodes.parquet").write_bytes(b"PAR1")
    refused(parquet, "nodes.parquet: is not a Parquet file")


def test_a_geopackage_of_something_else(tmp_path):
    path = formats.write(chain(), tmp_path / "a.gpkg")
    with sqlite3.connect(path) as db:
        db.execute("create table secrets (a text)")
        db.execute("insert into gpkg_contents (table_name, data_type, identifier) values ('secrets','attributes','s')")
    db.close()
    refused(path, "unknown layers secrets")


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="directed">
<node id="&b;"/></graph></graphml>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><graphml/>"""


@pytest.mark.parametrize("text", [BOMB, OUTSIDE, BOMB.replace("<!ENTITY b", "<!ENTITY % b")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_parsing(text, encoding, tmp_path, monkeypatch):
    import networkx as nx

    monkeypatch.setattr(nx, "read_graphml", lambda *_a, **_k: pytest.fail("was parsed"))
    path = tmp_path / "bomb.graphml"
    path.write_bytes(text.replace("?>", f' encoding="{encoding}"?>', 1).encode(encoding))
    refused(path, "never expanded")


def test_graphml_faults_are_reported(tmp_path):
    path = formats.write(chain(), tmp_path / "a.graphml")
    path.write_text(path.read_text().replace('target="kokkola"', 'target="nowhere"', 1))
    refused(path, "is missing")
    path.write_text("<graphml><broken>")
    refused(path, "is not XML")


# -- check and exports ---------------------------------------------------------------------------------------------


def test_check_lists_doubts(tmp_path):
    assert formats.check(formats.write(chain(), tmp_path / "good")) == []
    tables = chain_tables()
    tables["processes"].loc[3, "activity_t"] = 50.0
    tables["shipments"].loc[2, "flow_t"] = 80.0
    found = formats.check(formats.write(SupplyNetwork(**tables), tmp_path / "bad"))
    assert {p.where for p in found} == {
        "processes `kokkola-refine`, column `activity_t`", "processes `kokkola-refine`, column `recovery`",
        "processes `talvivaara-extract`, column `activity_t`",
    }  # fmt: skip


def test_check_finds_sites_outside_their_country(tmp_path):
    tables = chain_tables()
    tables["nodes"].loc[2, ["lon", "lat"]] = [38.5, 2.2]  # Kenya
    tables["nodes"].loc[0, ["lon", "lat"]] = [-10.6, 26.1]  # swapped, in range
    found = formats.check(formats.write(SupplyNetwork(**tables), tmp_path / "net"))
    assert [p.where.split("`")[1] for p in found] == ["jinchuan", "tenke"]
    assert "km outside CHN" in found[0].what
    assert "did you mean lon 26.1, lat -10.6?" in found[1].remedy


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_exports_for_people_run_nothing(text):
    frame = pd.DataFrame({"a": ["x", text], "t": [-1.0, 2.0]}, index=pd.Index(["i", text], name="k"))
    safe = formats.for_people(frame)
    assert safe["a"].tolist() == ["x", f"'{text}"]
    assert safe.index.tolist() == ["i", f"'{text}"]
    assert safe["t"].tolist() == [-1.0, 2.0]
    assert safe.index.name == "k"
    assert frame["a"].tolist() == ["x", text]
