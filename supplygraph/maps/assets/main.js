// Putting the page together: one map (or two, side by side), panel, legend, table, pointer.

const parse = (id) => JSON.parse(document.getElementById(id).textContent);

const calm = window.matchMedia('(prefers-reduced-motion: reduce)');
const byFinger = window.matchMedia('(pointer: coarse)');

class App {
  constructor(data) {
    this.data = data;
    this.state = freshState(data);
    rank(data);
    readAnswers(data);
    readSources(data);
    answerOf(data, this.state.scenario);
    this.page = document.getElementById('page');
    this.page.classList.toggle('sg-failing', data.failures !== null || data.attack !== null);
    this.container = document.getElementById('map');
    this.map = this.makeMap(this.container, true);
    this.container.leafletMap = this.map;
    this.maps = [this.map];
    this.canvases = [];
    this.caption = el('div', { class: 'sg-caption', dir: 'auto', hidden: true });
    this.canvas = new Canvas(data, this.state, false);
    this.canvas.app = this;
    this.live = el('p', { class: 'sg-live', role: 'status', 'aria-live': 'polite' });
    this.help = helpDialog();
    this.link = new Permalink(this);
    this.panel = new Panel(this);
    this.legend = new Legend(this);
    this.table = new TableView(this.canvas);
    this.told = null;
    this.page.append(this.caption, this.legend.element, this.panel.element, this.table.element,
      el('p', { class: 'sg-credit', text: 'Land: Natural Earth. Map: supplygraph with Leaflet.' }), this.live, this.help);
    this.container.setAttribute('role', 'application');
    this.container.setAttribute('aria-label', `${data.title}. Arrow keys move the map, plus and minus zoom, n and p go from site to site, `
      + 'Enter tells more, question mark lists all keys; Table shows the same figures.');
    this.canvas.map = this.map;
    this.legend.update();
    this.panel.update();
    this.fit();
    this.attach(this.map, this.canvas);
    this.map.on('zoomend', () => { this.legend.update(); markZoom(this); });
    L.control.scale({ imperial: false, position: 'bottomright', maxWidth: 110 }).addTo(this.map);
    markZoom(this);
    systemDark.addEventListener('change', () => setMode(this, document.documentElement.getAttribute('data-mode')));
    this.walk = new Walk(this);
    this.tiles = data.tiles ? new BaseMap(this) : null;
    this.refresh();
    this.link.begin();
  }

  /** Say something to those who listen; `shown`: to all, for a moment. */
  say(text, shown = false) {
    this.live.textContent = text;
    this.live.classList.toggle('sg-shown', shown);
    clearTimeout(this.saying);
    if (shown) this.saying = setTimeout(() => this.live.classList.remove('sg-shown'), 2500);
  }

  makeMap(container, first) {
    const map = L.map(container, {
      zoomControl: first, attributionControl: false, zoomSnap: 0.1, zoomDelta: 0.6, wheelPxPerZoomLevel: 110, minZoom: 0.4,
      maxZoom: 10, zoomAnimation: false, fadeAnimation: false, inertia: false, worldCopyJump: false,
      center: [20, 130], zoom: 2,
    });
    // Panning by key or to a popup glides, unless the reader asks for stillness.
    map.panBy = (offset, options) => L.Map.prototype.panBy.call(map, offset, calm.matches ? { ...options, animate: false } : options);
    holdFocus(this, map);
    return map;
  }

  /** The places of every site that ships or receives, and of all that fails together. */
  extent() {
    const marked = this.data.attack ? this.data.attack.marked : new Set();
    const active = this.data.nodes.filter((node) => marked.has(node.index) || (node.kind !== 'passage' && node.flow.some((value) => value > 0)));
    return (active.length ? active : this.data.nodes).map((node) => [node.lat, node.lon]);
  }

  /** Show every site, clear of the panel. */
  fit() {
    const places = this.extent();
    if (!places.length) return;
    const wide = window.innerWidth > 700;
    const panel = this.panel.element.getBoundingClientRect();
    const legend = this.legend.element.getBoundingClientRect();
    this.map.fitBounds(L.latLngBounds(places), {
      animate: false, maxZoom: 6,
      paddingTopLeft: [40, 30],
      paddingBottomRight: wide ? [panel.width + 40, Math.min(legend.height, window.innerHeight / 4) + 20] : [20, panel.height + 20],
    });
  }

  attach(map, canvas) {
    canvas.addTo(map);
    this.canvases.push(canvas);
    const tip = L.tooltip({ direction: 'top', offset: [0, -8], className: 'sg-tip', opacity: 1 });
    canvas.tip = tip;
    let waiting = 0;
    map.on('mousemove', (event) => {
      if (waiting) return;
      waiting = requestAnimationFrame(() => {
        waiting = 0;
        const item = under(canvas, event.containerPoint);
        map.getContainer().style.cursor = item && item.type !== 'country' ? 'pointer' : '';
        if (!item || item.type === 'country') { map.closeTooltip(tip); return; }
        tip.setLatLng(event.latlng).setContent(describe(canvas, item, false));
        if (!map.hasLayer(tip)) tip.addTo(map);
      });
    });
    map.on('mouseout movestart', () => map.closeTooltip(tip));
    map.on('click', (event) => {
      const item = (byFinger.matches && touched(canvas, event.containerPoint)) || under(canvas, event.containerPoint);
      if (item) { map.closeTooltip(tip); this.tell(map, canvas, item, event.latlng); } else this.choose(null);
    });
  }

  /** Tell about an item in a popup; by key, the focus goes there and comes back. `still`: the map does not move. */
  tell(map, canvas, item, place, { byKey = false, still = false } = {}) {
    const failure = failureOf(this.data, item);
    if (failure) { this.open(failure, byKey ? document.activeElement : null); return; }
    const opener = byKey ? document.activeElement : null;
    map.closePopup();
    this.told = item;
    this.opener = opener;
    this.byKey = byKey;
    const panel = this.panel.element.getBoundingClientRect();
    const size = map.getSize();
    const narrow = window.innerWidth <= 700;
    const split = this.page.classList.contains('sg-split');
    const right = narrow || split ? 12 : panel.width + 28;
    const bottom = narrow && !split ? panel.height + 16 : 12;
    L.popup({
      autoPan: !still,
      autoPanPaddingTopLeft: narrow ? [12, 80] : [60, this.caption.hidden ? 12 : 46],
      autoPanPaddingBottomRight: [right, bottom],
      maxWidth: Math.min(420, size.x - 56),
      minWidth: Math.min(220, size.x - 56),
      maxHeight: Math.max(150, (size.y - bottom) * (narrow ? 0.55 : 0.7)),
      className: 'sg-popup',
    }).setLatLng(place).setContent(describe(canvas, item, true)).openOn(map);
  }

  /** Tell what happens when an item fails, in the panel, so that the map stays free to show who loses. */
  open(failure, opener) {
    if (failure.node) this.state.hidden.delete(failure.node.kind);
    this.map.closePopup();
    this.choose(failure, opener);
    const place = placeOf(this.data, failure);
    if (place) this.bringIntoView(place);
  }

  /** Close what is told, the nearest first. */
  leave() {
    if (this.told) this.map.closePopup();
    else if (this.state.chosen) this.choose(null);
    else {
      this.state.focus = null;
      this.map.closeTooltip(this.canvas.tip);
      this.redraw();
    }
  }

  /** Show on the map who loses and what stops when an item fails; null: nothing fails. */
  choose(failure, opener) {
    if (this.state.chosen === failure) return;
    this.state.chosen = failure;
    this.panel.tell(failure, opener);
    this.legend.update();
    this.redraw();
  }

  /** Pixels by which the map must move so that no panel hides a place. */
  hiddenBy(place) {
    const { x, y } = this.map.latLngToContainerPoint(place);
    const size = this.map.getSize();
    const panel = this.panel.element.getBoundingClientRect();
    const legend = this.legend.element.getBoundingClientRect();
    const narrow = window.innerWidth <= 700;
    const right = narrow ? size.x - 30 : panel.left - 30;
    const bottom = narrow ? panel.top - 30 : x < legend.right + 10 ? legend.top - 20 : size.y - 30;
    const move = (value, least, most) => (value < least ? value - least : value > most ? value - most : 0);
    return [move(x, 60, Math.max(60, right)), move(y, 40, Math.max(40, bottom))];
  }

  /** Move the map by as little as shows a place of the plane, on whichever copy of the world; returns where that is. */
  bringIntoView({ x, y }) {
    const lat = Math.atan(Math.sinh(Math.PI * (1 - 2 * y / WORLD))) * 180 / Math.PI;
    const lon = x / WORLD * 360 - 180;
    const turn = Math.round((this.map.getCenter().lng - lon) / 360);
    const copies = [turn, turn - 1, turn + 1].map((n) => L.latLng(lat, lon + 360 * n)).map((place) => ({ place, by: this.hiddenBy(place) }));
    const { place, by } = copies.sort((p, q) => Math.hypot(...p.by) - Math.hypot(...q.by))[0];
    if (by[0] || by[1]) this.map.panBy(by, { animate: false });
    return place;
  }

  /** Go to a site from the search field. */
  visit(node, byKey = false) {
    this.state.hidden.delete(node.kind);
    this.state.focus = node;
    const place = L.latLng(node.lat, node.lon);
    this.map.setView(place, Math.max(5, this.map.getZoom()), { animate: false });
    this.panel.sync();
    this.redraw();
    this.tell(this.map, this.canvas, node, place, { byKey });
  }

  /** Show a site without leaving what is told. */
  point(node, byKey = false) {
    this.state.hidden.delete(node.kind);
    this.state.focus = node;
    const place = this.bringIntoView(node);
    this.panel.sync();
    this.redraw();
    this.tell(this.map, this.canvas, node, place, { byKey });
  }

  visitCountry(shape, byKey = false) {
    const bounds = boundsOf(shape);
    this.map.fitBounds(bounds, { animate: false, maxZoom: 6 });
    this.tell(this.map, this.canvas, { type: 'country', iso: shape.iso }, bounds.getCenter(), { byKey });
  }

  /** Show both ends of a link, and tell about the sender. */
  visitLink({ a, b }, byKey = false) {
    for (const node of [a, b]) this.state.hidden.delete(node.kind);
    const turn = Math.round((a.lon - b.lon) / 360) * 360;
    const covered = window.innerWidth > 700 ? [this.panel.element.getBoundingClientRect().width + 60, 60] : [30, 60];
    this.map.fitBounds([[a.lat, a.lon], [b.lat, b.lon + turn]], { animate: false, maxZoom: 6, paddingTopLeft: [60, 60], paddingBottomRight: covered });
    this.point(a, byKey);
  }

  /** Show what an address tells; see permalink.js. */
  restore(wanted) {
    const { state } = this;
    if (wanted.look !== document.documentElement.getAttribute('data-mode')) setMode(this, wanted.look);
    state.hidden = wanted.hidden;
    if (this.table.element.hidden !== (wanted.table === null)) this.table.element.hidden = wanted.table === null;
    this.set({ scenario: wanted.scenario, mode: wanted.mode, product: wanted.product, least: wanted.least, fill: wanted.fill });
    if (state.mode !== 'split') this.legend.element.open = wanted.legend;
    this.maps.forEach((map) => map.closePopup());
    this.choose(wanted.chosen);
    const view = () => (wanted.view ? this.map.setView(...wanted.view, { animate: false }) : this.fit());
    view();
    if (wanted.table) this.table.showAs(wanted.table);
    if (!wanted.told) return;
    const { told } = wanted;
    const shape = told.type === 'country' && this.data.world.find(({ iso }) => iso === told.iso);
    const { lat, lng } = shape ? boundsOf(shape).getCenter() : L.latLng(told.lat, told.lon);
    const turn = Math.round((this.map.getCenter().lng - lng) / 360) * 360;
    if (!shape) state.focus = told;
    this.tell(this.map, this.canvas, told, L.latLng(lat, lng + turn), { still: wanted.view !== null });
    this.redraw();
  }

  set(changes) {
    const before = this.state.mode;
    Object.assign(this.state, changes);
    this.state.scenario = Math.max(0, Math.min(this.data.scenarios.length - 1, this.state.scenario));
    if ('mode' in changes && changes.mode !== 'single' && this.state.scenario === 0) {
      this.state.scenario = Math.min(1, this.data.scenarios.length - 1);
    }
    if ('mode' in changes && (before === 'split') !== (changes.mode === 'split')) this.split(changes.mode === 'split');
    this.refresh();
  }

  /** The part of the world that no panel hides, as bounds. */
  clearView() {
    const size = this.map.getSize();
    const panel = this.panel.element.getBoundingClientRect();
    const covered = window.innerWidth > 700 && !this.page.classList.contains('sg-split') ? panel.width + 24 : 0;
    const corners = [[0, 0], [size.x - covered, size.y]].map((point) => this.map.containerPointToLatLng(point));
    // Beyond these latitudes there is nothing but ice: no reason to make room for it.
    return L.latLngBounds(corners.map(({ lat, lng }) => [Math.max(-56, Math.min(74, lat)), lng]));
  }

  /** Two maps that move together: today on the left (or above), the scenario on the right. */
  split(on) {
    const seen = this.clearView();
    const sites = L.latLngBounds(this.extent());
    // Half a window has no room for seas without ships.
    const view = sites.isValid() && seen.contains(sites) ? sites.pad(0.06) : seen;
    const { element } = this.legend;
    if (on) this.legendOpen = element.open;
    element.open = on ? false : this.legendOpen;
    if (on && this.maps.length === 1) {
      const second = el('div', { id: 'map-today', class: 'sg-second', role: 'application', 'aria-label': 'Today: arrow keys move both maps' });
      this.page.prepend(second);
      this.page.classList.add('sg-split');
      const map = this.makeMap(second, false);
      this.maps.push(map);
      const canvas = new Canvas(this.data, this.state, true);
      canvas.app = this;
      this.attach(map, canvas);
      this.page.append(el('div', { class: 'sg-caption sg-caption-today', text: this.data.scenarios[0].name }));
      this.follow(this.map, map);
      this.follow(map, this.map);
    }
    this.page.classList.toggle('sg-split', on);
    this.maps.forEach((map) => map.invalidateSize({ animate: false, pan: false }));
    const covered = window.innerWidth > 700 && !on ? this.panel.element.getBoundingClientRect().width + 24 : 0;
    this.map.fitBounds(view, { animate: false, paddingBottomRight: [covered, 0] });
    if (on) this.maps[1].setView(this.map.getCenter(), this.map.getZoom(), { animate: false });
  }

  follow(leader, other) {
    leader.on('move', () => {
      if (this.following || !this.page.classList.contains('sg-split')) return;
      this.following = true;
      other.setView(leader.getCenter(), leader.getZoom(), { animate: false });
      this.following = false;
    });
  }

  redraw() {
    this.canvases.forEach((canvas) => canvas.map && canvas.draw());
    this.link.soon();
  }

  refresh() {
    const { data, state } = this;
    if (this.tiles) this.tiles.update();
    answerOf(data, state.scenario);
    this.panel.update();
    this.legend.update();
    this.caption.textContent = data.scenarios[state.scenario].name + (state.mode === 'difference' ? ', against today' : '');
    this.caption.hidden = state.mode === 'single' && state.scenario === 0;
    if (!this.table.element.hidden) this.table.show(this.table.chosen);
    this.redraw();
  }
}

/** The part of the world that a country takes, turned to the side of the Atlantic cut on which it is drawn. */
function boundsOf(shape) {
  const [x0, y0, x1, y1] = shape.box;
  const lat = (y) => Math.atan(Math.sinh(Math.PI * (1 - 2 * y / WORLD))) * 180 / Math.PI;
  const lon = (x) => x / WORLD * 360 - 180;
  const turn = lon((x0 + x1) / 2) < -30 ? 360 : 0;
  return L.latLngBounds([lat(y0), lon(x0) + turn], [lat(y1), lon(x1) + turn]);
}

/** Largest values in some scenarios, which set all scales. */
function largestIn(data, scenarios) {
  const most = (items, value) => items.reduce((top, item) => scenarios.reduce((high, i) => Math.max(high, value(item, i)), top), 0) || 1;
  const flow = (item, i) => at(item.flow, i);
  const kinds = (...names) => data.nodes.filter((node) => names.includes(node.kind));
  return {
    line: most([...data.lanes, ...data.legs], (item, i) => flowOn(item, i, -1).both),
    link: most(data.links, flow),
    site: most(kinds('mine', 'refinery', 'factory'), flow),
    port: most(kinds('port'), flow),
    passage: most(kinds('passage'), flow),
  };
}

/** Set the scales, and put the nodes in order of size. */
function rank(data) {
  data.largest = largestIn(data, data.scenarios.map((_, i) => i));
  const { sizes } = data.answer;
  const costs = (node) => (data.failures && data.failures.byNode.has(node.index) ? data.failures.byNode.get(node.index).loss || 0 : 0);
  const size = (node) => (sizes && node.index in sizes ? 1e12 * sizes[node.index] : 1e12 * costs(node) + Math.max(...node.flow));
  data.ranked = data.nodes.slice().sort((a, b) => size(b) - size(a) || a.index - b.index);
}

// Kept on the element, not in the global scope: for tests and for scripts of the page's own layers.
document.getElementById('map').supplyMap = new App(readData(parse('map-data'), parse('map-world')));
