"""What a reader hands to the checks, and how it refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from supplygraph.errors import FormatError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

#: Files larger than this are refused before they are parsed.
LARGEST_BYTES = 4 * 1024**3


@dataclass
class Source:
    """Tables as found in files, what to call them, and the line of each row where there are lines."""

    tables: dict[str, Any]
    meta: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    lines: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)


def fail(where: str, what: str, remedy: str = "") -> FormatError:
    """Return the error of one file that cannot be read or written."""
    return FormatError("nothing can be read:" if "written" not in what else "nothing was written:",
                       [Problem(where, what, remedy)])  # fmt: skip


def parse_meta(text: str, where: str) -> dict[str, Any]:
    """Return a JSON object, or refuse."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise fail(where, f"is not JSON ({error}).", "Write a JSON object, or drop it.") from error
    if not isinstance(value, dict):
        raise fail(where, "is not a JSON object.", "Write a JSON object, or drop it.")
    return value


def dump_meta(meta: dict[str, Any]) -> str:
    """Return meta as stable JSON text."""
    return json.dumps(meta, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def sized(path: Path) -> Path:
    """Return the path, or refuse a file that is empty or too large."""
    size = path.stat().st_size
    if size == 0:
        raise fail(path.name, "is empty.", "Write it again, or leave it out if the table is optional.")
    if size > LARGEST_BYTES:
        raise fail(path.name, f"has {size:,} bytes; at most {LARGEST_BYTES:,} are read.", "Split the network.")
    return path
