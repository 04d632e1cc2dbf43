// Joint failures and defences: what fails together, what is protected, how sure that is, who loses.
// The writing side is maps/attacks.py; marks, lines and cells are those of single failures (failures.js).

const MEMBER_WORDS = { node: 'Site', passage: 'Strait', edge: 'Link', country: 'Country', owner: 'Owner' };
const FALLS = {
  node: 'Fails', passage: 'Fails', edge: 'Link fails', country: 'All sites in the country fail', owner: 'Owner fails: its share of all its plants',
};

/** Members of the set with their place on the map, and what each loser misses. */
function readAttack(raw, nodes, countries) {
  const member = (fails) => ([what, name, country, alone, without]) => {
    const item = { name, country, alone, without, fails };
    if (typeof what === 'number') item.node = nodes[what];
    else if (typeof what === 'string') item.iso = what;
    else if (what) item.edge = readEdge(what, nodes);
    if (item.edge) item.name = `${item.edge.a.name} → ${item.edge.b.name}`;
    if (item.iso && countries[item.iso]) [item.name] = countries[item.iso];
    return item;
  };
  const fails = raw.fails.map(member(true));
  const guarded = raw.protected.map(member(false));
  const items = [...fails, ...guarded];
  const losers = raw.losers && raw.losers.map(([place, name, country, demand, lost]) => ({ node: place === null ? null : nodes[place], name, country, demand, lost }));
  const drawn = (losers || []).filter(({ node }) => node);
  return {
    ...raw,
    fails,
    guarded,
    items,
    losers,
    defence: raw.j !== null,
    marked: new Set(items.filter(({ node }) => node).map(({ node }) => node.index)),
    lost: new Map(drawn.map(({ node, demand, lost }) => [node.index, { demand, unmet: lost, displaced: 0 }])),
    answer: {
      rows: Object.fromEntries(items.filter(({ node }) => node).map((item) => [item.node.index, memberRows(item)])),
      countries: Object.fromEntries(items.filter(({ iso }) => iso).map((item) => [item.iso, memberRows(item)])),
    },
  };
}

function memberRows({ fails, alone, without }) {
  const rows = [['In this answer', fails ? 'fails' : 'protected']];
  if (alone !== null) rows.push(['Demand lost if it alone fails', tonnes(alone)]);
  if (without !== null) rows.push(['Demand lost if all but it fail', tonnes(without)]);
  return rows;
}

// -- words ------------------------------------------------------------------------------------------------

const several = (count) => (count === 1 ? 'single failure' : `${count} failures`);

/** What the set costs, or what is left once the items are protected. */
function attackHeadline(attack) {
  const { defence, fails, guarded, proved, loss, before, k, j } = attack;
  const demand = attack.whose ? `demand of ${attack.whose}` : 'demand';
  const size = defence ? j : k;
  const share = (lost) => (attack.delivered > 0 && lost > 0 ? `, ${percent(lost / attack.delivered)} of what is delivered` : '');
  if (defence && !before && proved) return `No ${several(j)} ${j === 1 ? 'costs' : 'cost'} any ${demand}: nothing needs protection.`;
  if (defence) {
    const most = `the worst ${several(j)} ${j === 1 ? 'costs' : 'cost'} ${proved ? '' : 'at most '}${tonnes(loss)} of ${demand} a year${share(loss)}`;
    return guarded.length ? `With ${guarded.length === 1 ? 'this one' : `these ${guarded.length}`} protected, ${most}, instead of ${tonnes(before)}.` : `Nothing found to protect helps: ${most}.`;
  }
  if (!fails.length) return proved ? `No ${several(size)} ${size === 1 ? 'costs' : 'cost'} any ${demand}.` : 'No loss was found in the time given.';
  return `${fails.length > 1 ? `Together these ${fails.length} cost` : 'Its failure costs'} ${tonnes(loss)} of ${demand} a year${share(loss)}.`;
}

/** How sure the answer is. */
function attackProof({ defence, proved, bound, gap, k }) {
  const apart = `gap ${percent(gap)}`;
  if (defence) return proved ? `Proved: no choice of at most ${k} leaves less.` : `Not proved: another choice may leave as little as ${tonnes(bound)} (${apart}).`;
  const set = k === 1 ? 'no single failure' : `no set of at most ${k}`;
  return proved ? `Proved: ${set} costs more.` : `Not proved: nothing costs more than ${tonnes(bound)} (${apart}).`;
}

/** The name of a member as a button that shows it, and its country where the name does not say it. */
function memberCell(app, item) {
  const { data } = app;
  if (item.node) return siteCell(app.canvas, item.node);
  const shape = item.iso && data.world.find(({ iso }) => iso === item.iso);
  const go = item.edge ? () => app.bringIntoView(placeOf(data, item)) : shape ? () => app.visitCountry(shape) : null;
  if (go) return [el('button', { type: 'button', class: 'sg-go', text: item.name, dir: 'auto', click: go })];
  return [el('span', { text: item.name, dir: 'auto' }), el('small', { text: ' not on this map' })];
}

function loserCell(app, { node, name, country }) {
  if (node) return siteCell(app.canvas, node);
  return [el('span', { text: name, dir: 'auto' }), country && el('small', { text: ` ${app.data.countryName(country)}`, dir: 'auto' })];
}

/** The answer in the panel: the sentence, how sure, the members, who loses. */
function attackWords(app) {
  const { attack } = app.data;
  const { defence, fails, guarded, losers, delivered, loss } = attack;
  const kind = MEMBER_WORDS[attack.by];
  const few = losers ? losers.slice(0, TOLD) : [];
  const amount = (value) => known(value, number);
  const members = (title, items, columns, words) => (items.length ? [el('h4', { text: title }),
    grid(items.map((item) => [memberCell(app, item), ...columns.map((name) => amount(item[name]))]), columns.length ? [kind, ...words] : undefined)] : []);
  return el('section', { class: 'sg-attack', 'aria-label': defence ? 'The best defence' : 'The worst joint failures' },
    el('p', { class: 'sg-headline', text: attackHeadline(attack), dir: 'auto' }),
    el('p', { class: attack.proved ? 'sg-note' : 'sg-note sg-unproved', text: attackProof(attack) }),
    el('p', { class: 'sg-note', text: `Computed from the estimated flows${attack.years ? ` of ${attack.years}` : ''}, in contained tonnes a year.`, dir: 'auto' }),
    attack.shock && el('p', { class: 'sg-note', text: `On top of: ${attack.shock}`, dir: 'auto' }),
    grid([['Delivered while nothing fails', known(delivered, tonnes)], ...(defence ? [['Lost if nothing is protected', known(attack.before, tonnes)]] : []),
      [defence ? 'Lost all the same' : 'Lost if all fail', `${known(loss, tonnes)}${delivered > 0 ? ` (${percent(loss / delivered)})` : ''}`]]),
    ...(defence ? [...members('Protected: t of demand lost without it', guarded, ['alone'], ['if it alone fails']), ...members('The worst attack left', fails, [], [])]
      : fails.length > 1 ? members('Fail together: t of demand lost', fails, ['alone', 'without'], ['if it alone fails', 'if all but it fail']) : members('Fails', fails, [], [])),
    ...(defence ? [] : losers === null ? [el('h4', { text: `Who loses: ${UNKNOWN}` })] : losers.length ? [el('h4', { text: 'Who loses' }),
      grid(few.map((row) => [loserCell(app, row), number(row.lost), row.demand > 0 ? percent(row.lost / row.demand) : '–']), ['Site', YEARLY, 'of its demand']),
      attack.losing > few.length && el('p', { class: 'sg-note', text: `and ${number(attack.losing - few.length)} more` })] : []));
}

// -- on the map -------------------------------------------------------------------------------------------

const markColour = (theme, { fails }) => theme.colours[fails ? 'closed' : 'less'];

/** Countries of the set: tinted and outlined, red where they fail, blue where they are protected. */
function drawAttackedStates(canvas, pen, frame, attack) {
  const { theme, world } = canvas.data;
  for (const item of attack.items.filter(({ iso }) => iso)) {
    const colour = markColour(theme, item);
    pen.lineWidth = 2.2 / frame.k;
    pen.strokeStyle = colour;
    pen.fillStyle = mix(theme.colours.land, colour, 0.22);
    for (const shape of world) {
      if (shape.iso !== item.iso) continue;
      pen.fill(shape.path, 'evenodd');
      pen.stroke(shape.path);
    }
  }
}

/** Links of the set, over all other lines. */
function drawAttackedLinks(canvas, pen, frame, attack) {
  const { theme } = canvas.data;
  pen.lineCap = 'round';
  for (const item of attack.items.filter(({ edge }) => edge)) {
    inPlane(pen, frame, () => {
      for (const [width, colour] of [[7, theme.colours.halo], [4, markColour(theme, item)]]) {
        pen.lineWidth = width * frame.swell / frame.k;
        pen.strokeStyle = colour;
        pen.stroke(item.edge.path);
      }
    });
  }
}

const markRadius = (canvas, node, frame) => Math.max(7.5, node ? radiusOf(canvas, node, frame) : 0);

/** Sites of the set, and the middle of its links: the sign of a failure, or a ring around what is protected. */
function drawAttack(canvas, pen, frame, attack) {
  const { data } = canvas;
  const { colours } = data.theme;
  for (const item of attack.items.slice().reverse()) {
    const { node, edge, fails } = item;
    if (!node && !edge) continue;
    const r = markRadius(canvas, node, frame);
    eachCopy(frame, placeOf(data, item), 16, (x, y) => {
      if (fails) drawClosed(pen, colours, x, y, r);
      else if (node) drawSite(pen, colours, node, x, y, Math.max(5, radiusOf(canvas, node, frame)), { idle: false, colour: colours[node.kind] });
      if (!fails) shield(pen, colours, x, y, r + 2);
      if (!node) return;
      drawMissing(canvas, pen, node, x, y, r);
      if (canvas.state.focus === node) ring(pen, colours, x, y, r + 7);
      canvas.hits.push([x, y, r + 3, node]);
    });
  }
}

function shield(pen, colours, x, y, r) {
  for (const [width, colour] of [[6.4, colours.halo], [3.4, colours.less]]) {
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.stroke();
  }
}

const clipped = (name) => (name.length > 30 ? name.slice(0, 28) + '…' : name);

/** Where the name of a country may stand: its middle, elsewhere inside, else beside it. */
function roomIn(data, { iso }) {
  const shape = data.world.find((one) => one.iso === iso);
  if (!shape) return null;
  const size = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  const largest = shape.rings.map((polygon) => polygon[0]).sort((a, b) => size(boxOf(b)) - size(boxOf(a)))[0];
  const [left, top, right, bottom] = boxOf(largest);
  const spot = (i, j) => ({ x: left + (right - left) * i / 8, y: top + (bottom - top) * j / 8 });
  const spots = [4, 3, 5, 2, 6, 1, 7].flatMap((j) => [4, 3, 5, 2, 6].map((i) => spot(i, j))).filter(({ x, y }) => inside(largest, x, y));
  return [spot(4, 4), ...spots, spot(4, 0), spot(4, 8), spot(8, 4), spot(0, 4)];
}

/** What the map names: the members, who loses most, then the busiest straits. */
function attackLabels(canvas, frame, attack) {
  const { data, state } = canvas;
  const { colours, font } = data.theme;
  const budget = Math.round((frame.width < 700 ? 4 : 9) + 10 * Math.max(0, frame.zoom - 2) ** 1.6);
  const members = attack.items.map((item) => ({
    place: placeOf(data, item), places: item.iso && roomIn(data, item), words: `${item.node ? brief(item.node) : clipped(item.name)} ${item.fails ? 'fails' : 'protected'}`, colour: markColour(data.theme, item),
    font: `700 13px ${font}`, gap: item.iso ? 0 : markRadius(canvas, item.node, frame) + 6,
  })).filter(({ place }) => place);
  const losers = (attack.losers || []).filter(({ node }) => node && missing(canvas, node) && !attack.marked.has(node.index) && !state.hidden.has(node.kind));
  const straits = state.hidden.has('passage') ? [] : data.ranked.filter((node) => node.kind === 'passage' && !attack.marked.has(node.index)
    && siteTonnes(canvas, node) > data.largest.passage * 0.03);
  return [
    ...members,
    ...losers.slice(0, budget).map(({ node, lost, demand }) => (
      { place: node, words: `${brief(node)} −${percent(lost / demand)}`, colour: colours.closed, gap: radiusOf(canvas, node, frame) + 8 })),
    ...straits.slice(0, Math.round(budget / 2)).map((node) => ({ place: node, words: node.name, colour: colours.mute, font: `11px ${font}`, gap: radiusOf(canvas, node, frame) + 4 })),
  ];
}

// -- legend, picture, table -------------------------------------------------------------------------------

/** The sign of a member, as the legend draws it. */
function memberSign(theme, by, fails) {
  const colour = theme.colours[fails ? 'closed' : 'less'];
  if (by === 'country' || by === 'owner') {
    return svg(46, 16, ['rect', { x: 10, y: 2, width: 26, height: 12, fill: mix(theme.colours.land, colour, 0.22), stroke: colour, 'stroke-width': 2 }]);
  }
  const disc = fails ? [['circle', { cx: 23, cy: 8, r: 7, fill: colour }], ['rect', { x: 19, y: 6.8, width: 8, height: 2.4, fill: theme.colours.halo }]]
    : [['circle', { cx: 23, cy: 8, r: 2.5, fill: theme.colours.mute }], ['circle', { cx: 23, cy: 8, r: 6, fill: 'none', stroke: colour, 'stroke-width': 3 }]];
  return svg(46, 16, ...(by === 'edge' ? [['line', { x1: 3, x2: 43, y1: 8, y2: 8, stroke: colour, 'stroke-width': 4 }]] : []), ...disc);
}

/** What the marks mean, and what the figures rest on. */
function attackRows(app, row) {
  const { data } = app;
  const { attack, theme } = data;
  const rows = [];
  if (attack.fails.length) rows.push(row(memberSign(theme, attack.by, true), `${FALLS[attack.by]}${attack.defence ? ' (worst attack left)' : ''}`));
  if (attack.guarded.length) rows.push(row(memberSign(theme, attack.by, false), 'Protected'));
  if (attack.lost.size) {
    rows.push(row(svg(46, 16, ['rect', { x: 20, y: 5, width: 6, height: 6, fill: theme.colours.factory }],
      ['path', { d: 'M23 1.5 A6.5 6.5 0 0 1 23 14.5', fill: 'none', stroke: theme.colours.closed, 'stroke-width': 2.8 }]), 'Red arc: share of its demand lost'));
  }
  const year = attack.years ? ` (${attack.years})` : '';
  const who = attack.lost.size ? ' Who loses is an assumption: every supplier cuts all its customers alike.' : '';
  rows.push(el('p', { class: 'sg-note sg-how', dir: 'auto',
    text: `Contained tonnes a year${year}. Losses after the best rerouting: ${attack.method}.${who} Lines: what is shipped today.` }));
  return rows;
}

function attackTables(data) {
  const { attack } = data;
  const value = (one) => (one === null ? UNKNOWN : one);
  const where = (code) => (code ? data.countryName(code) : '');
  const sets = ['Set', [MEMBER_WORDS[attack.by], 'Role', 'Country', 'Lost if it alone fails (t)', 'Lost if all but it fail (t)'],
    () => attack.items.map((item) => ({ go: item.node, cells: [item.name, item.fails ? 'Fails' : 'Protected', where(item.country), value(item.alone), value(item.without)] }))];
  const losers = ['Who loses', ['Site', 'Country', 'Demand (t)', 'Lost (t)', 'Share of its demand lost'],
    () => (attack.losers || []).map((row) => ({ go: row.node, cells: [row.name, where(row.country), value(row.demand), value(row.lost), row.demand > 0 ? row.lost / row.demand : UNKNOWN] }))];
  return attack.losers && attack.losers.length ? [sets, losers] : [sets];
}
