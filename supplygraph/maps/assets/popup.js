// What a click or the pointer tells: small tables, each number with its year and source.

const YEARLY = 't\u00a0a\u00a0year';

function grid(rows, head) {
  return el('table', { class: 'sg-grid' },
    head && el('thead', {}, el('tr', {}, head.map((text) => el('th', { scope: 'col', text })))),
    el('tbody', {}, rows.map((row) => el('tr', {}, row.map((cell, i) => (
      i ? el('td', {}, cell) : el('th', { scope: 'row' }, cell)))))));
}

function heading(title, note) {
  return [el('h3', { text: title, dir: 'auto' }), note && el('p', { class: 'sg-note', text: note, dir: 'auto' })];
}

/** Short words for the pointer, or all there is for a click. */
function describe(canvas, item, whole) {
  if (item.type === 'site') return item.kind === 'passage' ? strait(canvas, item, whole) : site(canvas, item, whole);
  if (item.type === 'country') return country(canvas, item.iso, whole);
  if (item.type === 'edge') return link(canvas, item, whole);
  return lineWords(canvas, item);
}

function change(canvas, now, before) {
  if (canvas.scenario() === 0) return [];
  const sign = now - before > 0 ? '+' : '';
  return [['Today', tonnes(before)], ['Change', sign + tonnes(now - before)]];
}

function lineWords(canvas, item) {
  const { data, state } = canvas;
  const scenario = canvas.scenario();
  const flow = flowOn(item, scenario, state.product);
  const before = flowOn(item, 0, state.product).both;
  const title = item.type === 'leg' ? `${item.a.name} – ${item.b.name}` : 'Sea lane';
  const note = item.dotted ? 'Way over sea not known: a great circle' : item.type === 'leg' ? sentence(item.mode) : null;
  const products = item.flow.filter((part) => state.product < 0 || part.product === state.product)
    .map((part) => [data.products[part.product].name, tonnes(at(part.there, scenario) + at(part.back, scenario))]);
  return el('div', {}, heading(title, note),
    grid([[item.reported ? 'Tonnes a year, mostly reported' : 'Tonnes a year, estimated', tonnes(flow.both)],
      ...change(canvas, flow.both, before),
      ...(products.length > 1 ? products : [])]));
}

function site(canvas, node, whole) {
  const { data } = canvas;
  const now = at(node.flow, canvas.scenario());
  const residual = node.residual ? 'Unnamed rest of the statistics, not one place' : null;
  const words = [KIND_WORDS[node.kind], node.country && data.countryName(node.country)].filter(Boolean).join(' · ');
  const box = el('div', {}, heading(node.name, words), residual && el('p', { class: 'sg-note', text: residual }));
  const failure = failureOf(data, node);
  if (!whole) {
    box.append(grid([...(failure ? failureTip(data, failure) : []), ...answerRows(canvas, node), ...missingRows(canvas, node),
      ...(failure ? [] : [['Tonnes a year, estimated', tonnes(now)]]), ...change(canvas, now, at(node.flow, 0))]));
    return box;
  }
  const facts = [grid(siteFacts(canvas, node, now)), ...node.processes.map((process) => processTable(data, process))];
  for (const [title, links, other] of [['Ships to', node.to, 'b'], ['Receives from', node.from, 'a']]) {
    const table = linkTable(canvas, title, links, other);
    if (table) facts.push(table);
  }
  facts.push(source(data, node));
  box.append(...(failure ? [failureWords(canvas, failure), aside('About this site', facts)] : facts));
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

function siteFacts(canvas, node, now) {
  const { data } = canvas;
  const rows = [...answerRows(canvas, node), ...missingRows(canvas, node), ['Through it, estimated', tonnes(now)], ...change(canvas, now, at(node.flow, 0))];
  if (node.status && !node.residual) rows.push(['Status', sentence(node.status)]);
  if (node.limit !== null) rows.push(['Most that can pass', tonnes(node.limit)]);
  if (node.owners.length) {
    rows.push(['Owners', node.owners.map((o) => `${data.countryName(o.owner)} ${percent(o.share)}`).join(', ')]);
  }
  return rows;
}

function processTable(data, process) {
  const product = (id) => sentence(id.replace(/-/g, ' '));
  const titles = {
    extract: `Extracts: ${product(process.output)}`,
    transform: `Makes: ${product(process.output)}, from ${product(process.input).toLowerCase()}`,
    use: `Uses: ${product(process.input)}`,
    stock: process.output ? `Stock release: ${product(process.output)}` : `Stock build: ${product(process.input)}`,
  };
  let activity = tonnes(process.activity);
  if (process.low !== null && process.high !== null) activity += ` (${number(process.low)}–${number(process.high)})`;
  const rows = [['Activity, estimated', activity]];
  if (process.capacity !== null && process.capacity > 0) rows.push(['Capacity', tonnes(process.capacity)]);
  if (process.operator) rows.push(['Operator', process.operator]);
  if (process.year) rows.push(['Year', String(process.year)]);
  if (process.confidence) rows.push(['Confidence', sentence(process.confidence)]);
  const title = data.references[process.reference];
  if (title) rows.push(['Source', title[0]]);
  return el('section', {}, el('h4', { text: titles[process.role] || sentence(process.role) }), grid(rows));
}

function linkTable(canvas, title, links, other) {
  const { data, state } = canvas;
  const scenario = canvas.scenario();
  const shown = links
    .filter((link) => state.product < 0 || link.product === state.product)
    .map((link) => ({ link, now: at(link.flow, scenario) }))
    .filter(({ now }) => now > 0)
    .sort((p, q) => q.now - p.now);
  if (!shown.length) return null;
  const rows = shown.slice(0, 6).map(({ link, now }) => {
    const interval = scenario === 0 && link.low !== null && link.high !== null
      ? ` (${number(link.low)}–${number(link.high)})` : '';
    return [link[other].name, data.countryName(link[other].country), number(now) + interval + (link.reported ? ' reported' : '')];
  });
  const more = shown.length > 6 ? `, six of ${shown.length}` : '';
  return el('section', {}, el('h4', { text: `${title}${more}` }), grid(rows, ['Site', 'Country', 't a year']));
}

function strait(canvas, node, whole) {
  const { data } = canvas;
  const scenario = canvas.scenario();
  const closed = isClosed(data, scenario, node);
  const now = at(node.flow, scenario);
  const failure = failureOf(data, node);
  const rows = [...(failure && !whole ? failureTip(data, failure) : []), ...answerRows(canvas, node),
    ...(failure ? [] : [['Tonnes a year, estimated', closed ? 'closed' : tonnes(now)]])];
  if (scenario > 0) rows.push(...change(canvas, now, at(node.flow, 0)));
  const box = el('div', {}, heading(node.name, 'Strait'), failure && whole && failureWords(canvas, failure), rows.length > 0 && grid(rows));
  if (!whole) return box;
  const dependents = data.straits[node.index] || [];
  if (dependents.length) {
    box.append(el('h4', { text: 'Who depends on it today, estimated' }),
      grid(dependents.map(([to, product, flow, share]) => (
        [[data.countryName(to), data.products.length > 1 && el('small', { text: ` ${data.products[product].name.toLowerCase()}` })],
          number(flow), percent(share)])),
      ['Receiving country', YEARLY, 'of its intake']));
  }
  if (data.scenarios.length > 1) {
    box.append(el('h4', { text: 'By scenario' }), grid(data.scenarios.map((s, i) => (
      [s.name, isClosed(data, i, node) ? 'closed' : tonnes(at(node.flow, i))]))));
  }
  box.append(source(data, node));
  return box;
}

function country(canvas, iso, whole) {
  const { data } = canvas;
  const [name, stages, shares] = data.countries[iso];
  const rows = [[`Share of ${data.stage}`, percent(at(shares, canvas.scenario()))]];
  if (canvas.scenario() > 0) rows.push(['Today', percent(shares[0])]);
  rows.unshift(...((data.answer.countries || {})[iso] || []));
  if (data.tiers[iso]) rows.push(['Alignment', sentence(data.tiers[iso])]);
  const failure = failureOf(data, { type: 'country', iso });
  const box = el('div', {}, heading(name, failure && failure.group === 'owner' ? 'Plants owned from here' : null),
    failure && (whole ? failureWords(canvas, failure) : grid(failureTip(data, failure))), grid(rows));
  const made = Object.entries(stages);
  if (whole && made.length) {
    box.append(el('h4', { text: 'Makes today, estimated' }),
      grid(made.map(([stage, value]) => [sentence(stage), tonnes(value)])));
  }
  return box;
}

function source(data, item) {
  const found = data.references[item.reference];
  const words = [found && `Source: ${[found[0], found[1], found[2]].filter(Boolean).join(', ')}`,
    item.confidence && `confidence ${item.confidence}`].filter(Boolean).join('; ');
  return words ? el('p', { class: 'sg-source', text: words }) : '';
}
