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
    item.loss !== null && el('p', { class: 'sg-note', text: `${sentence(item.method)}; after the best rerouting. Computed from the estimated flows${failures.years ? ` of ${failures.years}` : ''}.`, dir: 'auto' }),
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
