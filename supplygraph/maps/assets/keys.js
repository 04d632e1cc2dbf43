// The map by keyboard: from site to site, what they are said aloud, and where the focus goes.

class Walk {
  constructor(app) {
    this.app = app;
    app.container.addEventListener('keydown', (event) => this.key(event));
  }

  /** The sites on the map, the most important first. */
  stops() {
    const { data, state, canvas } = this.app;
    return data.ranked.filter((node) => node.kind !== 'port' && !state.hidden.has(node.kind) && concerns(state, node)
      && (siteTonnes(canvas, node) > 0 || isClosed(data, canvas.scenario(), node) || failureOf(data, node)));
  }

  key(event) {
    if (event.target !== this.app.container || event.ctrlKey || event.metaKey || event.altKey) return;
    const { app } = this;
    const actions = {
      n: () => this.step(1), p: () => this.step(-1), Enter: () => app.state.focus && app.point(app.state.focus, true),
      0: () => app.fit(), '/': () => app.panel.search.input.focus(), '?': () => app.help.showModal(), Escape: () => app.leave(),
    };
    if (!Object.keys(actions).includes(event.key)) return;
    event.preventDefault();
    actions[event.key]();
  }

  step(by) {
    const { app } = this;
    const stops = this.stops();
    if (!stops.length) return;
    const now = stops.indexOf(app.state.focus);
    const next = now < 0 ? (by > 0 ? 0 : stops.length - 1) : (now + by + stops.length) % stops.length;
    const node = stops[next];
    app.map.closePopup();
    app.state.focus = node;
    const place = app.bringIntoView(node);
    app.redraw();
    app.canvas.tip.setLatLng(place).setContent(describe(app.canvas, node, false)).addTo(app.map);
    app.say(`${next + 1} of ${stops.length}: ${this.words(node)}. Enter tells more.`);
  }

  words(node) {
    const { data, canvas } = this.app;
    const closed = isClosed(data, canvas.scenario(), node);
    const failure = failureOf(data, node);
    return [node.name, KIND_WORDS[node.kind], node.country && data.countryName(node.country),
      closed ? 'closed' : `${tonnes(siteTonnes(canvas, node))} a year, estimated`,
      failure && `demand lost if it fails: ${lossWords(data.failures, failure)}`].filter(Boolean).join(', ');
  }
}

/** Give a popup a role, a name, and the focus where it was opened by key; closing it gives the focus back. */
function holdFocus(app, map) {
  map.on('popupopen', ({ popup }) => {
    const box = popup.getElement();
    const title = box.querySelector('h3');
    const content = box.querySelector('.leaflet-popup-content');
    box.setAttribute('role', 'dialog');
    box.setAttribute('aria-label', title ? title.textContent : 'Details');
    content.setAttribute('tabindex', '0');
    content.setAttribute('role', 'group');
    content.setAttribute('aria-label', 'Figures');
    box.addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.stopPropagation(); map.closePopup(); } });
    const close = box.querySelector('.leaflet-popup-close-button');
    if (close) close.setAttribute('title', 'Close');
    if (app.byKey) content.focus({ preventScroll: true });
    app.link.soon();
  });
  map.on('popupclose', () => {
    app.told = null;
    const lost = !document.activeElement || document.activeElement === document.body;
    if (lost) (app.opener && app.opener.isConnected ? app.opener : app.container).focus({ preventScroll: true });
    app.opener = null;
    app.link.soon();
  });
}

/** On a touch screen a finger may miss a small sign: the nearest site within its width. */
function touched(canvas, point) {
  const near = canvas.hits.map(([x, y, r]) => [Math.hypot(x - point.x, y - point.y) - r, { x, y }]).filter(([away]) => away < 16);
  near.sort(([a], [b]) => a - b);
  return near.length ? siteUnder(canvas, near[0][1]) : null;
}
