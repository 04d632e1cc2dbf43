// Sites and straits, and what lies under the pointer.

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
  outline(pen, kind, x, y, r);
}

function outline(pen, kind, x, y, r) {
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
    pen.moveTo(x + r, y);
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
  const many = data.nodes.length > MANY;
  for (const kinds of orders) {
    const small = new SmallSites();
    for (const node of data.ranked) {
      const { kind } = node;
      if (!kinds.includes(kind) || state.hidden.has(kind) || !concerns(state, node)) continue;
      const closed = isClosed(data, canvas.scenario(), node);
      const idle = siteTonnes(canvas, node) <= 0 && !(data.answer.filled && data.answer.filled.includes(node.index));
      if (state.chosen && state.chosen.node === node) continue;
      if (attack && attack.marked.has(node.index)) continue;
      if (uninvolved(canvas, node)) continue;
      if (idle && !closed && (kind === 'port' || kind === 'passage')) continue;
      const r = closed ? Math.max(7.5, radiusOf(canvas, node, frame)) : radiusOf(canvas, node, frame);
      eachCopy(frame, node, 12, (x, y) => {
        if (closed) drawClosed(pen, data.theme.colours, x, y, r);
        else if (many && r < SMALL) small.add(node, x, y, r, { idle, colour: siteColour(canvas, node) });
        else drawSite(pen, data.theme.colours, node, x, y, r, { idle, colour: siteColour(canvas, node) });
        drawMissing(canvas, pen, node, x, y, r);
        if (state.focus === node) ring(pen, data.theme.colours, x, y, r + 5);
        canvas.hits.push([x, y, Math.max(r + 3, 7), node]);
      });
    }
    small.draw(pen, data.theme.colours);
  }
}

/** Beyond so many sites those with a smaller radius than this are drawn together, class by class. */
const MANY = 1500;
const SMALL = 3.4;

class SmallSites {
  constructor() { this.classes = new Map(); }

  add(node, x, y, r, look) {
    const key = [node.kind, node.residual, look.idle, look.colour].join();
    if (!this.classes.has(key)) this.classes.set(key, { node, look, places: [] });
    this.classes.get(key).places.push([x, y, r]);
  }

  draw(pen, colours) {
    for (const { node, look, places } of this.classes.values()) {
      pen.beginPath();
      for (const [x, y, r] of places) outline(pen, node.kind, x, y, r);
      paintSite(pen, colours, node, look);
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

function drawSite(pen, colours, node, x, y, r, look) {
  shapeOf(pen, node.kind, x, y, r);
  paintSite(pen, colours, node, look);
}

/** Fill and outline the path under way as the sign of a site. */
function paintSite(pen, colours, node, { idle, colour }) {
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

// -- pointing -------------------------------------------------------------------------------------------

/** The thing under a point of the screen: a site first, then a line, then a country. */
function under(canvas, point) {
  return siteUnder(canvas, point) || edgeUnder(canvas, point) || lineUnder(canvas, point) || countryUnder(canvas, point);
}

/** Sites whose signs lie closer together than this many pixels cannot be pointed at one by one. */
const PILE = 6;

/** The site under a point; where others lie on the same spot, all of them. */
function siteUnder(canvas, point) {
  const near = canvas.hits.map(([x, y, r, node]) => ({ x, y, node, away: Math.hypot(x - point.x, y - point.y), r }))
    .filter(({ away, r }) => away <= r);
  if (!near.length) return null;
  const best = near.reduce((first, other) => (other.away < first.away ? other : first));
  const same = near.filter(({ x, y }) => Math.hypot(x - best.x, y - best.y) < PILE).map(({ node }) => node);
  const nodes = canvas.data.ranked.filter((node) => same.includes(node));
  if (nodes.length < 2) return best.node;
  // A site with its port is told as the site, and names the port.
  const made = nodes.filter(({ kind }) => kind !== 'port');
  if (made.length !== 1) return { type: 'pile', nodes };
  return Object.assign(Object.create(made[0]), { also: nodes.filter((node) => node !== made[0]) });
}

/** Several sites on one spot: for the pointer their names, for a click a list to choose from. */
function pileWords(canvas, { nodes }, whole) {
  const few = whole ? nodes : nodes.slice(0, 6);
  return el('div', { class: 'sg-pile' }, heading(`${nodes.length} sites here`, whole ? null : 'Click to choose one'), siteList(canvas, few, whole),
    few.length < nodes.length && el('p', { class: 'sg-note', text: `and ${nodes.length - few.length} more` }));
}

/** The ports on the spot of a site. */
const alsoHere = (canvas, nodes) => [el('h4', { text: 'Also here' }), siteList(canvas, nodes, true)];

/** Sites with what they are; as buttons that lead to them, where they can be clicked. */
function siteList(canvas, nodes, live) {
  const { app, data } = canvas;
  const about = (node) => [KIND_WORDS[node.kind], node.country && data.countryName(node.country), tonnes(siteTonnes(canvas, node))].filter(Boolean).join(' · ');
  const go = (node) => (failureOf(data, node) ? app.open(failureOf(data, node)) : app.point(node));
  return el('ul', { class: 'sg-list' }, nodes.map((node) => el('li', {},
    live ? el('button', { type: 'button', class: 'sg-go', text: node.name, dir: 'auto', click: () => go(node) }) : el('span', { text: node.name, dir: 'auto' }),
    el('small', { text: ` ${about(node)}`, dir: 'auto' }))));
}

/** The line under a point: wide ones are hit anywhere on their breadth. */
function lineUnder(canvas, point) {
  const { frame, state, data } = canvas;
  const x = (point.x + frame.left) / frame.k;
  const y = (point.y + frame.top) / frame.k;
  let best = null;
  let nearest = 6 / frame.k;
  for (const [name, { width }] of Object.entries(looksOf(canvas))) {
    if (state.hidden.has(name)) continue;
    for (const load of loadsOf(canvas, data[name])) {
      const half = breadthOf(data.theme, load, width, frame) / 2 / frame.k;
      for (const copy of frame.copies) {
        const distance = distanceTo(load.item, x - copy * WORLD, y, nearest + half) - half;
        if (distance < nearest) {
          nearest = distance;
          best = load.item;
        }
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
