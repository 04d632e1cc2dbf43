"""Commands about policy: agreements, and what price floors, stocks and projects would do."""

from __future__ import annotations

import supplygraph as sg
from supplygraph import inputs, outputs
from supplygraph.commands import AS_OF, AsCsv, AsJson, AsOf, Binding, command
from supplygraph.inputs import Several  # noqa: TC001 - typer reads the annotations


@command
def agreements(
    *,
    country: Several = None,
    mineral: Several = None,
    provision: Several = None,
    as_of: AsOf = AS_OF,
    no_memoranda: Binding = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the agreements on minerals between states, and which are in force."""
    found = sg.agreements(as_of, country=country, mineral=mineral, provision=provision, non_binding=not no_memoranda)
    inputs.say(found.explain())
    shown = found.table if as_json or as_csv else found.table[["date", "parties", "provisions", "in_force", "binding"]]
    outputs.show(shown, as_json=as_json, as_csv=as_csv, top=0)
