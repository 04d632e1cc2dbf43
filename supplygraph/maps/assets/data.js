// Reading the data of the page: from compact rows to objects in the plane of the world map.
// The plane is Web Mercator, 256 units wide; x grows beyond 256 for places east of the Atlantic cut.

const KINDS = ['mine', 'refinery', 'port', 'passage', 'factory'];
const KIND_WORDS = { mine: 'Mine', refinery: 'Refinery', port: 'Port', passage: 'Strait', factory: 'Factory' };
const KIND_PLURALS = { mine: 'Mines', refinery: 'Refineries', port: 'Ports', passage: 'Straits', factory: 'Factories' };
const WORLD = 256;

const projectX = (lon) => (lon + 180) / 360 * WORLD;

function projectY(lat) {
  const sine = Math.sin(Math.max(-85, Math.min(85, lat)) * Math.PI / 180);
  return (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * WORLD;
}

/** Tonnes for people: thin spaces between thousands, three digits that count. */
function number(value) {
  if (value === null || value === undefined) return '–';
  const size = Math.abs(value);
  if (size === 0) return '0';
  const digits = size >= 1000 ? Math.max(0, Math.floor(Math.log10(size)) - 2) : 0;
  const rounded = size >= 100
    ? Math.round(value / 10 ** digits) * 10 ** digits
    : Number(value.toPrecision(size >= 10 ? 3 : 2));
  const [whole, part] = String(rounded).replace('-', '−').split('.');
  return whole.replace(/\B(?=(\d{3})+$)/g, '\u2009') + (part ? '.' + part : '');
}

const tonnes = (value) => (value === null || value === undefined ? '–' : number(value) + ' t');
const percent = (share) => (share > 0 && share < 0.01 ? '<1 %' : Math.round(share * 100) + ' %');
const sentence = (text) => (text ? text.charAt(0).toUpperCase() + text.slice(1).replace(/_/g, ' ') : '');

const at = (values, scenario) => values[scenario];

/** One value per scenario, from a number (all the same), a full list, or today's value and what differs from it. */
function spread(written, count) {
  if (!Array.isArray(written)) return new Array(count).fill(written);
  if (written.length === count) return written;
  const values = new Array(count).fill(written[0]);
  for (let i = 1; i < written.length; i += 2) values[written[i]] = written[i + 1];
  return values;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const DIGITS = new Map([...ALPHABET].map((character, digit) => [character.charCodeAt(0), digit]));

/** Reads integers from packed text, one after the other; the writing side is maps/pack.py. */
class Reader {
  constructor(text) {
    this.text = text;
    this.next = 0;
  }

  get done() { return this.next >= this.text.length; }

  plain() {
    let value = 0;
    for (let place = 1; ; place *= 32) {
      const digit = DIGITS.get(this.text.charCodeAt(this.next));
      this.next += 1;
      value += digit % 32 * place;
      if (digit < 32) return value;
    }
  }

  signed() {
    const value = this.plain();
    return value % 2 ? -(value + 1) / 2 : value / 2;
  }

  /** One value per scenario, written by `write_states` of maps/carried.py. */
  states(count) {
    if (count === 1) return [this.plain()];
    const written = Array.from({ length: this.plain() }, () => this.plain());
    return spread(written.length === 1 ? written[0] : written, count);
  }
}

/** All integers of a packed text. */
function unpack(text) {
  const reader = new Reader(text);
  const numbers = [];
  while (!reader.done) numbers.push(reader.signed());
  return numbers;
}

/** An element with attributes, listeners (functions) and children; text is only ever text. */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (name === 'text') node.textContent = value;
    else if (name === 'value' || name === 'checked' || name === 'hidden') node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child);
  }
  return node;
}

/** Rings of every country, in the plane. */
function readWorld(topology) {
  const { scale, translate } = topology.transform;
  const arcs = topology.arcs.map((arc) => {
    const steps = unpack(arc);
    const points = [];
    let x = 0;
    let y = 0;
    for (let i = 0; i < steps.length; i += 2) {
      x += steps[i];
      y += steps[i + 1];
      points.push([projectX(x * scale[0] + translate[0]), projectY(y * scale[1] + translate[1])]);
    }
    return points;
  });
  const ring = (numbers) => numbers.flatMap((n, i) => {
    const arc = n < 0 ? arcs[~n].slice().reverse() : arcs[n];
    return i ? arc.slice(1) : arc;
  });
  return topology.shapes.map((shape) => {
    const polygons = shape.type === 'Polygon' ? [shape.arcs] : shape.arcs;
    const rings = polygons.map((polygon) => polygon.map(ring));
    const path = pathOf((to) => {
      for (const r of rings.flat()) {
        r.forEach(([x, y], i) => (i ? to.lineTo(x, y) : to.moveTo(x, y)));
        to.closePath();
      }
    });
    return { iso: shape.iso, path, rings, box: boxOf(rings.map((polygon) => polygon[0]).flat()) };
  });
}

function boxOf(points) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return box;
}

/**
 * What a line carries: whether most of today's tonnes were reported; by product, tonnes there and back, and the bounds
 * of today's, both ways together, null where a shipment along the line has none. Written by maps/carried.py.
 */
function readLoad(reader, { unit, scenarios: { length: count } }) {
  const head = reader.plain();
  const tonnesOf = (some) => (some ? reader.states(count).map((value) => value * unit) : new Array(count).fill(0));
  const flow = Array.from({ length: head >> 1 }, () => {
    const mark = reader.plain();
    const [there, back] = [tonnesOf(mark & 1), tonnesOf(mark & 2)];
    const bounds = () => (mark & 4 ? reader.plain() * (there[0] + back[0]) / 100 : null);
    return { product: mark >> 3, there, back, low: bounds(), high: bounds() };
  });
  return { reported: head % 2 === 1, flow };
}

/** A smooth path through the middles of the stretches; the ends stay where they are. */
function smooth(points) {
  return pathOf((path) => {
    const last = points.length - 1;
    path.moveTo(...points[0]);
    for (let i = 1; i < last; i += 1) {
      const end = i < last - 1
        ? [(points[i][0] + points[i + 1][0]) / 2, (points[i][1] + points[i + 1][1]) / 2]
        : points[last];
      path.quadraticCurveTo(points[i][0], points[i][1], end[0], end[1]);
    }
    if (last === 1) path.lineTo(...points[1]);
  });
}

/** Points along the smooth path as it is drawn, for arrowheads and pointing; made when first needed. */
function curveOf(item) {
  if (item.curve) return item.curve;
  const { points } = item;
  const last = points.length - 1;
  const curve = [points[0]];
  let start = points[0];
  for (let i = 1; i < last; i += 1) {
    const control = points[i];
    const end = i < last - 1 ? [(control[0] + points[i + 1][0]) / 2, (control[1] + points[i + 1][1]) / 2] : points[last];
    for (const t of [0.25, 0.5, 0.75, 1]) {
      const [a, b, c] = [(1 - t) ** 2, 2 * t * (1 - t), t * t];
      curve.push([a * start[0] + b * control[0] + c * end[0], a * start[1] + b * control[1] + c * end[1]]);
    }
    start = end;
  }
  if (last < 2) curve.push(points[last]);
  item.curve = curve;
  return curve;
}

/** Lines over sea, each from the last point of the one before. */
function readChains(text, dotted, first, raw) {
  const reader = new Reader(text);
  const chains = [];
  let [x, y] = [0, 0];
  while (!reader.done) {
    const points = Array.from({ length: reader.plain() }, () => {
      x += reader.signed();
      y += reader.signed();
      return [projectX(x / 100), projectY(y / 100)];
    });
    chains.push(line({ type: 'lane', dotted, index: first + chains.length, points, ...readLoad(reader, raw) }));
  }
  return chains;
}

/** Give a line what drawing and pointing need. */
function line(item) {
  item.path = smooth(item.points);
  item.box = boxOf(item.points);
  item.length = item.points.reduce((sum, p, i, all) => (
    i ? sum + Math.hypot(p[0] - all[i - 1][0], p[1] - all[i - 1][1]) : 0), 0);
  return item;
}

/** A slightly bent line between two sites. */
function bent(a, b, bend) {
  let dx = b.x - a.x;
  if (dx > WORLD / 2) dx -= WORLD;
  if (dx < -WORLD / 2) dx += WORLD;
  const dy = b.y - a.y;
  const steps = Math.hypot(dx, dy) > 2 ? 12 : 6;
  const points = [];
  for (let i = 0; i <= steps; i += 1) {
    const t = i / steps;
    const lift = 4 * t * (1 - t) * bend;
    points.push([a.x + dx * t - dy * lift, a.y + dy * t + dx * lift]);
  }
  return points;
}

function readLegs(raw, nodes) {
  const reader = new Reader(raw.legs);
  const legs = [];
  while (!reader.done) {
    const [a, b] = [nodes[reader.plain()], nodes[reader.plain()]];
    const mode = raw.words[reader.plain()];
    legs.push(line({ type: 'leg', index: legs.length, a, b, mode, points: bent(a, b, 0.06), ...readLoad(reader, raw) }));
  }
  return legs;
}

/** A link that may fail or matters to an answer, as a line of its own over the others. */
function readEdge([source, target, product, mode, text], nodes) {
  const steps = unpack(text);
  const [a, b] = [nodes[source], nodes[target]];
  let [x, y] = [0, 0];
  const points = steps.length ? [] : bent(a, b, 0.06);
  for (let i = 0; i < steps.length; i += 2) {
    x += steps[i];
    y += steps[i + 1];
    points.push([projectX(x / 100), projectY(y / 100)]);
  }
  return line({ type: 'edge', a, b, product, mode, points });
}

function readNode(row, index, { scenarios: { length: count }, words }) {
  const [id, name, kind, where, lon, lat, state, flow, limit, sure, reference] = row;
  const [country, status, confidence] = [words[where], words[state], words[sure]];
  const east = lon < -30 ? lon + 360 : lon;
  return {
    type: 'site', index, id, name, kind: KINDS[kind], country, lon: east, lat, status, flow: typeof flow === 'string' ? new Reader(flow).states(count).map(quantity) : spread(flow, count), limit, confidence,
    reference, residual: status === 'residual', x: projectX(east), y: projectY(lat),
    processes: [], owners: [], to: [], from: [], products: new Set(),
  };
}

/** A quantity of three digits from one integer; the writing side is `short` in maps/pack.py. */
const quantity = (number) => Number(`${Math.floor(number / 16)}e${(number % 16) - 8}`);

function readLinks(raw, nodes) {
  const reader = new Reader(raw.links);
  const links = [];
  let from = 0;
  while (!reader.done) {
    from += reader.plain();
    const [a, b, mark] = [nodes[from], nodes[reader.plain()], reader.plain()];
    const flow = reader.states(raw.scenarios.length).map(quantity);
    const bound = () => (mark & 2 ? reader.plain() * flow[0] / 100 : null);
    const link = { type: 'link', a, b, product: mark >> 2, flow, reported: mark % 2 === 1, low: bound(), high: bound() };
    a.to.push(link);
    b.from.push(link);
    a.products.add(link.product);
    b.products.add(link.product);
    links.push(link);
  }
  return links;
}

/** What the map shows of a site, country or link as something that can fail, if it does. */
function failureOf(data, item) {
  if (!data.failures) return null;
  if (item.type === 'site') return data.failures.byNode.get(item.index) || null;
  if (item.type === 'country') return data.failures.byState.get(item.iso) || null;
  return item.type === 'edge' ? item.item : null;
}

/** Everything on the page, read once. */
function readData(raw, topology) {
  const count = raw.scenarios.length;
  const nodes = raw.nodes.map((row, i) => readNode(row, i, raw));
  for (const row of Object.values(raw.countries)) row[2] = spread(row[2], count);
  for (const [node, role, input, output, operator, capacity, activity, low, high, year, reference, confidence]
    of raw.processes) {
    const [does, takes, makes, by, sure] = [role, input, output, operator, confidence].map((number) => raw.words[number]);
    nodes[node].processes.push({
      role: does, input: takes, output: makes, operator: by, capacity, activity, low, high, year, reference, confidence: sure,
    });
  }
  for (const [node, owner, share] of raw.owners) nodes[node].owners.push({ owner, share });
  const links = readLinks(raw, nodes);
  const lanes = readChains(raw.chains, false, 0, raw);
  const dotted = readChains(raw.dotted, true, lanes.length, raw);
  const legs = readLegs(raw, nodes);
  for (const leg of legs) {
    for (const part of leg.flow) {
      leg.a.products.add(part.product);
      leg.b.products.add(part.product);
    }
  }
  const scenarios = raw.scenarios.map((scenario) => ({
    ...scenario,
    restricted: new Set(scenario.restricted),
    short: new Map(scenario.short.map(([node, demand, unmet, displaced]) => [node, { demand, unmet, displaced }])),
  }));
  const failures = raw.failures ? readFailures(raw.failures, nodes, raw.countries) : null;
  const attack = raw.attack ? readAttack(raw.attack, nodes, raw.countries) : null;
  return {
    ...raw,
    themes: raw.theme,
    theme: lookOf(raw.theme, modeNow()),
    failures,
    attack,
    answer: failures ? stateShares(failures) : attack ? attack.answer : raw.answer,
    scenarios,
    nodes,
    links,
    lanes: lanes.concat(dotted),
    legs,
    world: readWorld(topology),
    products: raw.products.map(([id, stage, mineral]) => ({ id, stage, mineral, name: sentence(id.replace(/-/g, ' ')) })),
    countryName: (code) => (raw.countries[code] ? raw.countries[code][0] : code || 'Unknown'),
    reported: raw.reported,
  };
}
