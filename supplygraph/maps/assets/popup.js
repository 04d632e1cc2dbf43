// What a click or the pointer tells: small tables, each number with its year and source.

const YEARLY = 't\u00a0a\u00a0year';

function grid(rows, head) {
  return el('table', { class: 'sg-grid' },
    head && el('thead', {}, el('tr', {}, head.map((text) => el('th', { scope: 'col' }, text)))),
    el('tbody', {}, rows.map((row) => el('tr', {}, row.map((cell, i) => (
      i ? el('td', {}, cell) : el('th', { scope: 'row' }, cell)))))));
}

function heading(title, note) {
  return [el('h3', { text: title, dir: 'auto' }), note && el('p', { class: 'sg-note', dir: 'auto' }, note)];
}

/** Short words for the pointer, or all there is for a click. */
function describe(canvas, item, whole) {
  if (item.type === 'site' && item.also && whole) {
    const box = describe(canvas, Object.getPrototypeOf(item), true);
    box.append(...alsoHere(canvas, item.also));
    return box;
  }
  if (item.type === 'site') return item.kind === 'passage' ? strait(canvas, item, whole) : site(canvas, item, whole);
  if (item.type === 'country') return country(canvas, item.iso, whole);
  if (item.type === 'pile') return pileWords(canvas, item, whole);
  if (item.type === 'edge') return link(canvas, item, whole);
  return lineWords(canvas, item);
}

function change(canvas, now, before) {
  if (canvas.scenario() === 0) return [];
  const sign = now - before > 0 ? '+' : '';
  return [['Today', tonnes(before)], ['Change', sign + tonnes(now - before)]];
}

/** What a lane or leg carries: tonnes with their outer bounds, and each product with the way it goes. */
function lineWords(canvas, item) {
  const { data, state } = canvas;
  const scenario = canvas.scenario();
  const flow = flowOn(item, scenario, state.product);
  const before = flowOn(item, 0, state.product).both;
  const title = item.type === 'leg' ? `${item.a.name} – ${item.b.name}` : 'Sea lane';
  const note = item.dotted ? 'Way over sea not known: a great circle' : item.type === 'leg' ? sentence(item.mode) : null;
  const ways = wayWords(item);
  const parts = item.flow.filter((part) => state.product < 0 || part.product === state.product).flatMap((part) => (
    [['there', 1], ['back', 0]].map(([way, i]) => ({ name: data.products[part.product].name, to: ways[i], value: at(part[way], scenario) }))))
    .filter(({ value }) => value > 0).sort((p, q) => q.value - p.value);
  return el('div', {}, heading(title, note),
    grid([[scenario === 0 && item.reported ? 'Tonnes a year, mostly reported' : 'Tonnes a year, estimated', tonnes(flow.both)],
      ...(scenario === 0 ? outerRows(item, state.product) : []),
      ...change(canvas, flow.both, before),
      ...parts.map(({ name, to, value }) => [`${name}, ${to}`, tonnes(value)])]));
}

/** Where the two ways of a line go: against its direction, along it. */
function wayWords({ type, a, b, points }) {
  if (type === 'leg') return [`to ${a.name}`, `to ${b.name}`];
  const [[x, y], [right, bottom]] = [points[0], points[points.length - 1]];
  const [dx, dy] = [right - x, bottom - y];
  const words = Math.abs(dx) >= Math.abs(dy) ? ['westward', 'eastward'] : ['northward', 'southward'];
  return (Math.abs(dx) >= Math.abs(dy) ? dx : dy) >= 0 ? words : words.reverse();
}

/** Sums of the bounds of all shipments along a line; nothing where one has none. */
function outerRows(item, product) {
  const parts = item.flow.filter((part) => (product < 0 || part.product === product) && part.there[0] + part.back[0] > 0);
  if (!parts.length || parts.some(({ low, high }) => low === null || high === null)) return [];
  const [low, high] = ['low', 'high'].map((side) => parts.reduce((sum, part) => sum + part[side], 0));
  return low < high ? [['Between (outer bounds)', `${number(low)} and ${number(high)} t`]] : [];
}

/** A label with what kind of figure stands beside it, in small: its year, how it is known. */
const labelled = (text, ...more) => [text, el('small', { text: [' ', more.filter(Boolean).join(', ')].join('') })];

/** Tonnes with their bounds, or that nobody knows them; and where they come from. */
function sourced(value, low, high, mark) {
  if (value === null || value === undefined) return [NOT_KNOWN, mark];
  const words = bounds(low, high);
  return words ? [tonnes(value), ' ', whole(words, mark)] : whole(tonnes(value), mark);
}

/** Figures that stay on one line. */
const whole = (...parts) => el('span', { class: 'sg-whole' }, parts);

const bounds = (low, high) => (low === null || high === null || low === undefined || high === undefined ? '' : `(${number(low)}–${number(high)})`);

function site(canvas, node, whole) {
  const { data } = canvas;
  const now = at(node.flow, canvas.scenario());
  const residual = node.residual ? 'Unnamed rest of the statistics, not one place' : null;
  const words = [KIND_WORDS[node.kind], node.country && data.countryName(node.country)].filter(Boolean).join(' · ');
  const sources = new Sources(canvas);
  const box = el('div', {}, heading(node.name, [words, whole && sources.of(node.reference)]), residual && el('p', { class: 'sg-note', text: residual }));
  const failure = failureOf(data, node);
  if (!whole) {
    box.append(grid([...(failure ? failureTip(data, failure) : []), ...answerRows(canvas, node), ...missingRows(canvas, node),
      ...(failure ? [] : [['Tonnes a year, estimated', tonnes(now)]]), ...change(canvas, now, at(node.flow, 0))]));
    return box;
  }
  const facts = [grid(siteFacts(canvas, node, now, sources)), ...node.processes.map((process) => processTable(data, process, sources))];
  for (const [title, links, other] of [['Ships to', node.to, 'b'], ['Receives from', node.from, 'a']]) {
    const table = linkTable(canvas, title, links, other, sources);
    if (table) facts.push(table);
  }
  box.append(...(failure ? [failureWords(canvas, failure), aside('About this site', facts)] : facts), sources.list() || '');
  return box;
}

/** What comes second, folded. */
const aside = (title, parts) => el('details', {}, el('summary', { text: title }), parts);

/** A link that may fail. */
function link(canvas, edge, whole) {
  const { data } = canvas;
  const note = [sentence(edge.mode), edge.product >= 0 && data.products[edge.product].name].filter(Boolean).join(' · ');
  return el('div', {}, heading(edge.item.name, note),
    whole ? failureWords(canvas, edge.item) : grid(failureTip(data, edge.item)));
}

/** The figures of the answer that the map shows, if it has one. */
function answerRows(canvas, node) {
  return (canvas.data.answer.rows || {})[node.index] || [];
}

/** What a factory asks for and goes without, and what of it the fix took. */
function missingRows(canvas, node) {
  const scenario = canvas.data.scenarios[canvas.scenario()];
  const fails = attackShown(canvas);
  const short = (fails ? fails.lost : scenario.short).get(node.index);
  if (!short) return [];
  const rows = [['Asks for', tonnes(short.demand)],
    ['Goes without', `${tonnes(short.unmet)} (${percent(short.unmet / short.demand)})`]];
  if (short.displaced > 0) rows.push([`Less than ${scenario.against}`, tonnes(short.displaced)]);
  return rows;
}

function siteFacts(canvas, node, now, sources) {
  const { data } = canvas;
  const told = [...answerRows(canvas, node), ...missingRows(canvas, node)];
  const rows = [...told, [labelled('Through it', canvas.scenario() ? '' : data.years, 'estimated'), sourced(now, null, null, sources.added())],
    ...change(canvas, now, at(node.flow, 0))];
  const mark = () => sources.of(node.reference);
  if (node.status && !node.residual) rows.push([labelled('Status', node.confidence && `confidence ${node.confidence}`), [sentence(node.status), mark()]]);
  if (node.limit !== null) rows.push(['Most that can pass', sourced(node.limit, null, null, mark())]);
  if (node.owners.length) rows.push(['Owners', ownerWords(data, node, sources)]);
  return rows;
}

/** Whose a site is, by country, and what share nobody knows. */
function ownerWords(data, { owners }, sources) {
  const rest = 1 - owners.reduce((sum, { share }) => sum + share, 0);
  return [owners.map(({ owner, share, reference }, i) => [i ? ', ' : '', `${data.countryName(owner)} ${percent(share)}`, sources.of(reference)]),
    rest > 0.005 && `, ${percent(rest)} ${NOT_KNOWN}`];
}

function processTable(data, process, sources) {
  const product = (id) => sentence((id || '').replace(/-/g, ' '));
  const titles = {
    extract: `Extracts: ${product(process.output)}`,
    transform: `Makes: ${product(process.output)}, from ${product(process.input).toLowerCase()}`,
    use: `Uses: ${product(process.input)}`,
    stock: process.output ? `Stock release: ${product(process.output)}` : `Stock build: ${product(process.input)}`,
  };
  const mark = sources.of(process.reference);
  const again = () => mark && mark.cloneNode(true);
  const sure = process.confidence && process.confidence !== 'estimated' ? `confidence ${process.confidence}` : '';
  const year = process.year ? String(process.year) : 'year not known';
  const rows = [[labelled('Activity', year, 'estimated', sure), sourced(process.activity, process.low, process.high, mark)]];
  if (process.capacity !== null && process.capacity > 0) rows.push([labelled('Capacity', year), sourced(process.capacity, null, null, again())]);
  if (process.operator) rows.push(['Operator', [process.operator, again()]]);
  return el('section', {}, el('h4', { text: titles[process.role] || sentence(process.role) }), grid(rows));
}

const LINKS_TOLD = 6;

function linkTable(canvas, title, links, other, sources) {
  const { data, state } = canvas;
  const scenario = canvas.scenario();
  const shown = links
    .filter((link) => state.product < 0 || link.product === state.product)
    .map((link) => ({ link, now: at(link.flow, scenario) }))
    .filter(({ now }) => now > 0)
    .sort((p, q) => q.now - p.now);
  if (!shown.length) return null;
  const rows = shown.slice(0, LINKS_TOLD).map(({ link, now }) => [link[other].name, data.countryName(link[other].country),
    scenario > 0 ? whole(number(now), sources.added())
      : [number(now), ' ', whole(bounds(link.low, link.high), link.reported && ' reported', sources.of(link.reference))]]);
  const more = shown.length > LINKS_TOLD ? `, ${LINKS_TOLD} of ${shown.length}` : '';
  const known = scenario > 0 ? '' : [data.years, shown.some(({ link }) => !link.reported) && 'estimated'].filter(Boolean).join(', ');
  return el('section', {}, el('h4', { text: `${title}${more}` }), grid(rows, ['Site', 'Country', [YEARLY, known && el('small', { text: ` ${known}` })]]));
}

function strait(canvas, node, whole) {
  const { data } = canvas;
  const scenario = canvas.scenario();
  const closed = isClosed(data, scenario, node);
  const now = at(node.flow, scenario);
  const failure = failureOf(data, node);
  const sources = new Sources(canvas);
  const place = whole && sources.of(node.reference);
  const through = whole ? [labelled(`Tonnes${YEARLY.slice(1)}`, scenario ? '' : data.years, 'estimated'), [closed ? 'closed' : tonnes(now), sources.added()]]
    : ['Tonnes a year, estimated', closed ? 'closed' : tonnes(now)];
  const rows = [...(failure && !whole ? failureTip(data, failure) : []), ...answerRows(canvas, node), ...(failure ? [] : [through])];
  if (scenario > 0) rows.push(...change(canvas, now, at(node.flow, 0)));
  const box = el('div', {}, heading(node.name, ['Strait', place]), failure && whole && failureWords(canvas, failure), rows.length > 0 && grid(rows));
  if (!whole) return box;
  const dependents = data.straits[node.index] || [];
  if (dependents.length) {
    box.append(el('h4', {}, 'Who depends on it today, estimated', sources.added(0)),
      grid(dependents.map(([to, product, flow, share]) => (
        [[data.countryName(to), data.products.length > 1 && el('small', { text: ` ${data.products[product].name.toLowerCase()}` })],
          number(flow), percent(share)])),
      ['Receiving country', YEARLY, 'of its intake']));
  }
  if (data.scenarios.length > 1) {
    box.append(el('h4', { text: 'By scenario, estimated' }), grid(data.scenarios.map((s, i) => (
      [s.name, [isClosed(data, i, node) ? 'closed' : tonnes(at(node.flow, i)), i < 2 && sources.added(i)]]))));
  }
  box.append(sources.list() || '');
  return box;
}

function country(canvas, iso, whole) {
  const { data } = canvas;
  const [name, stages, shares] = data.countries[iso];
  const sources = new Sources(canvas);
  const scenario = canvas.scenario();
  const share = percent(at(shares, scenario));
  const rows = [whole ? [labelled(`Share of ${data.stage}`, scenario ? '' : data.years, 'estimated'), [share, sources.added()]] : [`Share of ${data.stage}`, share]];
  if (scenario > 0) rows.push(['Today', [percent(shares[0]), whole && sources.added(0)]]);
  rows.unshift(...((data.answer.countries || {})[iso] || []));
  rows.push(...dutyRows(data, iso));
  if (data.tiers[iso]) rows.push(['Alignment', sentence(data.tiers[iso])]);
  const failure = failureOf(data, { type: 'country', iso });
  const box = el('div', {}, heading(name, failure && failure.group === 'owner' ? 'Plants owned from here' : null),
    failure && (whole ? failureWords(canvas, failure) : grid(failureTip(data, failure))), grid(rows));
  const made = Object.entries(stages);
  if (whole && made.length) {
    box.append(el('h4', {}, 'Makes today, estimated', sources.added(0)),
      grid(made.map(([stage, value]) => [sentence(stage), tonnes(value)])));
  }
  if (whole) box.append(sources.list() || '');
  return box;
}
