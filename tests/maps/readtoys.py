"""Pages for the tests of reading aids and access, and what is asked of them."""

from __future__ import annotations

import contextlib

import maptoys
import numpy as np
import pandas as pd

from supplygraph.maps import map_network
from supplygraph.network.network import SupplyNetwork

APP = "document.getElementById('map').supplyMap"
CLOSED = {"name": "Suez closed", "shipments": maptoys.shipments(suez=False), "closed": ["suez"]}
LONG = "Gesellschaft" * 12
ARABIC = "مصفاة الشرق الأوسط للمعادن"


def gaps():
    """A network in which figures are missing, one site has two activities, and one shipment its own source."""
    parts = maptoys.tables(names={"mine-a": "Mine du Québec"})
    processes = parts["processes"]
    bounds = ["activity_low_t", "activity_high_t"]
    processes.loc[processes["process"] == "p-fac-b", ["activity_t", *bounds]] = np.nan
    processes.loc[processes["process"] == "p-mine-b", [*bounds, "year"]] = np.nan
    second = processes.loc[processes["process"] == "p-mine-a"].assign(process="again", role="stock", activity_t=850.0)
    parts["processes"] = pd.concat([processes, second], ignore_index=True).astype({"year": "Int64"})
    parts["references"].loc[1] = ["customs", "Customs records", None, None, None, None]
    parts["shipments"].loc[0, "reference"] = "customs"
    return SupplyNetwork(**parts)


def strange():
    """Names too long for any box, and names written from right to left."""
    names = {"mine-a": LONG, "ref-a": ARABIC, "suez": LONG, "fac-a": f"{ARABIC} {LONG}"}
    net = maptoys.network(names=names, countries={"CHN": LONG, "JPN": ARABIC}, operator=LONG, source=LONG)
    after = CLOSED | {"name": LONG, "kpis": {LONG: LONG, ARABIC: ARABIC}}
    return map_network(net, title=f"{ARABIC} {LONG}", subtitle=LONG, scenarios=[after])


@contextlib.contextmanager
def phone(chromium, path, **more):
    """Open a page on a touch screen of 390 x 844 pixels."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, offline=True,
                                   **more)
    view, errors = context.new_page(), []
    view.on("pageerror", lambda error: errors.append(str(error)))
    view.on("console", lambda message: errors.append(message.text) if message.type in {"error", "warning"} else None)
    try:
        view.goto(path.as_uri())
        yield view, errors
    finally:
        context.close()


def place_of(view, node):
    """Where a site stands on the screen."""
    return view.evaluate(f"""(id) => {{
      const {{ map, data }} = {APP};
      const node = data.nodes.find((one) => one.id === id);
      const box = map.getContainer().getBoundingClientRect();
      const {{ x, y }} = map.latLngToContainerPoint([node.lat, node.lon]);
      return [box.x + x, box.y + y];
    }}""", node)
