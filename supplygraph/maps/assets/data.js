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

/** Value of a row that may hold one number for all scenarios. */
const at = (values, scenario) => (values.length === 1 ? values[0] : values[scenario]);

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
    let x = 0;
    let y = 0;
    return arc.map(([dx, dy]) => {
      x += dx;
      y += dy;
      return [projectX(x * scale[0] + translate[0]), projectY(y * scale[1] + translate[1])];
    });
  });
  const ring = (numbers) => numbers.flatMap((n, i) => {
    const arc = n < 0 ? arcs[~n].slice().reverse() : arcs[n];
    return i ? arc.slice(1) : arc;
  });
  return topology.shapes.map((shape) => {
    const polygons = shape.type === 'Polygon' ? [shape.arcs] : shape.arcs;
    const path = new Path2D();
    const rings = polygons.map((polygon) => polygon.map(ring));
    for (const r of rings.flat()) {
      r.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
      path.closePath();
    }
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

/** Tonnes per product as written by the exporter: [product, [there, ...], [back, ...], ...]. */
function readFlow(row) {
  const flow = [];
  for (let i = 0; i < row.length; i += 3) flow.push({ product: row[i], there: row[i + 1], back: row[i + 2] });
  return flow;
}

/** A smooth path through the middles of the stretches; the ends stay where they are. */
function smooth(points) {
  const path = new Path2D();
  const last = points.length - 1;
  path.moveTo(...points[0]);
  for (let i = 1; i < last; i += 1) {
    const end = i < last - 1
      ? [(points[i][0] + points[i + 1][0]) / 2, (points[i][1] + points[i + 1][1]) / 2]
      : points[last];
    path.quadraticCurveTo(points[i][0], points[i][1], end[0], end[1]);
  }
  if (last === 1) path.lineTo(...points[1]);
  return path;
}

function readChain([steps, flow], dotted, index) {
  const points = [];
  let x = 0;
  let y = 0;
  for (let i = 0; i < steps.length; i += 2) {
    x += steps[i];
    y += steps[i + 1];
    points.push([projectX(x / 100), projectY(y / 100)]);
  }
  return line({ type: 'lane', dotted, index, points, flow: readFlow(flow) });
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

function readLeg([source, target, mode, flow], index, nodes) {
  const a = nodes[source];
  const b = nodes[target];
  return line({ type: 'leg', index, a, b, mode, points: bent(a, b, 0.06), flow: readFlow(flow) });
}

function readNode(row, index) {
  const [id, name, kind, country, lon, lat, status, flow, limit, confidence, reference] = row;
  const east = lon < -30 ? lon + 360 : lon;
  return {
    type: 'site', index, id, name, kind: KINDS[kind], country, lon: east, lat, status, flow, limit, confidence,
    reference, residual: status === 'residual', x: projectX(east), y: projectY(lat),
    processes: [], owners: [], to: [], from: [],
  };
}

/** Everything on the page, read once. */
function readData(raw, topology) {
  const nodes = raw.nodes.map(readNode);
  for (const [node, role, input, output, operator, capacity, activity, low, high, year, reference, confidence]
    of raw.processes) {
    nodes[node].processes.push({
      role, input, output, operator, capacity, activity, low, high, year, reference, confidence,
    });
  }
  for (const [node, owner, share] of raw.owners) nodes[node].owners.push({ owner, share });
  const links = raw.links.map(([a, b, product, flow, reported, low, high]) => {
    const link = { type: 'link', a: nodes[a], b: nodes[b], product, flow, reported: reported === 1, low, high };
    link.a.to.push(link);
    link.b.from.push(link);
    return link;
  });
  const lanes = raw.chains.map((row, i) => readChain(row, false, i));
  const dotted = raw.dotted.map((row, i) => readChain(row, true, lanes.length + i));
  return {
    ...raw,
    nodes,
    links,
    lanes: lanes.concat(dotted),
    legs: raw.legs.map((row, i) => readLeg(row, i, nodes)),
    world: readWorld(topology),
    products: raw.products.map(([id, stage, mineral]) => ({ id, stage, mineral, name: sentence(id.replace(/-/g, ' ')) })),
    countryName: (code) => (raw.countries[code] ? raw.countries[code][0] : code || 'Unknown'),
    reported: raw.reported,
  };
}
