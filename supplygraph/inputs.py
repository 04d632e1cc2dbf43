"""What the command line is given, as the library takes it: networks, shocks, caps, shares."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import typer

import supplygraph as sg
from supplygraph.errors import SupplyGraphError, UnknownNameError

#: An option that may be repeated.
Several = list[str] | None


def say(text: str) -> None:
    """Print words on stderr; stdout is for tables."""
    typer.echo(text, err=True)


def network(source: str) -> sg.SupplyNetwork:
    """Load a bundled mineral, or read a network from a path."""
    if Path(source).exists():
        return sg.read(source)
    try:
        return sg.load(source)
    except UnknownNameError as error:
        message = f"{error} Nor is there a file or folder {source!r}."
        raise UnknownNameError(message) from None


def drawn(source: str, draws: int) -> sg.SupplyNetwork | sg.Ensemble:
    """Return a network, or an ensemble of it where draws are asked for."""
    net = network(source)
    return sg.ensemble(net, draws, progress=sys.stderr.isatty()) if draws else net


def shock(
    scenario: Several, *, ban: Several, country: Several, stage: str | None, passage: Several, node: Several,
    keep: float | None, needed: bool = True,
) -> sg.Shock | None:
    """Return all that breaks, as one shock; nothing where nothing need break."""
    if stage is not None and not (ban or country):
        raise typer.BadParameter("goes with --ban or --country", param_hint="--stage")
    share = 0.0 if keep is None else keep
    parts = []
    for name in scenario or ():
        found = sg.scenarios()[name]
        if found.shock is None:
            raise SupplyGraphError(f"scenario {name} cannot be run: {found.reason}. Describe your own with --ban.")
        say(found.explain())
        parts.append(found.shock if keep is None else found.at(keep=keep))
    if ban:
        parts.append(sg.Shock.ban(ban, stage=stage, keep=share))
    if country:
        parts.append(sg.Shock.close(country=country, stage=stage, keep=share))
    if passage:
        parts.append(sg.Shock.close(passage=passage, keep=share))
    if node:
        parts.append(sg.Shock.close(node=node, keep=share))
    if not parts and not needed:
        return None
    if not parts:
        raise typer.BadParameter("name what fails: --scenario, --ban, --country, --passage or --node")
    return functools.reduce(lambda one, other: one + other, parts)


def caps(cap: str | None, outside: float | None) -> dict[str, float] | str | None:
    """Return the caps as ``reroute`` takes them."""
    caps = {} if outside is None else {"outside": outside}
    if cap is None:
        return caps or None
    try:
        share = float(cap)
    except ValueError:
        if outside is not None:
            hint = f"give a number beside --cap-outside, not {cap!r}; the EU's is 0.65"
            raise typer.BadParameter(hint, param_hint="--cap") from None
        return cap
    if not 0 <= share <= 1:
        raise typer.BadParameter(f"{cap} is not a share from 0 to 1", param_hint="--cap")
    return {"country": share, **caps}


def shares(given: Several) -> dict[str, float] | None:
    """Read ``NAME=SHARE``, several of them."""
    return amounts("--must-serve", given, "NAME=SHARE", "JPN=0.5") or None


def amounts(
    option: str, given: Several, form: str = "PRODUCT=NUMBER", example: str = "cobalt-refined=40000"
) -> dict[str, float]:
    """Read names with a number each, several of them."""
    found = {}
    for text in given or ():
        name, _, number = text.rpartition("=")
        try:
            found[name] = float(number)
        except ValueError:
            name = ""
        if not name:
            raise typer.BadParameter(f"{text!r} is not {form}; write for example {example}", param_hint=option)
    return found
