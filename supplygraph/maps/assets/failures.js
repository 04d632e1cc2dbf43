// Single failures: what is lost, who loses, who steps in, what stops; in popups, on the map, and as a ranking.
// The writing side is maps/failures.py. A figure that is null was not computed; it is never shown as zero.

const FIGURES = ['loss', 'through', 'zone', 'short', 'existing', 'days', 'km', 'usd', 'between', 'dominates', 'dominatesT', 'inCut'];
const GROUP_WORDS = {
  supply: 'Mines, refineries, ports', strait: 'Straits', use: 'Users', unnamed: 'Unnamed rests', country: 'Countries', owner: 'Owners',
  edge: 'Links',
};
const UNKNOWN = 'not computed';
const RANKED = 10;
const TOLD = 5;

/** Pairs of site and tonnes from packed text, and how many there are in all; null where that was not computed. */
function readPairs(text, nodes) {
  if (text === null) return null;
  const [count, ...numbers] = unpack(text);
  const rows = [];
  for (let i = 0; i < numbers.length; i += 2) rows.push({ node: nodes[numbers[i]], tonnes: quantity(numbers[i + 1]) });
  return { count, rows };
}

function readStops(text, nodes) {
  const [count, ...numbers] = unpack(text);
  const rows = [];
  for (let i = 0; i < numbers.length; i += 4) {
    rows.push({ a: nodes[numbers[i]], b: nodes[numbers[i + 1]], product: numbers[i + 2], tonnes: quantity(numbers[i + 3]) });
  }
  return { count, rows };
}

/** A link that may fail, as a line of its own over the others. */
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

/** Everything on single failures: items in the order of the answer, found by site, country or edge. */
function readFailures(raw, nodes, countries) {
  const items = raw.items.map(([what, group, method, figures, losers, gains, cutOff, stops], rank) => {
    const item = {
      rank, group, method: raw.methods[method][0], bound: raw.methods[method][1] === 1, losers: readPairs(losers, nodes),
      gains: readPairs(gains, nodes), cutOff: readPairs(cutOff, nodes), stops: readStops(stops, nodes), lost: new Map(),
    };
    FIGURES.forEach((name, i) => { item[name] = figures[i]; });
    if (typeof what === 'number') item.node = nodes[what];
    else if (typeof what === 'string') item.iso = what;
    else item.edge = Object.assign(readEdge(what, nodes), { item });
    item.name = item.node ? item.node.name : item.iso ? (countries[item.iso] || [item.iso])[0] : `${item.edge.a.name} → ${item.edge.b.name}`;
    for (const { node, tonnes: lost } of item.losers ? item.losers.rows : []) {
      item.lost.set(node.index, { demand: raw.demand[node.index], unmet: lost, displaced: 0 });
    }
    return item;
  });
  const most = (name, wanted) => items.filter(wanted).reduce((top, item) => Math.max(top, item[name] || 0), 0);
  const strait = (item) => item.group === 'strait';
  return {
    ...raw,
    items,
    lossKnown: items.some((item) => item.loss !== null),
    largest: { loss: most('loss', (item) => item.node && !strait(item)), through: most('through', strait), edge: most('loss', (item) => item.edge) },
    byNode: new Map(items.filter((item) => item.node).map((item) => [item.node.index, item])),
    byState: new Map(items.filter((item) => item.iso).map((item) => [item.iso, item])),
    links: items.filter((item) => item.edge).map((item) => item.edge),
  };
}

/** The share of all demand, or null where that is not known. */
const lossShare = (failures, item) => (item.loss === null || !failures.delivered ? null : item.loss / failures.delivered);

/** What countries are coloured by: the share of all demand that is lost when one fails. */
function stateShares(failures) {
  const known = [...failures.byState.values()].filter((item) => lossShare(failures, item) !== null);
  if (!known.length) return {};
  const whose = known[0].group === 'owner' ? 'an owner' : 'a country';
  return { label: `Demand lost if ${whose} fails`, shares: Object.fromEntries(known.map((item) => [item.iso, lossShare(failures, item)])) };
}

// -- words ------------------------------------------------------------------------------------------------

const known = (value, words) => (value === null || value === undefined ? UNKNOWN : words(value));

/** Days to the hundredth. */
const dayNumber = (days) => number(Math.round(100 * days) / 100);

/** Extra days with their sign. */
const daysMore = (days) => `${days >= 0.005 ? '+' : ''}${dayNumber(days)} d`;

function lossWords(failures, item) {
  return known(item.loss, (loss) => `${item.bound ? 'at least ' : ''}${tonnes(loss)}${loss > 0 && failures.delivered
    ? ` (${percent(loss / failures.delivered)})` : ''}`);
}

/** What a tonne that still arrives takes beyond today; less where those furthest away lose most. */
function detourRows(item) {
  const amount = (value, words) => `${words} ${value < 0 ? 'less' : 'more'}`;
  if (item.days === null) return [['Per tonne delivered', UNKNOWN]];
  if (!item.days && !item.km && !item.usd) return [['Per tonne delivered', 'same way as today']];
  return [
    ['Days per tonne', amount(item.days, `${dayNumber(Math.abs(item.days))} days`)],
    ['Way per tonne', amount(item.km, `${number(Math.abs(item.km))} km`)],
    ['Freight per tonne', amount(item.usd, `${number(Math.abs(item.usd))} USD`)],
  ];
}

/** The short version, for the pointer. */
function failureTip(data, item) {
  const rows = [['Demand lost if it fails', lossWords(data.failures, item)], ['Through it, estimated', known(item.through, tonnes)]];
  if (item.group === 'strait') rows.push(['Extra days per tonne delivered', known(item.days, daysMore)]);
  const [first] = item.losers ? item.losers.rows : [];
  if (first) rows.push(['Loses most', `${first.node.name}, ${tonnes(first.tonnes)}`]);
  return rows;
}

function failureHeadline(data, item) {
  const { failures } = data;
  const whose = failures.whose ? `demand of ${failures.whose}` : 'demand';
  if (item.loss === null) return `What is lost if it fails was ${UNKNOWN}.`;
  if (item.loss === 0) return item.bound ? `If it fails, no loss of ${whose} is proved.` : `If it fails, all ${whose} can still be met.`;
  const share = failures.delivered ? `, ${percent(item.loss / failures.delivered)} of what is delivered` : '';
  return `If it fails, ${item.bound ? 'at least ' : ''}${tonnes(item.loss)} of ${whose} a year cannot be met${share}.`;
}

function titled(title, list, table) {
  if (list === null) return [el('h4', { text: `${title}: ${UNKNOWN}` })];
  if (!list.count) return [];
  const shown = Math.min(TOLD, list.rows.length);
  return [el('h4', { text: title }), table,
    list.count > shown && el('p', { class: 'sg-note', text: `and ${list.count - shown} more` })];
}

/** A site as a button that tells more about it, and its country where the name does not say it. */
function siteCell(canvas, node) {
  const { app, data } = canvas;
  const failure = failureOf(data, node);
  const country = node.country ? data.countryName(node.country) : '';
  return [el('button', { type: 'button', class: 'sg-go', text: node.name, dir: 'auto',
    click: (event) => (failure ? app.open(failure, event.detail === 0 ? event.currentTarget : null) : app.point(node)) }),
  country && !node.name.includes(country) && el('small', { text: ` ${country}`, dir: 'auto' })];
}

/** All that the page knows about one failure. */
function failureWords(canvas, item) {
  const { data } = canvas;
  const { failures } = data;
  const first = (list) => (list ? list.rows.slice(0, TOLD) : []);
  const share = (node, lost) => (failures.demand[node.index] > 0 ? percent(lost / failures.demand[node.index]) : '–');
  const rest = item.loss === null || failures.delivered === null ? UNKNOWN
    : `${item.bound ? 'at most ' : ''}${tonnes(failures.delivered - item.loss)} of ${tonnes(failures.delivered)}`;
  return el('section', { class: 'sg-failure' },
    el('p', { class: 'sg-headline', text: failureHeadline(data, item) }),
    item.loss !== null && el('p', { class: 'sg-note', text: `${sentence(item.method)}; after the best rerouting.`, dir: 'auto' }),
    grid([['The rest still delivers', rest], ['Through it, estimated', known(item.through, tonnes)],
      ...detourRows(item)]),
    titled('Who loses', item.losers, grid(first(item.losers).map(({ node, tonnes: lost }) => (
      [siteCell(canvas, node), number(lost), share(node, lost)])), ['Site', YEARLY, 'of its demand'])),
    titled('Has no route without it', item.cutOff, grid(first(item.cutOff).map(({ node, tonnes: asked }) => (
      [siteCell(canvas, node), number(asked)])), ['Site', YEARLY])),
    titled('Who steps in', item.gains, grid(first(item.gains).map(({ node, tonnes: gain }) => (
      [siteCell(canvas, node), '+' + number(gain)])), ['Site', YEARLY])),
    titled('Stops, or goes another way', item.stops, grid(item.stops.rows.slice(0, TOLD).map((stop) => (
      [[el('span', { text: stop.a === stop.b ? `${stop.a.name}, on site` : `${stop.a.name} → ${stop.b.name}`, dir: 'auto' }), data.products.length > 1
        && el('small', { text: ` ${data.products[stop.product].name.toLowerCase()}` })], number(stop.tonnes)])), ['Shipment', YEARLY])),
    el('details', {}, el('summary', { text: 'Other assumptions, other measures' }), grid(otherRows(failures, item))));
}

function otherRows(failures, item) {
  const users = (count) => (count === 1 ? '1 user' : `${number(count)} users`);
  const ramp = failures.ramp === null ? 'if plants can only ramp up so far' : `if plants reach at most ${Math.round(100 * failures.ramp)} % more than today`;
  return [
    [failures.whose ? 'Lost by them if suppliers cut all customers alike' : `Lost in countries of tier ${failures.zone} or better`, known(item.zone, tonnes)],
    [`Lost ${ramp}`, known(item.short, tonnes)],
    ['Lost if only those who trade today may trade more', known(item.existing, tonnes)],
    ['Others that have no route without it', known(item.dominates, (count) => (count ? `${users(count)}, ${tonnes(item.dominatesT)}` : 'none'))],
    ['In the minimum cut of', known(item.inCut, users)],
    ['Comes through, neither mined nor used there', known(item.between, tonnes)],
  ];
}

// -- on the map -------------------------------------------------------------------------------------------

/** Radius of a site or strait by what fails with it; null where the answer has no such row. */
function failureRadius(canvas, node) {
  const { failures, theme } = canvas.data;
  if (node.kind === 'port' && !failures.byNode.has(node.index)) return null;
  const item = failures.byNode.get(node.index);
  return item ? sizeOf(failures, theme.widths, item.group, item) : 2;
}

function sizeOf(failures, widths, group, { loss, through }) {
  const root = (value, largest) => Math.sqrt(Math.max(0, value || 0) / (largest || 1));
  if (group === 'strait') return 3 + (widths.strait - 3) * root(through, failures.largest.through);
  return 2.3 + (widths.failure - 2.3) * root(loss, failures.largest.loss);
}

/** Links that cost something, over the others, as wide as what is lost without them; the chosen one in any case. */
function drawFailingEdges(canvas, pen, frame) {
  const { failures, theme } = canvas.data;
  const { chosen } = canvas.state;
  const stroke = (edge, width, colour) => {
    pen.lineWidth = width / frame.k;
    pen.strokeStyle = colour;
    pen.stroke(edge.path);
  };
  pen.lineCap = 'round';
  for (const edge of failures.links.slice().reverse()) {
    const { loss } = edge.item;
    if (!(loss > 0) && chosen !== edge.item) continue;
    const width = (2 + 7 * Math.sqrt((loss || 0) / (failures.largest.edge || 1))) * frame.swell;
    inPlane(pen, frame, () => {
      stroke(edge, width + 3, '#ffffff');
      stroke(edge, width, chosen === edge.item ? theme.colours.focus : theme.colours.closed);
    });
  }
}

/** The largest shipments that stop, from where to where; through the strait or port that fails. */
function drawStopping(canvas, pen, frame) {
  const { chosen } = canvas.state;
  if (!chosen) return;
  const rows = chosen.stops.rows.filter(({ a, b }) => a !== b);
  const largest = rows.reduce((top, { tonnes: flow }) => Math.max(top, flow), 0) || 1;
  for (const { a, b, tonnes: flow } of rows.slice().reverse()) {
    const via = chosen.node && chosen.node !== a && chosen.node !== b ? chosen.node : null;
    const points = via ? joined(bent(a, via, 0.1), bent(via, b, 0.1)) : bent(a, b, 0.16);
    const width = (1.1 + 2.6 * Math.sqrt(flow / largest)) * frame.swell;
    for (const copy of frame.copies) arrow(pen, points.map(([x, y]) => [
      (x + copy * WORLD) * frame.k - frame.left, y * frame.k - frame.top]), width, canvas.data.theme.colours.closed);
  }
}

/** Two stretches one after the other, on the same copy of the world. */
function joined(first, second) {
  const shift = first[first.length - 1][0] - second[0][0];
  return first.concat(second.slice(1).map(([x, y]) => [x + shift, y]));
}

function arrow(pen, points, width, colour) {
  const end = points[points.length - 1];
  const before = points[points.length - 2];
  const angle = Math.atan2(end[1] - before[1], end[0] - before[0]);
  const head = 4 + width * 1.6;
  for (const [extra, tone] of [[2.4, '#ffffff'], [0, colour]]) {
    pen.beginPath();
    points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.lineJoin = 'round';
    pen.lineCap = 'butt';
    pen.lineWidth = width + extra;
    pen.strokeStyle = tone;
    pen.stroke();
  }
  pen.save();
  pen.translate(...end);
  pen.rotate(angle);
  pen.beginPath();
  pen.moveTo(0, 0);
  pen.lineTo(-head, -head * 0.55);
  pen.lineTo(-head, head * 0.55);
  pen.closePath();
  pen.fillStyle = colour;
  pen.fill();
  pen.restore();
}

/** A ring around plants that step in when the chosen item fails. */
function drawGains(canvas, pen, frame) {
  const { chosen } = canvas.state;
  for (const { node } of chosen && chosen.gains ? chosen.gains.rows : []) {
    if (canvas.state.hidden.has(node.kind)) continue;
    eachCopy(frame, node, 12, (x, y) => {
      for (const [width, colour] of [[5, '#ffffff'], [2.6, canvas.data.theme.colours.less]]) {
        pen.beginPath();
        pen.arc(x, y, Math.max(radiusOf(canvas, node, frame), 4) + 3, 0, 2 * Math.PI);
        pen.lineWidth = width;
        pen.strokeStyle = colour;
        pen.stroke();
      }
    });
  }
}

/** What the map names, the most important first: what costs most; once an item is chosen, whom it hurts and who helps. */
function failureLabels(canvas, frame) {
  const { data, state } = canvas;
  const { failures, theme } = data;
  const { colours, font } = theme;
  const budget = Math.round((frame.width < 700 ? 4 : 9) + 10 * Math.max(0, frame.zoom - 2) ** 1.6);
  const gap = (node) => radiusOf(canvas, node, frame) + 4;
  const shown = (node) => !state.hidden.has(node.kind) && !(node.kind !== 'passage' && state.hidden.has('names'));
  const minus = (item) => (!(item.loss > 0) ? '' : lossShare(failures, item) >= 0.005 ? ` −${percent(lossShare(failures, item))}` : ` −${tonnes(item.loss)}`);
  if (state.chosen) return chosenLabels(canvas, gap, budget);
  // Straits by days; but the busiest ones have names too.
  const straits = worst(failures, 'strait').filter(({ node, through }) => shown(node) && through > 0.03 * failures.largest.through);
  const busiest = straits.slice().sort((a, b) => b.through - a.through).slice(0, Math.round(budget / 3));
  const slowest = straits.slice(0, Math.round(budget * (failures.by === 'passage' ? 1.3 : 0.6)));
  const found = [...new Set([...busiest, ...slowest])].map(({ node, days }) => ({ place: node, words: `${node.name}${days >= 0.005 ? ` ${daysMore(days)}` : ''}`, colour: colours.ink, gap: gap(node) }));
  const states = [...failures.byState.values()].filter((item) => lossShare(failures, item) >= 0.01).slice(0, state.fill === 'answer' ? 8 : 0).map((item) => (
    { place: placeOf(data, item), words: item.name + minus(item), colour: colours.ink, gap: 0 })).filter(({ place }) => place);
  const sites = failures.items.filter((item) => item.node && item.group !== 'strait' && item.loss > 0 && shown(item.node)).slice(0, budget)
    .map((item) => ({ place: item.node, words: brief(item.node) + minus(item), colour: colours.mute, font: `11px ${font}`, gap: gap(item.node) }));
  const links = failures.links.filter(({ item }) => item.loss > 0).slice(0, budget).map((edge) => (
    { place: placeOf(data, edge.item), words: brief(edge.item) + minus(edge.item), colour: colours.closed, gap: 8 }));
  const first = failures.by === 'node' ? sites.splice(0, Math.round(budget / 2)) : [];
  return [...states, ...links, ...first.map((text) => ({ ...text, font: `600 11px ${font}`, colour: colours.ink })), ...found, ...sites];
}

const brief = (node) => nameOf({ ...node, name: node.name.length > 30 ? node.name.slice(0, 28) + '…' : node.name });

/** The failure itself, who loses most, who steps in. */
function chosenLabels(canvas, gap, budget) {
  const { data, state } = canvas;
  const { colours, font } = data.theme;
  const { chosen } = state;
  const own = placeOf(data, chosen);
  const part = ({ node }) => percent(chosen.lost.get(node.index).unmet / chosen.lost.get(node.index).demand);
  const losers = chosen.losers ? chosen.losers.rows.filter((row) => row.node !== chosen.node && missing(canvas, row.node)) : [];
  const gains = chosen.gains ? chosen.gains.rows : [];
  return [
    ...(own ? [{ place: own, words: `${chosen.name} fails`, colour: colours.focus, font: `700 13px ${font}`, gap: chosen.node ? gap(chosen.node) + 6 : 0 }] : []),
    ...losers.slice(0, budget).map((row) => ({ place: row.node, words: `${brief(row.node)} −${part(row)}`, colour: colours.closed, gap: gap(row.node) + 4 })),
    ...gains.map(({ node, tonnes: gain }) => ({ place: node, words: `${brief(node)} +${tonnes(gain)}`, colour: colours.less, font: `11px ${font}`, gap: gap(node) + 4 })),
  ];
}

/** Where an item stands in the plane; null for a country that the map does not draw. */
function placeOf(data, { node, edge, iso }) {
  if (node) return node;
  const shape = iso && data.world.find((one) => one.iso === iso);
  const [x, y] = edge ? curveOf(edge)[curveOf(edge).length >> 1] : shape ? middleOf(shape) : [null, null];
  return x === null ? null : { x, y };
}

/** The middle of the largest part of a country. */
function middleOf(shape) {
  const size = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  const box = shape.rings.map((polygon) => boxOf(polygon[0])).sort((a, b) => size(b) - size(a))[0];
  return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}

// -- ranking ----------------------------------------------------------------------------------------------

/** The worst of a group, straits by days and then tonnes, all others as the answer ranks them. */
function worst(failures, group) {
  const items = failures.items.filter((item) => item.group === group);
  const value = (item) => (item.days === null ? -Infinity : item.days);
  return group === 'strait' ? items.sort((a, b) => value(b) - value(a) || (b.through || 0) - (a.through || 0) || a.rank - b.rank) : items;
}

function rankWords(failures, item) {
  if (item.group === 'strait') return `${known(item.days, daysMore)} · ${known(item.through, tonnes)}`;
  const share = lossShare(failures, item);
  return known(item.loss, (loss) => `${item.bound ? '≥ ' : ''}${tonnes(loss)}${share ? ` · ${percent(share)}` : ''}`);
}

class Ranking {
  constructor(app) {
    this.app = app;
    const { failures } = app.data;
    const groups = Object.keys(GROUP_WORDS).filter((group) => failures.items.some((item) => item.group === group));
    this.group = failures.items.length ? failures.items[0].group : null;
    if (failures.by === 'node' && groups.includes('supply')) this.group = 'supply';
    this.list = el('ol', { class: 'sg-ranked' });
    this.note = el('p', { class: 'sg-note' });
    this.select = el('select', { 'aria-label': 'What to rank', change: () => { this.group = this.select.value; this.update(); } },
      groups.map((group) => el('option', { value: group, text: GROUP_WORDS[group] })));
    if (this.group) this.select.value = this.group;
    this.element = el('section', { class: 'sg-ranking', 'aria-label': 'The worst single failures' }, groups.length > 1 && this.select, this.note, this.list);
    this.list.addEventListener('keydown', (event) => this.move(event));
    this.update();
  }

  /** Arrow keys go from row to row. */
  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...this.list.querySelectorAll('button')];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (!step || !next) return;
    event.preventDefault();
    next.focus();
  }

  update() {
    const { app, group } = this;
    const { failures } = app.data;
    const items = worst(failures, group);
    const rows = items.slice(0, RANKED);
    const by = group === 'strait' ? 'extra days per tonne delivered · t a year' : `${group === 'use' ? 'their own demand' : 'demand lost'}, t a year · share of all`;
    const all = group === 'edge' ? failures.edges : items.length;
    this.note.textContent = `${rows.length < all ? `${rows.length} of ${number(all)}: ` : ''}${by}`;
    this.list.replaceChildren(...rows.map((item) => el('li', {},
      el('button', {
        type: 'button', 'aria-pressed': String(app.state.chosen === item),
        click: (event) => app.open(item, event.detail === 0 ? event.currentTarget : null),
      }, el('span', { text: item.name, dir: 'auto' }), el('span', { text: rankWords(failures, item) })))));
  }

  /** Give the row of an item the focus, if it is listed. */
  focus(item) {
    const button = this.list.querySelectorAll('button')[worst(this.app.data.failures, this.group).indexOf(item)];
    (button || this.select).focus();
  }

  /** Mark the chosen row without building the list anew, so that it keeps the focus. */
  mark() {
    const rows = worst(this.app.data.failures, this.group);
    [...this.list.querySelectorAll('button')].forEach((button, i) => button.setAttribute('aria-pressed', String(this.app.state.chosen === rows[i])));
  }
}

// -- legend, table ----------------------------------------------------------------------------------------

/** Signs of single failures: what size means, in which unit and year, how it was found. */
function failureRows(app, row) {
  const { data, state, canvas } = app;
  const { failures, theme } = data;
  const { colours, widths } = theme;
  const zoom = canvas.frame ? canvas.frame.zoomed : 1;
  const rows = [];
  if (state.fill === 'answer') rows.push(shareRow(data, row));
  const has = (group) => failures.items.some((item) => item.group === group);
  const year = failures.years ? ` (${failures.years})` : '';
  if (failures.largest.loss > 0) {
    for (const part of [1, 0.1]) {
      const loss = roundish(failures.largest.loss * part);
      rows.push(row(svg(46, 30, ['circle', { cx: 23, cy: 15, r: sizeOf(failures, widths, 'supply', { loss }) * zoom, fill: colours.mute }]),
        `Site: ${tonnes(loss)} of demand lost`));
    }
  }
  if (failures.byNode.size && !failures.lossKnown && ['supply', 'use', 'unnamed'].some(has)) {
    rows.push(row(svg(46, 16, ['circle', { cx: 23, cy: 8, r: 2.3 * zoom, fill: colours.mute }]), `Site: demand lost ${UNKNOWN}`));
  }
  if (has('strait')) {
    const through = roundish(failures.largest.through);
    const r = sizeOf(failures, widths, 'strait', { through }) * 1.2;
    rows.push(row(svg(46, 24, ['path', { d: `M23 ${12 - r} L${23 + r} 12 L23 ${12 + r} L${23 - r} 12Z`, fill: colours.passage }]),
      `Strait: ${tonnes(through)} through; +d: extra days per tonne`));
  }
  if (failures.largest.edge > 0) {
    rows.push(row(svg(46, 16, ['line', { x1: 3, x2: 43, y1: 8, y2: 8, stroke: colours.closed, 'stroke-width': 7 }]),
      `Link: ${tonnes(roundish(failures.largest.edge))} of demand lost`));
  }
  const some = (list) => state.chosen !== null && list(state.chosen) !== null && list(state.chosen).rows.length > 0;
  if (state.chosen) {
    rows.push(row(svg(46, 16, ['circle', { cx: 23, cy: 8, r: 7, fill: colours.closed }], ['rect', { x: 19, y: 6.8, width: 8, height: 2.4, fill: '#ffffff' }]), 'Fails'));
  }
  if (some((item) => item.losers)) {
    rows.push(row(svg(46, 16, ['rect', { x: 20, y: 5, width: 6, height: 6, fill: colours.factory }],
        ['path', { d: 'M23 1.5 A6.5 6.5 0 0 1 23 14.5', fill: 'none', stroke: colours.closed, 'stroke-width': 2.8 }]), 'Red arc: share of its demand lost'));
  }
  if (some((item) => item.gains)) {
    rows.push(row(svg(46, 16, ['circle', { cx: 23, cy: 8, r: 6, fill: 'none', stroke: colours.less, 'stroke-width': 2.6 }]), 'Blue ring: steps in most'));
  }
  if (some((item) => item.stops)) {
    rows.push(row(svg(46, 16, ['line', { x1: 4, x2: 34, y1: 8, y2: 8, stroke: colours.closed, 'stroke-width': 2.6 }], ['path', { d: 'M43 8 L33 3 L33 13Z', fill: colours.closed }]),
        'Largest shipments that stop or go another way'));
  }
  const methods = [...new Set(failures.items.filter((item) => item.loss !== null).map((item) => item.method))];
  const how = methods.length === 1 ? methods[0] : methods.length ? 'exact or a lower bound, as each popup says' : UNKNOWN;
  rows.push(el('p', { class: 'sg-note sg-how', text: `Contained tonnes a year${year}. Losses after the best rerouting: ${how}.${
    failures.top ? ` Only the ${failures.top} that cost most are told; the others are dots.` : ''}${
    failures.undrawn ? ` Not drawn, as nothing goes there: ${number(failures.undrawn)}.` : ''}`, dir: 'auto' }));
  return rows;
}

/** All rows of the answer that the map has. */
function failureTable(data) {
  const columns = ['If it fails', 'Kind', 'Country', 'How known', 'Goes through (t)', 'Extra days', 'Extra km', 'Extra USD/t', 'Lost in the zone (t)',
    'Lost, short term (t)', 'Lost, today\'s links (t)', 'No route without it (t)', 'In minimum cuts of', 'Share of demand lost', 'Demand lost (t)'];
  const value = (one) => (one === null ? UNKNOWN : one);
  const words = { supply: null, use: null, strait: 'Strait', unnamed: 'Unnamed rest', country: 'Country', owner: 'Owner', edge: 'Link' };
  return ['Failures', columns, () => data.failures.items.map((item) => [item.name, words[item.group] || KIND_WORDS[item.node.kind],
    item.iso ? item.name : item.node && item.node.country ? data.countryName(item.node.country) : '', item.loss === null ? UNKNOWN : item.method,
    ...['through', 'days', 'km', 'usd', 'zone', 'short', 'existing', 'dominatesT', 'inCut'].map((name) => value(item[name])),
    value(lossShare(data.failures, item)), value(item.loss)])];
}
