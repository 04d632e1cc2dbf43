"""The gallery: notebooks are run from top to bottom, and what they show becomes plain values for a page."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supplygraph.errors import MissingDependencyError, SupplyGraphError
from supplygraph.maps import page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What a gallery needs beside the package itself, by module.
NEEDS = ("nbclient", "ipykernel", "markdown_it", "pygments")
#: Seconds that a notebook may take.
LIMIT = 900.0
#: A longer path cannot hold the sockets of a kernel.
_SOCKET = 80


def notebooks() -> list[Path]:
    """Return the bundled notebooks: beside the package in a checkout, inside it in a wheel."""
    inside = Path(__file__).parent / "notebooks"
    folder = inside if inside.is_dir() else Path(__file__).parent.parent / "notebooks"
    return sorted(folder.glob("*.ipynb"))


def lacking() -> list[str]:
    """Return the modules that a gallery needs and that are not installed."""
    return [name for name in NEEDS if find_spec(name) is None]


def run(path: Path, folder: Path, *, seconds: float = LIMIT) -> dict[str, Any]:
    """Run a notebook and return what it shows; its maps are written into ``folder``.

    The notebook runs in a process of its own, in an empty folder, without the settings of whoever runs it. What it
    writes to stderr (warnings, progress) is left out, as is every path of this machine.

    Parameters
    ----------
    path
        The notebook. Its own outputs are ignored.
    folder
        Where its maps go, as ``<name>-map-1.html`` and so on.
    seconds
        Limit for the whole notebook.

    Returns
    -------
    dict
        ``name``, and ``cells``: ``{"kind": "markdown", "source"}`` or ``{"kind": "code", "source", "outputs"}``. An
        output is ``{"kind": "text", "text"}``, ``{"kind": "html", "html"}``, ``{"kind": "picture", "src"}`` or
        ``{"kind": "map", "href", "title"}``.

    Raises
    ------
    MissingDependencyError
        If nbclient or another module that this needs is not installed.
    SupplyGraphError
        If a cell fails or the notebook takes too long; the message names notebook and cell.
    """
    if lacking():
        message = f"a gallery needs {', '.join(lacking())}. Install them with: pip install 'supplygraph[gallery]'"
        raise MissingDependencyError(message)
    import nbformat

    book = nbformat.read(path, as_version=4)
    with _room() as room:
        _execute(book, path.stem, room, seconds)
        hidden = _hide(room)
        cells = []
        maps = _Maps(folder, path.stem)
        for cell in book.cells:
            told: dict[str, Any] = {"kind": "code" if cell.cell_type == "code" else "markdown", "source": cell.source}
            if cell.cell_type == "code":
                shown = (_output(output, maps, hidden) for output in cell.outputs)
                told["outputs"] = [output for output in shown if output is not None]
            cells.append(told)
    return {"name": path.stem, "cells": cells}


# -- running -------------------------------------------------------------------------------------------------------


def _execute(book: Any, name: str, room: Path, seconds: float) -> None:
    """Run all cells in a fresh kernel; a failure names the cell."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    start = time.monotonic()
    quiet = os.name == "posix" and len(str(room)) < _SOCKET
    manager = AsyncKernelManager(
        kernel_name="python3",
        # Only the kernel of this very Python, whatever else is registered on the machine.
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[], ensure_native_kernel=True),
        connection_file=str(room / "kernel.json"),
        transport="ipc" if quiet else "tcp",
    )
    client = NotebookClient(
        book, km=manager, timeout_func=lambda _: max(1, int(start + seconds - time.monotonic())), startup_timeout=120,
        allow_errors=False, resources={"metadata": {"path": str(room / "work")}},
    )  # fmt: skip
    surroundings = {**os.environ, "IPYTHONDIR": str(room / "ipython"), "JUPYTER_CONFIG_DIR": str(room / "jupyter"),
                    "JUPYTER_RUNTIME_DIR": str(room), "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"}  # fmt: skip
    try:
        with (room / "log").open("wb") as log, _ended_together(manager, room), ThreadPoolExecutor(1) as thread:
            # In a thread of its own: in the main one nbclient would answer interrupts in its own way.
            given = {"env": surroundings, "stdout": log, "stderr": log, "cleanup_kc": True}
            job = thread.submit(lambda: asyncio.run(client.async_execute(**given)))
            try:
                job.result()
            except KeyboardInterrupt:
                _end(manager)
                raise
    except CellExecutionError as error:
        raise SupplyGraphError(f"{_where(book, name)} fails: {error.ename}: {error.evalue}") from None
    except CellTimeoutError:
        raise SupplyGraphError(f"{_where(book, name)} takes too long: the limit is {seconds:.0f} s") from None
    except (DeadKernelError, RuntimeError) as error:
        told = (room / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        reason = clean(told[-1] if told else str(error), _hide(room))
        raise SupplyGraphError(f"{_where(book, name)} ended the Python that ran it: {reason}") from None


def _end(manager: Any) -> None:
    """End the kernel at once, and what it has started: it leads a group of its own."""
    kernel = getattr(getattr(manager, "provisioner", None), "pid", None)
    if kernel and os.name == "posix":
        with suppress(OSError):
            os.killpg(kernel, signal.SIGKILL)


def _where(book: Any, name: str) -> str:
    """Name the cell that ran last."""
    ran = [place for place, cell in enumerate(book.cells) if cell.cell_type == "code" and cell.execution_count]
    place = ran[-1] if ran else 0
    line = next((line for line in book.cells[place].source.splitlines() if line.strip()), "")
    return f"notebook {name}, cell {place + 1} ({line.strip()[:60]!r}),"


@contextmanager
def _room() -> Iterator[Path]:
    """Yield a private folder for one notebook, and remove it."""
    room = Path(tempfile.mkdtemp(prefix="sg-"))
    try:
        (room / "work").mkdir()
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


@contextmanager
def _ended_together(manager: Any, room: Path) -> Iterator[None]:
    """If this process is told to end, end the kernel first: nobody else knows of it."""
    if threading.current_thread() is not threading.main_thread() or os.name != "posix":
        yield
        return

    def end(*_: object) -> None:
        _end(manager)
        shutil.rmtree(room, ignore_errors=True)
        os._exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# -- what it shows -------------------------------------------------------------------------------------------------


def _output(output: Any, maps: _Maps, hidden: re.Pattern[str]) -> dict[str, Any] | None:
    """Return one output as plain values; the best form of it that a page can hold."""
    if output.output_type == "stream":
        return {"kind": "text", "text": clean(output.text, hidden)} if output.name == "stdout" else None
    data: Mapping[str, str] = output.get("data", {})
    markup = data.get("text/html", "")
    framed = _framed(markup) if "srcdoc" in markup else None
    if framed is not None:
        return maps.write(*framed)
    if "image/png" in data:
        return {"kind": "picture", "src": f"data:image/png;base64,{''.join(data['image/png'].split())}"}
    if "image/svg+xml" in data:
        coded = base64.b64encode(clean(data["image/svg+xml"], hidden).encode()).decode()
        return {"kind": "picture", "src": f"data:image/svg+xml;base64,{coded}"}
    if markup:
        return {"kind": "html", "html": clean(markup, hidden)}
    return {"kind": "text", "text": clean(data["text/plain"], hidden)} if "text/plain" in data else None


def _hide(room: Path) -> re.Pattern[str]:
    """Return what finds paths of this machine in a text."""
    places = {str(room), tempfile.gettempdir(), sys.prefix, sys.base_prefix, str(Path.home()), str(Path.cwd()),
              str(Path(__file__).parent.parent)}  # fmt: skip
    places |= {os.path.realpath(place) for place in places}
    ordered = sorted((place for place in places if len(place) > 1), key=len, reverse=True)
    return re.compile("(?<![\\w.])(" + "|".join(map(re.escape, ordered)) + r")(?=[/\\])[^\s'\"<>:]*")


def clean(text: str, hidden: re.Pattern[str]) -> str:
    """Return a text without terminal colours, and with the last part alone of every path of this machine."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return hidden.sub(lambda found: "…/" + re.split(r"[/\\]", found.group().rstrip("/\\"))[-1], plain)


class _Maps:
    """Writes the maps of a notebook, in order."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.count = folder, name, 0

    def write(self, title: str, text: str) -> dict[str, Any] | None:
        """Write a map as a page of its own, if it is one of ours: whole, inert and offline."""
        if not strict(text):
            return {"kind": "text", "text": "A page that is not offline and inert was left out."}
        self.count += 1
        name = f"{self.name}-map-{self.count}.html"
        (self.folder / name).write_text(text, encoding="utf-8")
        return {"kind": "map", "href": name, "title": title}


def strict(text: str) -> bool:
    """Say whether a page begins as ours do: with a policy that admits nothing but its own blocks by their hash."""
    start = text.lstrip()[:4000]
    found = re.match(
        r'<!DOCTYPE html>\s*<html[^<>]*>\s*<head>\s*<meta charset="utf-8">\s*'
        r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">',
        start,
    )
    if found is None:
        return False
    blocks = [re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL) for kind in ("style", "script")]
    return found.group(1) == page.policy(*blocks)


def _framed(markup: str) -> tuple[str, str] | None:
    """Return title and text of the page that a frame holds, if the output is such a frame."""
    finder = _Frame()
    finder.feed(markup)
    finder.close()
    return finder.found


class _Frame(HTMLParser):
    """Finds the first frame that holds its page itself."""

    found: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep title and text of a frame."""
        given = dict(attrs)
        if tag == "iframe" and self.found is None and given.get("srcdoc"):
            self.found = (given.get("title") or "Map", given["srcdoc"] or "")
