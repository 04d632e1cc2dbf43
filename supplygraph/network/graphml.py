"""A network as GraphML: read without entities, write in canonical order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from supplygraph.errors import DataError, FormatError
from supplygraph.network import convert
from supplygraph.network.source import Source, fail, sized

if TYPE_CHECKING:
    from pathlib import Path

    import networkx as nx

#: Nodes and edges beyond this are refused before a graph is built.
_MOST_ELEMENTS = 50_000_000
_CHUNK = 1 << 20


class _RefusedError(Exception):
    """Raised inside the parser, which stops at once."""


def read(path: Path) -> Source:
    """Return the tables of a GraphML file.

    Raises
    ------
    FormatError
        If it is not XML, has a document type or entities (never expanded), or is no directed multigraph of ours.
    """
    _inspect(sized(path))
    import networkx as nx

    try:
        graph = nx.read_graphml(path, node_type=str, edge_key_type=str, force_multigraph=True)
        tables, meta = convert.from_networkx(graph)
    except DataError as error:
        raise FormatError(f"{path.name} cannot be read:", error.report) from error
    except (nx.NetworkXError, ValueError, KeyError, TypeError, SyntaxError, AttributeError) as error:
        raise fail(path.name, f"is not GraphML of a network ({error}).", "Write it with supplygraph.") from error
    return Source(dict(tables), meta)


def _inspect(path: Path) -> None:
    """Parse once without building anything: refuse document types, entities and too many elements."""
    parser = expat.ParserCreate()
    count = 0

    def refuse(*_: Any) -> int:
        said = "has a document type or an entity, which are never expanded."
        raise _RefusedError(said)

    def start(_: str, __: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > _MOST_ELEMENTS:
            said = f"has more than {_MOST_ELEMENTS:,} elements."
            raise _RefusedError(said)

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.UnparsedEntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler = start
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    except _RefusedError as error:
        raise fail(path.name, str(error), "Write plain GraphML.") from error
    except expat.ExpatError as error:
        raise fail(f"{path.name} line {error.lineno}", f"is not XML ({error}).", "Write it again.") from error


def write(graph: nx.MultiDiGraph, path: Path) -> None:
    """Write a graph; nodes and edges stand in canonical order, so the bytes are stable."""
    import networkx as nx

    nx.write_graphml_xml(graph, path, encoding="utf-8", prettyprint=True, named_key_ids=True)
