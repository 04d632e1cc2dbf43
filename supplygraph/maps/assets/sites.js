// Sites, straits, their labels, and what lies under the pointer.

/** Pixels on the page taken by panels; labels keep clear of them. */
function takenBoxes(canvas) {
  if (canvas.forPicture) return [];
  const origin = canvas.map.getContainer().getBoundingClientRect();
  const boxes = [];
  for (const panel of document.querySelectorAll('.sg-panel, .sg-legend, .leaflet-control-zoom')) {
    const r = panel.getBoundingClientRect();
    if (r.width) boxes.push([r.left - origin.left - 4, r.top - origin.top - 4, r.right - origin.left + 4, r.bottom - origin.top + 4]);
  }
  return boxes;
}

/** Call `put(x, y)` for every copy of a place that lies on the screen. */
function eachCopy(frame, place, margin, put) {
  for (const copy of frame.copies) {
    const x = (place.x + copy * WORLD) * frame.k - frame.left;
    const y = place.y * frame.k - frame.top;
    if (x > -margin && x < frame.width + margin && y > -margin && y < frame.height + margin) put(x, y);
  }
}

function siteTonnes(canvas, node) {
  const now = at(node.flow, canvas.scenario());
  return canvas.comparing() ? Math.max(now, at(node.flow, 0)) : now;
}

/** With one product chosen, sites and ports that have nothing to do with it stay away. */
const concerns = (state, node) => state.product < 0 || node.kind === 'passage' || node.products.has(state.product);

function isClosed(data, scenario, node) {
  return data.scenarios[scenario].closed.includes(node.index);
}

/** The outline of a kind of site, so that kinds differ in shape, not in colour alone. */
function shapeOf(pen, kind, x, y, r) {
  pen.beginPath();
  if (kind === 'mine') {
    pen.moveTo(x, y - r * 1.15);
    pen.lineTo(x + r * 1.1, y + r * 0.8);
    pen.lineTo(x - r * 1.1, y + r * 0.8);
    pen.closePath();
  } else if (kind === 'factory') {
    pen.rect(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76);
  } else if (kind === 'passage') {
    pen.moveTo(x, y - r * 1.2);
    pen.lineTo(x + r * 1.2, y);
    pen.lineTo(x, y + r * 1.2);
    pen.lineTo(x - r * 1.2, y);
    pen.closePath();
  } else {
    pen.arc(x, y, r, 0, 2 * Math.PI);
  }
}

function radiusOf(canvas, node, frame) {
  const { widths } = canvas.data.theme;
  const { largest } = canvas.data;
  const value = siteTonnes(canvas, node);
  const zoom = frame.zoomed;
  const { sizes } = canvas.data.answer;
  const failing = canvas.data.failures && canvas.data.failures.byNode.size ? failureRadius(canvas, node) : null;
  if (failing !== null) return failing * zoom;
  if (sizes && node.index in sizes) return (2.5 + (widths.site - 2.5) * Math.sqrt(sizes[node.index])) * zoom;
  if (node.kind === 'port') return (1.6 + 1.8 * Math.sqrt(value / largest.port)) * zoom;
  if (node.kind === 'passage') return 3 + (widths.passage - 3) * Math.sqrt(value / largest.passage);
  return (2.2 + (widths.site - 2.2) * Math.sqrt(value / largest.site)) * zoom;
}

function drawSites(canvas, pen, frame) {
  const { data, state } = canvas;
  const attack = attackShown(canvas);
  // Where size is what counts, small sites lie on large ones, whatever their kind.
  const orders = data.failures ? [['port'], ['factory', 'mine', 'refinery'], ['passage']] : [['port'], ['factory'], ['mine'], ['refinery'], ['passage']];
  for (const kinds of orders) {
    for (const node of data.ranked) {
      const { kind } = node;
      if (!kinds.includes(kind) || state.hidden.has(kind) || !concerns(state, node)) continue;
      const closed = isClosed(data, canvas.scenario(), node);
      const idle = siteTonnes(canvas, node) <= 0;
      if (state.chosen && state.chosen.node === node) continue;
      if (attack && attack.marked.has(node.index)) continue;
      if (uninvolved(canvas, node)) continue;
      if (idle && !closed && (kind === 'port' || kind === 'passage')) continue;
      const r = closed ? Math.max(7.5, radiusOf(canvas, node, frame)) : radiusOf(canvas, node, frame);
      eachCopy(frame, node, 12, (x, y) => {
        if (closed) drawClosed(pen, data.theme.colours, x, y, r);
        else drawSite(pen, data.theme.colours, node, x, y, r, { idle, colour: siteColour(canvas, node) });
        drawMissing(canvas, pen, node, x, y, r);
        if (state.focus === node) ring(pen, data.theme.colours, x, y, r + 5);
        canvas.hits.push([x, y, Math.max(r + 3, 7), node]);
      });
    }
  }
}

/** The chosen failure, over everything else. */
function drawChosen(canvas, pen, frame) {
  const { chosen } = canvas.state;
  if (!chosen || !chosen.node) return;
  const r = Math.max(7.5, radiusOf(canvas, chosen.node, frame));
  eachCopy(frame, chosen.node, 12, (x, y) => {
    drawClosed(pen, canvas.data.theme.colours, x, y, r);
    drawMissing(canvas, pen, chosen.node, x, y, r);
    canvas.hits.push([x, y, r + 3, chosen.node]);
  });
}

/** By kind; in the difference view by what changed, grey where nothing did. */
function siteColour(canvas, node) {
  const { colours } = canvas.data.theme;
  if (!canvas.comparing() || node.kind === 'passage') return colours[node.kind];
  const before = at(node.flow, 0);
  const change = at(node.flow, canvas.state.scenario) - before;
  if (Math.abs(change) <= 0.005 * before) return colours.same;
  return change > 0 ? colours.more : colours.less;
}

function drawSite(pen, colours, node, x, y, r, { idle, colour }) {
  shapeOf(pen, node.kind, x, y, r);
  const hollow = node.residual || node.kind === 'port' || idle;
  pen.fillStyle = hollow ? colours.halo : colour;
  pen.fill();
  // An unnamed rest is an outline of dashes: it stands for a country, not for a place.
  if (node.residual) pen.setLineDash([2.5, 2]);
  pen.lineWidth = hollow ? 1.3 : 0.9;
  pen.strokeStyle = hollow ? colour : colours.halo;
  pen.stroke();
  pen.setLineDash([]);
}

/** What a factory goes without in the scenario shown: nothing, or its demand and the tonnes missing. */
function missing(canvas, node) {
  const { chosen } = canvas.state;
  const fails = chosen || attackShown(canvas);
  const short = (fails ? fails.lost : canvas.data.scenarios[canvas.scenario()].short).get(node.index);
  return short && short.unmet > 0.005 * short.demand ? short : null;
}

/** An arc around a factory as long as the share of its demand that is not met. */
function drawMissing(canvas, pen, node, x, y, r) {
  const short = missing(canvas, node);
  if (!short) return;
  const radius = Math.max(r, 4) + 3;
  const top = -Math.PI / 2;
  for (const [width, colour] of [[4.6, canvas.data.theme.colours.halo], [2.8, canvas.data.theme.colours.closed]]) {
    pen.beginPath();
    pen.arc(x, y, radius, top, top + 2 * Math.PI * Math.min(1, short.unmet / short.demand));
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.stroke();
  }
}

function drawClosed(pen, colours, x, y, r) {
  pen.beginPath();
  pen.arc(x, y, r, 0, 2 * Math.PI);
  pen.fillStyle = colours.closed;
  pen.fill();
  pen.lineWidth = 1.6;
  pen.strokeStyle = colours.halo;
  pen.stroke();
  pen.fillStyle = colours.halo;
  pen.fillRect(x - r * 0.55, y - 1.3, r * 1.1, 2.6);
}

function ring(pen, colours, x, y, r) {
  pen.beginPath();
  pen.arc(x, y, r, 0, 2 * Math.PI);
  pen.lineWidth = 2.5;
  pen.strokeStyle = colours.focus;
  pen.stroke();
}

/** Names, most important first, each where it hits nothing; those without room stay away. */
function drawLabels(canvas, pen, frame) {
  const { data, state } = canvas;
  const { theme } = data;
  const taken = takenBoxes(canvas);
  const free = (b) => taken.every((q) => b[0] >= q[2] || b[2] <= q[0] || b[1] >= q[3] || b[3] <= q[1]);
  const scenario = canvas.scenario();
  const attack = attackShown(canvas);
  if (attack || (data.failures && scenario === data.failures.base)) {
    const texts = attack ? attackLabels(canvas, frame, attack) : failureLabels(canvas, frame);
    for (const { place, gap } of texts) eachCopy(frame, place, 0, (x, y) => taken.push([x - gap + 4, y - gap + 4, x + gap - 4, y + gap - 4]));
    for (const text of texts) {
      const look = { font: `600 12px ${theme.font}`, ...text };
      (text.places || [text.place]).some((place) => label(pen, frame, place, text.words, free, taken, look) > 0);
    }
    return;
  }
  for (const { place, words, gap, ...look } of [...answerLabels(canvas), ...dutyLabels(canvas)]) {
    label(pen, frame, place, words, free, taken, { ...look, gap: gap === null ? radiusOf(canvas, place, frame) + 4 : gap });
  }
  const straits = state.hidden.has('passage') ? [] : data.ranked.filter((n) => n.kind === 'passage'
    && (isClosed(data, scenario, n) || siteTonnes(canvas, n) > data.largest.passage * 0.03));
  const sites = state.hidden.has('names') ? [] : data.ranked.filter((n) => n.kind !== 'passage'
    && !state.hidden.has(n.kind) && concerns(state, n) && siteTonnes(canvas, n) > 0);
  for (const node of straits) {
    const r = radiusOf(canvas, node, frame);
    eachCopy(frame, node, 0, (x, y) => taken.push([x - r, y - r, x + r, y + r]));
  }
  for (const node of straits) {
    const closed = isClosed(data, scenario, node);
    label(pen, frame, node, node.name + (closed ? ' – closed' : ''), free, taken, {
      font: `600 12px ${theme.font}`, colour: closed ? theme.colours.closed : theme.colours.ink, gap: radiusOf(canvas, node, frame) + 4,
    });
  }
  const budget = Math.round(10 + 12 * Math.max(0, frame.zoom - 2) ** 1.6);
  // Who goes without most is named first.
  const losers = sites.filter((node) => missing(canvas, node))
    .sort((a, b) => missing(canvas, b).unmet - missing(canvas, a).unmet).slice(0, Math.round(budget / 2));
  let put = 0;
  for (const node of [...losers, ...sites.filter((other) => !losers.includes(other))]) {
    if (put >= budget) break;
    if (node.kind === 'port' && frame.zoom < 4.5) continue;
    const short = missing(canvas, node);
    const name = nameOf(node);
    const text = short ? `${name.length > 34 ? name.slice(0, 32) + '…' : name} −${percent(short.unmet / short.demand)}` : name;
    put += label(pen, frame, node, text, free, taken, {
      font: `${short ? '600 ' : ''}11px ${theme.font}`, colour: theme.colours[short ? 'closed' : 'mute'],
      gap: radiusOf(canvas, node, frame) + (short ? 7 : 3),
    });
  }
}

/** The unnamed rest of the world stands at some port, as it must stand somewhere: say so. */
const nameOf = (node) => node.name + (node.residual && !node.country ? ' (place unknown)' : '');

/** Write one name beside every copy of its place; returns how many found room. */
function label(pen, frame, node, text, free, taken, look) {
  const shown = text.length > 42 ? text.slice(0, 40) + '…' : text;
  pen.font = look.font;
  const width = pen.measureText(shown).width;
  const { gap } = look;
  let put = 0;
  eachCopy(frame, node, 0, (x, y) => {
    const places = [[x + gap, y + 4], [x - gap - width, y + 4], [x - width / 2, y - gap - 2], [x - width / 2, y + gap + 10],
      [x + gap, y - 8], [x + gap, y + 16], [x - gap - width, y - 8], [x - gap - width, y + 16]];
    for (const [left, base] of places) {
      if (left < 4 || left + width > frame.width - 4) continue;
      const box = [left - 2, base - 11, left + width + 2, base + 4];
      if (!free(box)) continue;
      taken.push(box);
      pen.lineJoin = 'round';
      pen.lineWidth = 3.2;
      pen.strokeStyle = frame.halo;
      pen.strokeText(shown, left, base);
      pen.fillStyle = look.colour;
      pen.fillText(shown, left, base);
      put += 1;
      break;
    }
  });
  return put;
}

// -- pointing -------------------------------------------------------------------------------------------

/** The thing under a point of the screen: a site first, then a line, then a country. */
function under(canvas, point) {
  return siteUnder(canvas, point) || edgeUnder(canvas, point) || lineUnder(canvas, point) || countryUnder(canvas, point);
}

function siteUnder(canvas, point) {
  let best = null;
  let nearest = Infinity;
  for (const [x, y, r, node] of canvas.hits) {
    const distance = Math.hypot(x - point.x, y - point.y);
    if (distance <= r && distance < nearest) {
      nearest = distance;
      best = node;
    }
  }
  return best;
}

function lineUnder(canvas, point) {
  const { frame, state, data } = canvas;
  const x = (point.x + frame.left) / frame.k;
  const y = (point.y + frame.top) / frame.k;
  const reach = 6 / frame.k;
  let best = null;
  let nearest = reach;
  const candidates = [
    ...(state.hidden.has('lanes') ? [] : data.lanes),
    ...(state.hidden.has('legs') ? [] : data.legs),
  ];
  for (const item of candidates) {
    if (!canvas.shown(item)) continue;
    for (const copy of frame.copies) {
      const distance = distanceTo(item, x - copy * WORLD, y, nearest);
      if (distance < nearest) {
        nearest = distance;
        best = item;
      }
    }
  }
  return best;
}

/** A link of the answer: one that costs something, or the chosen one. */
function edgeUnder(canvas, point) {
  const { frame, state, data } = canvas;
  const x = (point.x + frame.left) / frame.k;
  const y = (point.y + frame.top) / frame.k;
  const shown = data.failures ? data.failures.links.filter(({ item }) => item.loss > 0 || state.chosen === item) : [];
  return shown.find((edge) => frame.copies.some((copy) => distanceTo(edge, x - copy * WORLD, y, 7 / frame.k) < 7 / frame.k)) || null;
}

function distanceTo(item, x, y, reach) {
  const { box } = item;
  if (x < box[0] - reach || x > box[2] + reach || y < box[1] - reach || y > box[3] + reach) return Infinity;
  const points = curveOf(item);
  let nearest = Infinity;
  for (let i = 1; i < points.length; i += 1) {
    const [ax, ay] = points[i - 1];
    const dx = points[i][0] - ax;
    const dy = points[i][1] - ay;
    const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    nearest = Math.min(nearest, Math.hypot(ax + t * dx - x, ay + t * dy - y));
  }
  return nearest;
}

function countryUnder(canvas, point) {
  const { frame, data } = canvas;
  const y = (point.y + frame.top) / frame.k;
  for (const copy of frame.copies) {
    const x = (point.x + frame.left) / frame.k - copy * WORLD;
    for (const country of data.world) {
      const { box } = country;
      if (x < box[0] || x > box[2] || y < box[1] || y > box[3] || !data.countries[country.iso]) continue;
      if (country.rings.some((polygon) => polygon.filter((ringPoints) => inside(ringPoints, x, y)).length % 2)) {
        return { type: 'country', iso: country.iso };
      }
    }
  }
  return null;
}

function inside(points, x, y) {
  let odd = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i, i += 1) {
    const [ax, ay] = points[i];
    const [bx, by] = points[j];
    if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}
