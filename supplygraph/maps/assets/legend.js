// The legend: what the signs, widths and fills on the map mean.

function svg(width, height, ...shapes) {
  const make = (tag, attributes) => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const picture = make('svg', { width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' });
  for (const [tag, attributes] of shapes) picture.append(make(tag, attributes));
  return picture;
}

/** A round number near the value, for a scale. */
function roundish(value) {
  const size = 10 ** Math.floor(Math.log10(value));
  const lead = value / size;
  return (lead >= 5 ? 5 : lead >= 2 ? 2 : 1) * size;
}

/** What the fills of countries by share mean. */
function shareRow(data, row, fill = 'answer') {
  const { shares, colours } = data.theme;
  return row(svg(46, 16, ...shares.map((colour, i) => (
    ['rect', { x: 3 + i * 8, y: 3, width: 8, height: 10, fill: colour, stroke: colours.border, 'stroke-width': 0.5 }]))),
  `${fill === 'answer' ? data.answer.label : `Share of ${data.stage}`}: to 1, 5, 15, 30 %, more`);
}

/** A row per product, as its strands are drawn. */
function productRows(data, row) {
  const { products } = data.theme;
  const names = data.products.slice(0, products.length).map(({ name }) => name);
  if (data.products.length > products.length) names.push('Other products');
  return names.map((name, i) => {
    const colour = productColour(data.theme, i);
    return row(svg(46, 16, ['line', { x1: 3, x2: 43, y1: 8, y2: 8, stroke: colour, 'stroke-width': 4 }],
      ['path', { d: 'M29 8 L18 2.5 L18 13.5Z', fill: mix(colour, data.theme.colours.ink, 0.35), stroke: data.theme.colours.halo, 'stroke-width': 1 }]), name);
  });
}

class Legend {
  constructor(app) {
    this.app = app;
    this.rows = el('div', { class: 'sg-rows' });
    this.element = el('details', { class: 'sg-legend', open: window.innerWidth > 900 && window.innerHeight > 560 },
      el('summary', { text: 'Legend' }), this.rows);
    this.element.addEventListener('toggle', () => app.redraw());
    for (const stop of ['disableClickPropagation', 'disableScrollPropagation']) L.DomEvent[stop](this.element);
  }

  update() {
    const { data, state } = this.app;
    const { theme } = data;
    const row = (picture, text) => el('div', { class: 'sg-row' }, picture, el('span', { text }));
    const comparing = state.mode === 'difference';
    const { land, more, less } = theme.colours;
    this.rows.replaceChildren(...(data.failures ? failureRows(this.app, row) : []), ...(attackShown(this.app.canvas) ? attackRows(this.app, row) : []), ...this.lineRows(row), ...this.siteRows(row), ...answerRowsOfLegend(this.app, row), ...zoneRows(data, row), ...this.shockRows(row),
      ...(comparing && state.fill === 'share' ? [row(svg(46, 16,
        ['rect', { x: 8, y: 3, width: 14, height: 10, fill: mix(land, more, 0.35) }],
        ['rect', { x: 24, y: 3, width: 14, height: 10, fill: mix(land, less, 0.35) }]), `Share of ${data.stage}: up, down`)] : []),
      ...((state.fill === 'share' && !comparing) || (state.fill === 'answer' && !data.failures) ? [shareRow(data, row, state.fill)] : []),
      ...(data.answer.sizes ? [row(svg(46, 16, ['circle', { cx: 14, cy: 8, r: 3, fill: theme.colours.mute }],
        ['circle', { cx: 31, cy: 8, r: 7, fill: theme.colours.mute }]), `Size: ${data.answer.label.toLowerCase()}`)] : []),
      ...(state.fill === 'tier' ? Object.entries(theme.tiers).map(([tier, colour]) => row(svg(46, 16,
        ['rect', { x: 12, y: 3, width: 20, height: 10, fill: colour, stroke: theme.colours.border }]), sentence(tier))) : []));
  }

  /** What the scenario does: who goes without, whose exports are limited, what stands still. */
  shockRows(row) {
    const { data, canvas } = this.app;
    const { colours } = data.theme;
    const scenario = data.scenarios[canvas.scenario()];
    const rows = [];
    if (scenario.short.size) {
      rows.push(row(svg(46, 16, ['rect', { x: 20, y: 5, width: 6, height: 6, fill: colours.factory }],
        ['path', { d: 'M23 1.5 A6.5 6.5 0 0 1 23 14.5', fill: 'none', stroke: colours.closed, 'stroke-width': 2.8 }]),
      'Red arc: share of demand unmet'));
    }
    if (scenario.restricted.size) {
      rows.push(row(svg(46, 16, ['rect', { x: 8, y: 3, width: 30, height: 10, fill: 'none', stroke: colours.closed,
        'stroke-width': 1.8, 'stroke-dasharray': '6 3' }]), 'Exports limited'));
    }
    if (!data.behind && data.nodes.some((node) => at(node.flow, 0) > 0 && at(node.flow, canvas.scenario()) <= 0
      && !['port', 'passage'].includes(node.kind))) {
      rows.push(row(svg(46, 16, ['circle', { cx: 23, cy: 8, r: 5, fill: colours.halo, stroke: colours.refinery, 'stroke-width': 1.3 }]),
        'Hollow: stands still'));
    }
    return rows;
  }

  lineRows(row) {
    const { data, state, canvas } = this.app;
    const { theme } = data;
    const stroke = (y, colour, width, extra) => ['line', {
      x1: 3, x2: 43, y1: y, y2: y, stroke: colour, 'stroke-width': width, ...extra }];
    const swell = canvas.frame ? canvas.frame.swell : 1;
    const widthOf = (value) => (theme.widths.least + Math.sqrt(value / data.largest.line) * theme.widths.lane) * swell;
    const tone = (colour) => mix(theme.colours.ocean, colour, 0.62);
    if (state.mode === 'difference') {
      return [row(svg(46, 16, stroke(8, theme.colours.more, 4)), 'More than today'),
        row(svg(46, 16, stroke(8, theme.colours.less, 4)), 'Less than today'),
        ...[0.2, 0.02].map((part) => roundish(data.largest.line * part)).map((value) => (
          row(svg(46, 16, stroke(8, theme.colours.more, Math.min(15, widthOf(value)), { 'stroke-dasharray': '11 3' })),
            `${tonnes(value)} a year, dashed: estimated`))),
        row(svg(46, 16, ['circle', { cx: 10, cy: 8, r: 5, fill: theme.colours.more }],
          ['circle', { cx: 23, cy: 8, r: 5, fill: theme.colours.less }], ['circle', { cx: 36, cy: 8, r: 5, fill: theme.colours.same }]),
        'Sites: more, less, the same')];
    }
    const strands = byProduct(canvas);
    const colour = strands ? theme.colours.mute : laneColour(canvas);
    const scale = (data.failures || data.attack ? [0.5] : [1, 0.2, 0.02]).map((part) => roundish(data.largest.line * part));
    return [
      ...(strands ? productRows(data, row) : []),
      ...scale.map((value) => row(svg(46, 16, stroke(8, tone(colour), Math.min(15, widthOf(value))),
        stroke(8, colour, Math.min(15, widthOf(value)), { 'stroke-dasharray': '11 3' })), tonnes(value) + ' a year')),
      row(svg(46, 16, stroke(8, strands ? colour : theme.colours.land_leg, 2.5, { 'stroke-dasharray': '7 2.2' })), strands ? 'Over land: narrower' : 'Over land'),
      row(svg(46, 16, stroke(8, colour, 3, { 'stroke-dasharray': '7 2.2' })), 'Dashed: estimated'),
      ...([...data.lanes, ...data.legs].some((item) => item.reported) && canvas.scenario() === 0 ? [row(svg(46, 16, stroke(8, colour, 3)), 'Solid: mostly reported')] : []),
      ...(data.dotted.length ? [row(svg(46, 16, stroke(8, colour, 3, { 'stroke-dasharray': '0.1 6', 'stroke-linecap': 'round' })),
        'Dotted: way not known')] : []),
      ...(state.hidden.has('links') ? [] : [row(svg(46, 16, ['path', { d: 'M3,3 Q25,4 44,8 Q25,12 3,13Z', fill: theme.colours.mine, opacity: 0.6 }]),
        'Direct link, wide at its origin')]),
    ];
  }

  siteRows(row) {
    const { data, state } = this.app;
    const { colours } = data.theme;
    const colourOf = (kind) => colours[state.mode === 'difference' ? 'mute' : kind];
    const shapes = {
      mine: ['path', { d: 'M23 2 L30 14 L16 14Z', fill: colourOf('mine') }],
      refinery: ['circle', { cx: 23, cy: 8, r: 6, fill: colourOf('refinery') }],
      factory: ['rect', { x: 17.5, y: 2.5, width: 11, height: 11, fill: colourOf('factory') }],
      port: ['circle', { cx: 23, cy: 8, r: 3.5, fill: colours.halo, stroke: colours.port, 'stroke-width': 1.4 }],
    };
    const rows = Object.entries(shapes).filter(([kind]) => !state.hidden.has(kind) && data.nodes.some((n) => n.kind === kind))
      .map(([kind, shape]) => row(svg(46, 16, shape), KIND_WORDS[kind]));
    if (data.nodes.some((node) => node.residual)) {
      rows.push(row(svg(46, 16, ['circle', { cx: 23, cy: 8, r: 6, fill: colours.halo, stroke: colourOf('refinery'),
        'stroke-width': 1.3, 'stroke-dasharray': '2.5 2' }]), 'Unnamed rest of a country'));
    }
    if (!state.hidden.has('passage') && data.nodes.some((node) => node.kind === 'passage')) {
      const open = ['path', { d: 'M14 2 L20 8 L14 14 L8 8Z', fill: colours.passage }];
      const closed = [['circle', { cx: 34, cy: 8, r: 7, fill: colours.closed }], ['rect', { x: 30, y: 6.8, width: 8, height: 2.4, fill: colours.halo }]];
      const some = data.scenarios.some((scenario) => scenario.closed.length);
      rows.push(row(svg(46, 16, open, ...(some ? closed : [])), some ? 'Strait; closed' : 'Strait'));
    }
    return rows;
  }
}
