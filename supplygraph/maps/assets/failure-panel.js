// Single failures beside the map: the ranking, the story of one failure, and their table. What they say is in failures.js.

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
    rows.push(row(svg(46, 16, ['circle', { cx: 23, cy: 8, r: 7, fill: colours.closed }], ['rect', { x: 19, y: 6.8, width: 8, height: 2.4, fill: colours.halo }]), 'Fails'));
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
  return ['Failures', columns, () => data.failures.items.map((item) => ({ go: item, cells: [item.name, words[item.group] || KIND_WORDS[item.node.kind],
    item.iso ? item.name : item.node && item.node.country ? data.countryName(item.node.country) : '', item.loss === null ? UNKNOWN : item.method,
    ...['through', 'days', 'km', 'usd', 'zone', 'short', 'existing', 'dominatesT', 'inCut'].map((name) => value(item[name])),
    value(lossShare(data.failures, item)), value(item.loss)] }))];
}
