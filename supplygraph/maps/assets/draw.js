// One canvas for land, lanes and legs. Sites and labels follow in sites.js.

/** Mix two #rrggbb colours; lines are drawn in opaque tints, as see-through ones knot where they meet. */
function mix(from, to, share) {
  const parts = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const a = parts(from);
  const b = parts(to);
  return `rgb(${a.map((v, i) => Math.round(v + (b[i] - v) * share)).join(',')})`;
}

/** What the reader chose. One object, changed in panel.js, read everywhere. */
function freshState(data) {
  return {
    scenario: data.failures ? data.failures.base : data.behind ? 1 : 0,
    mode: 'single',
    product: -1,
    least: data.least === null ? null : data.least,
    fill: data.fill,
    strands: data.products.length > 1 && data.products.length <= data.theme.products.length ? 'product' : 'one',
    hidden: new Set(['links', ...(data.answer.hide || []), ...(data.failures && data.failures.byState.size && !data.failures.byNode.size ? ['names', 'passage'] : [])]),
    focus: null,
    chosen: null,
  };
}

/** Tonnes on a line in one scenario: there, back, and both together, for the product chosen. */
function flowOn(item, scenario, product) {
  let there = 0;
  let back = 0;
  for (const part of item.flow) {
    if (product >= 0 && part.product !== product) continue;
    there += at(part.there, scenario);
    back += at(part.back, scenario);
  }
  return { there, back, both: there + back };
}

/** Joint failures, where the map shows what they hit: today's network, on which they fall. */
function attackShown(canvas) {
  return canvas.data.attack && canvas.scenario() === 0 && !canvas.comparing() ? canvas.data.attack : null;
}

const Canvas = L.Layer.extend({
  initialize(data, state, base) {
    this.data = data;
    this.state = state;
    this.base = base;
    this.pending = 0;
  },

  onAdd(map) {
    this.map = map;
    this.canvas = L.DomUtil.create('canvas', 'sg-canvas', map.getPanes().overlayPane);
    this.canvas.setAttribute('aria-hidden', 'true');
    map.on('move', this.soon, this);
    map.on('zoomend moveend resize viewreset', this.settle, this);
    this.draw();
  },

  onRemove(map) {
    this.canvas.remove();
    map.off('move', this.soon, this);
    map.off('zoomend moveend resize viewreset', this.settle, this);
  },

  /** Follow the map on the next frame; many moves in one frame cost one drawing. */
  soon() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => { this.pending = 0; if (!this.scroll()) this.draw(); });
  },

  /** Draw when the map comes to rest, unless just that is drawn already. */
  settle() {
    const [now, drawn] = [this.frameOf(), this.frame];
    const same = drawn && !this.scrolled && ['zoom', 'left', 'top', 'width', 'height'].every((name) => now[name] === drawn[name]);
    if (!same || !now.corner.equals(drawn.corner)) this.draw();
  },

  /** While the map is dragged, move what is drawn and paint what comes into view; names follow when it rests. */
  scroll() {
    const { canvas, frame: drawn } = this;
    const ratio = window.devicePixelRatio || 1;
    const frame = this.frameOf();
    if (!drawn || tilesUnder(this) || ['zoom', 'width', 'height'].some((name) => frame[name] !== drawn[name])) return false;
    const [dx, dy] = [drawn.left - frame.left, drawn.top - frame.top];
    if (Math.abs(dx) > frame.width / 2 || Math.abs(dy) > frame.height / 2 || dx * ratio % 1 || dy * ratio % 1) return false;
    L.DomUtil.setPosition(canvas, frame.corner);
    const pen = canvas.getContext('2d');
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.globalCompositeOperation = 'copy';
    pen.drawImage(canvas, dx * ratio, dy * ratio);
    pen.globalCompositeOperation = 'source-over';
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { width, height } = frame;
    const strip = (move, size, part) => move && part(move > 0 ? 0 : size + move, move > 0 ? move : size);
    for (const part of [strip(dx, width, (from, to) => [from, 0, to, height]), strip(dy, height, (from, to) => [0, from, width, to])]) {
      if (part) this.paintPart(pen, frame, part);
    }
    Object.assign(this, { frame, scrolled: true });
    return true;
  },

  paintPart(pen, frame, part) {
    const [left, top, right, bottom] = part;
    pen.save();
    pen.beginPath();
    pen.rect(left, top, right - left, bottom - top);
    pen.clip();
    this.hits = [];
    this.paint(pen, { ...frame, part });
    pen.restore();
  },

  /** The scenario on this canvas; the left one of two always shows today. */
  scenario() { return this.base ? 0 : this.state.scenario; },

  comparing() { return this.state.mode === 'difference' && !this.base; },

  /** Tonnes to draw: the flow, or what changed against today; of two opposite changes the larger one. */
  value(item) {
    const flow = flowOn(item, this.scenario(), this.state.product);
    if (!this.comparing()) return flow.both;
    const today = flowOn(item, 0, this.state.product);
    const there = flow.there - today.there;
    const back = flow.back - today.back;
    if (there * back >= 0) return there + back;
    return Math.abs(there) > Math.abs(back) ? there : back;
  },

  shown(item) {
    const value = Math.abs(this.value(item));
    return value > this.data.largest.line * 1e-6 && value >= leastFlow(this.data, this.state);
  },

  frameOf() {
    const corner = this.map.containerPointToLayerPoint([0, 0]);
    const origin = this.map.getPixelOrigin();
    const size = this.map.getSize();
    return { ...this.frameAt(this.map.getZoom(), origin.x + corner.x, origin.y + corner.y, size.x, size.y), corner };
  },

  /** What is drawn where, for any part of the world; pictures have frames of their own. */
  frameAt(zoom, left, top, width, height) {
    const k = 2 ** zoom;
    const frame = { k, zoom, left, top, width, height };
    const first = Math.floor(frame.left / (WORLD * k)) - 1;
    const last = Math.floor((frame.left + frame.width) / (WORLD * k));
    frame.halo = this.data.theme.colours.halo;
    frame.copies = [];
    for (let copy = first; copy <= last; copy += 1) frame.copies.push(copy);
    frame.zoomed = Math.max(0.85, Math.min(1.6, (k / 6) ** 0.4));
    frame.swell = Math.max(0.85, Math.min(2.2, (k / 5) ** 0.45));
    return frame;
  },

  draw() {
    if (this.pending) cancelAnimationFrame(this.pending);
    Object.assign(this, { pending: 0, scrolled: false });
    const frame = this.frameOf();
    const ratio = window.devicePixelRatio || 1;
    const { canvas } = this;
    L.DomUtil.setPosition(canvas, frame.corner);
    if (canvas.width !== Math.round(frame.width * ratio) || canvas.height !== Math.round(frame.height * ratio)) {
      canvas.width = Math.round(frame.width * ratio);
      canvas.height = Math.round(frame.height * ratio);
      canvas.style.width = frame.width + 'px';
      canvas.style.height = frame.height + 'px';
    }
    const pen = canvas.getContext('2d');
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.frame = frame;
    this.hits = [];
    this.paint(pen, frame);
  },

  paint(pen, frame) {
    const { colours } = this.data.theme;
    frame.tiled = tilesUnder(this);
    if (frame.tiled) pen.clearRect(0, 0, frame.width, frame.height);
    // Over a base map, a veil, so that lines and names still stand out.
    pen.globalAlpha = frame.tiled ? (modeNow() === 'dark' ? 0.62 : 0.38) : 1;
    pen.fillStyle = frame.tiled && modeNow() === 'light' ? colours.paper : colours.ocean;
    pen.fillRect(0, 0, frame.width, frame.height);
    pen.globalAlpha = 1;
    drawLand(this, pen, frame);
    drawZone(this, pen, frame);
    const { hidden } = this.state;
    if (!hidden.has('links')) drawLinks(this, pen, frame);
    drawBeneath(this, pen, frame);
    for (const [name, look] of Object.entries(looksOf(this))) {
      if (hidden.has(name)) continue;
      drawLines(this, pen, frame, this.data[name], look);
      if (!this.comparing()) drawArrows(this, pen, frame, this.data[name], look);
    }
    if (this.data.failures) {
      drawFailingEdges(this, pen, frame);
      drawStopping(this, pen, frame);
    }
    const attack = attackShown(this);
    if (attack) drawAttackedLinks(this, pen, frame, attack);
    drawAnswerLinks(this, pen, frame);
    drawDuties(this, pen, frame);
    drawSites(this, pen, frame);
    drawBehind(this, pen, frame);
    if (attack) drawAttack(this, pen, frame, attack);
    if (this.data.failures) {
      drawGains(this, pen, frame);
      drawChosen(this, pen, frame);
    }
    if (!frame.part) drawLabels(this, pen, frame);
  },
});

/** From near the page says that coasts are simplified; from far it has no scale, as that differs by latitude. */
function markZoom({ map, page }) {
  page.classList.toggle('sg-near', map.getZoom() >= 6);
  page.classList.toggle('sg-far', map.getZoom() < 4);
}

/** Whether a base map from the network shows through; pictures never have one. */
const tilesUnder = (canvas) => Boolean(canvas.app && canvas.app.tiles && canvas.app.tiles.shown && !canvas.forPicture);

/** Run `paint` once per copy of the world, with the pen in the plane of the map. */
function inPlane(pen, frame, paint) {
  for (const copy of frame.copies) {
    pen.save();
    pen.translate(copy * WORLD * frame.k - frame.left, -frame.top);
    pen.scale(frame.k, frame.k);
    paint(copy);
    pen.restore();
  }
}

/** Largest change of a country's share that the fill of the difference view tells apart. */
const SHARE_CHANGE = 0.2;

function fillOf(canvas, iso) {
  const { data, state } = canvas;
  const { theme } = data;
  if (canvas.comparing() && state.fill === 'share') {
    const shares = data.countries[iso] ? data.countries[iso][2] : null;
    const change = shares ? at(shares, state.scenario) - at(shares, 0) : 0;
    const depth = 0.5 * Math.sqrt(Math.min(1, Math.abs(change) / SHARE_CHANGE));
    return Math.abs(change) < 0.001 ? theme.colours.land : mix(theme.colours.land, theme.colours[change > 0 ? 'more' : 'less'], depth);
  }
  if (state.fill === 'tier') return theme.tiers[data.tiers[iso]] || theme.colours.land;
  const country = data.countries[iso];
  if (state.fill === 'none' || !country) return theme.colours.land;
  const share = state.fill === 'answer' && data.answer.shares ? data.answer.shares[iso] || 0 : at(country[2], canvas.scenario());
  return share > 0 ? theme.shares[theme.steps.filter((step) => share >= step).length] : theme.colours.land;
}

function drawLand(canvas, pen, frame) {
  pen.lineJoin = 'round';
  inPlane(pen, frame, (copy) => {
    const view = viewOf(frame, copy);
    pen.lineWidth = 0.7 / frame.k;
    pen.strokeStyle = canvas.data.theme.colours.border;
    for (const country of canvas.data.world) {
      if (!meets(country.box, view)) continue;
      const colour = fillOf(canvas, country.iso);
      pen.fillStyle = colour;
      pen.globalAlpha = frame.tiled ? 0.55 : 1;
      if (!frame.tiled || colour !== canvas.data.theme.colours.land) pen.fill(country.path, 'evenodd');
      pen.stroke(country.path);
    }
    pen.globalAlpha = 1;
    // Countries whose exports are limited, over the borders of their neighbours.
    const { restricted } = canvas.data.scenarios[canvas.scenario()];
    pen.lineWidth = 1.8 / frame.k;
    pen.setLineDash([6 / frame.k, 3 / frame.k]);
    pen.strokeStyle = canvas.data.theme.colours.closed;
    for (const country of canvas.data.world) if (restricted.has(country.iso)) pen.stroke(country.path);
    pen.setLineDash([]);
    const { chosen } = canvas.state;
    pen.lineWidth = 2.4 / frame.k;
    for (const country of canvas.data.world) if (chosen && chosen.iso === country.iso) pen.stroke(country.path);
    if (attackShown(canvas)) drawAttackedStates(canvas, pen, frame, attackShown(canvas));
  });
}

/** Direct links between sites, wide at the origin; for reading who supplies whom, not where ships go. */
function drawLinks(canvas, pen, frame) {
  const { data, state } = canvas;
  const { colours, widths } = data.theme;
  for (const link of data.links) {
    if (state.product >= 0 && link.product !== state.product) continue;
    const now = at(link.flow, canvas.scenario());
    const value = canvas.comparing() ? now - at(link.flow, 0) : now;
    if (link.a === link.b || Math.abs(value) < Math.max(data.largest.link * 1e-6, leastFlow(data, state))) continue;
    const strength = Math.sqrt(Math.abs(value) / data.largest.link);
    let colour = colours[link.a.kind];
    if (canvas.comparing()) colour = colours[value < 0 ? 'less' : 'more'];
    pen.globalAlpha = 0.12 + 0.45 * strength;
    pen.fillStyle = colour;
    for (const copy of frame.copies) taper(pen, frame, link, copy, (0.4 + widths.link * strength) * frame.swell);
  }
  pen.globalAlpha = 1;
}

function taper(pen, frame, link, copy, half) {
  const points = bent(link.a, link.b, 0.16);
  const place = ([x, y]) => [(x + copy * WORLD) * frame.k - frame.left, y * frame.k - frame.top];
  const [start, middle, end] = [points[0], points[points.length >> 1], points[points.length - 1]].map(place);
  if (Math.max(start[0], end[0]) < -50 || Math.min(start[0], end[0]) > frame.width + 50) return;
  const long = Math.hypot(end[0] - start[0], end[1] - start[1]) || 1;
  const nx = -(end[1] - start[1]) / long * half;
  const ny = (end[0] - start[0]) / long * half;
  // The control point that takes a quadratic curve through the middle.
  const cx = 2 * middle[0] - (start[0] + end[0]) / 2;
  const cy = 2 * middle[1] - (start[1] + end[1]) / 2;
  pen.beginPath();
  pen.moveTo(start[0] + nx, start[1] + ny);
  pen.quadraticCurveTo(cx + nx * 0.5, cy + ny * 0.5, end[0], end[1]);
  pen.quadraticCurveTo(cx - nx * 0.5, cy - ny * 0.5, start[0] - nx, start[1] - ny);
  pen.closePath();
  pen.fill();
}
