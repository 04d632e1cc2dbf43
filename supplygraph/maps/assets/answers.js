// Answers about places: a list by size with intervals, names on the map, links drawn over the others; and what lies
// behind one factory, country or bloc. The writing sides are maps/answers.py and maps/upstream.py.

const LISTED = 10;
const NAMED = 9;
/** Rows listed however small they are. */
const LEAST = 4;

/** Whether the scenario shows what lies upstream of something, and nothing else. */
const behindShown = (canvas) => (canvas.data.behind && canvas.data.behind[canvas.scenario()] && !canvas.comparing()
  ? canvas.data.behind[canvas.scenario()] : null);

/** The answer and the scales of the scenario shown: what lies behind one factory has its own. */
function answerOf(data, scenario) {
  const behind = data.behind && data.behind[scenario];
  data.answer = behind || data.ownAnswer;
  data.largest = behind ? behind.largest : data.ownLargest;
}

function readAnswers(data) {
  if (data.zone || data.duties) LAYERS.push(['duties', 'Zone and duties']);
  data.ownAnswer = data.answer;
  data.ownLargest = data.largest;
  (data.behind || []).forEach((behind, i) => { if (behind) behind.largest = largestIn(data, [i]); });
  for (const answer of [data.answer, ...(data.behind || [])]) {
    if (answer && answer.edges) answer.lines = answer.edges.map((what) => readEdge(what, data.nodes));
  }
}

/** A value of the list with its unit. */
function valueWords(answer, value) {
  if (value === null) return 'not known';
  if (answer.unit === '%') return percent(value);
  return `${number(value)}${answer.unit ? ` ${answer.unit}` : ''}`;
}

function intervalWords(answer, low, high) {
  if (low === null || high === null) return '';
  if (answer.unit === '%') return `${Math.round(low * 100)}–${Math.round(high * 100)} %`;
  return `${number(low)}–${number(high)}`;
}

/** What a row of the list is about: a site, a country, a link, or nothing on the map. */
function rowPlace(data, place) {
  if (typeof place === 'number') return { node: data.nodes[place] };
  if (typeof place === 'string') return { iso: place };
  return place ? { edge: data.answer.lines[place.edge] } : null;
}

const rowName = (data, [place, name]) => name || (typeof place === 'number' ? data.nodes[place].name : '');

/** The rows by size, each with a bar and the interval on it; a click goes to the place. */
function answerList(app) {
  const { data } = app;
  const { answer } = data;
  if (!answer.ranked || !answer.ranked.length) return [];
  const rows = answer.ranked.slice(0, LISTED).filter(([, , value], i) => i < LEAST || answer.unit !== '%' || value >= 0.005);
  const most = Math.max(...answer.ranked.map(([, , value, , high]) => Math.max(value, high || 0)), 1e-12);
  const more = answer.ranked.length + answer.more - rows.length;
  const some = rows.some(([, , , low, high]) => low !== null && high !== null && high > low);
  return [el('h2', { text: answer.label, dir: 'auto' }),
    el('ol', { class: 'sg-bars' }, rows.map((row) => el('li', {}, barRow(app, answer, row, most)))),
    el('p', { class: 'sg-note', text: [answer.note ? answer.note : some ? 'Line: 5 to 95 % of the draws.' : 'Estimated, without an interval: ask it of an ensemble for one.',
      more > 0 && `${more} more in the table.`].filter(Boolean).join(' ') })];
}

function barRow(app, answer, row, most) {
  const [place, , value, low, high] = row;
  const { data } = app;
  const bar = el('span', { class: 'sg-bar', 'aria-hidden': 'true' });
  const part = el('i', {});
  part.style.width = `${100 * Math.max(0, value) / most}%`;
  bar.append(part);
  if (low !== null && high !== null && high > low) {
    const line = el('b', {});
    line.style.left = `${100 * Math.max(0, low) / most}%`;
    line.style.width = `${100 * (high - Math.max(0, low)) / most}%`;
    bar.append(line);
  }
  const interval = intervalWords(answer, low, high);
  const words = [el('span', { text: rowName(data, row), dir: 'auto' }), el('span', {}, valueWords(answer, value),
    interval && high > low && el('small', { text: ` ${interval}` }))];
  const found = rowPlace(data, place);
  if (!found) return el('div', { class: 'sg-bar-row' }, words, bar);
  return el('button', { type: 'button', class: 'sg-bar-row', click: () => goTo(app, found) }, words, bar);
}

function goTo(app, { node, iso, edge }) {
  if (node) app.point(node);
  else if (iso) {
    const shape = app.data.world.find((country) => country.iso === iso);
    if (shape) app.visitCountry(shape);
  } else app.bringIntoView(halfway(edge));
}

const halfway = (line) => {
  const [x, y] = line.points[line.points.length >> 1];
  return { x, y };
};

/** All rows of the list as a table. */
function answerTable(data) {
  const { answer } = data;
  const unit = answer.unit ? ` (${answer.unit === '%' ? 'share' : answer.unit})` : '';
  return ['Answer', ['Name', 'Country', `${answer.label}${unit}`, 'Low', 'High'], () => answer.ranked.map((row) => {
    const place = rowPlace(data, row[0]);
    const country = place && place.node ? data.countryName(place.node.country) : '';
    const go = place && (place.node || (place.iso && { type: 'country', iso: place.iso }));
    return { go, cells: [rowName(data, row), country, ...row.slice(2).map((value) => (value === null ? '' : value))] };
  })];
}

// -- on the map -------------------------------------------------------------------------------------------

/** How strong lines are drawn: what an answer marks stands out over paler ones. */
function strengthOf(canvas) {
  if (canvas.pale) return 0.55;
  if (canvas.data.failures || attackShown(canvas)) return 0.6;
  return canvas.data.answer.ranked && !behindShown(canvas) ? 0.5 : 1;
}

/** All flows of today in grey, under what lies upstream. */
function drawBeneath(canvas, pen, frame) {
  if (!behindShown(canvas)) return;
  const { data, state } = canvas;
  const { theme } = data;
  const under = Object.assign(Object.create(canvas), { pale: true, scenario: () => 0, data: { ...data, largest: data.ownLargest, behind: null } });
  for (const [name, width, ground] of [['legs', theme.widths.leg, theme.colours.land], ['lanes', theme.widths.lane, theme.colours.ocean]]) {
    if (!state.hidden.has(name)) drawLines(under, pen, frame, data[name], { width: width * 0.7, colour: theme.colours.same, ground });
  }
}

/** Links that the answer is about, over the lanes. */
function drawAnswerLinks(canvas, pen, frame) {
  const { answer, theme } = canvas.data;
  if (!answer.lines || canvas.comparing()) return;
  const [, , most] = answer.ranked[0] || [0, 0, 1];
  for (const [place, , value] of answer.ranked.slice().reverse()) {
    const width = (1.5 + 7 * Math.sqrt(Math.max(0, value) / (most || 1))) * frame.swell;
    inPlane(pen, frame, () => {
      for (const [extra, colour] of [[2.6, theme.colours.halo], [0, theme.colours.more]]) {
        pen.lineWidth = (width + extra) / frame.k;
        pen.strokeStyle = colour;
        pen.stroke(answer.lines[place.edge].path);
      }
    });
  }
}

/** Whether a site has nothing to do with what is shown behind a factory. */
const uninvolved = (canvas, node) => behindShown(canvas) !== null && siteTonnes(canvas, node) <= 0;

/** A ring around the factory whose supply is shown. */
function drawBehind(canvas, pen, frame) {
  const behind = behindShown(canvas);
  if (!behind || behind.node === undefined) return;
  const node = canvas.data.nodes[behind.node];
  eachCopy(frame, node, 12, (x, y) => ring(pen, canvas.data.theme.colours, x, y, Math.max(7, radiusOf(canvas, node, frame)) + 5));
}

/** Names and values of what the answer ranks first; where they stand nothing else is written. */
function answerLabels(canvas) {
  const { data } = canvas;
  const { answer, theme } = data;
  if (!answer.ranked || canvas.comparing()) return [];
  const look = { font: `600 12px ${theme.font}`, colour: theme.colours.ink };
  const own = behindShown(canvas);
  const first = own && own.node !== undefined
    ? [{ place: data.nodes[own.node], words: data.nodes[own.node].name, gap: 16, ...look, colour: theme.colours.focus }] : [];
  return first.concat(answer.ranked.slice(0, NAMED).flatMap((row) => {
    const found = rowPlace(data, row[0]);
    if (!found || found.edge || !(row[2] > (answer.unit === '%' ? 0.01 : 0))) return [];
    const place = found.node || countryPlace(data, found.iso);
    if (!place) return [];
    const words = `${rowName(data, row)} ${valueWords(answer, row[2])}`;
    return [{ place, words, gap: found.node ? null : 0, ...look }];
  }));
}

/** Where the name of a country is written: the middle of its largest part; null where it has no shape. */
function countryPlace(data, iso) {
  const shape = data.world.find((country) => country.iso === iso);
  if (!shape) return null;
  if (!shape.middle) {
    const [x, y] = middleOf(shape);
    shape.middle = { x, y };
  }
  return shape.middle;
}

/** The middle of the largest part of a country. */
function middleOf(shape) {
  const size = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  const box = shape.rings.map((polygon) => boxOf(polygon[0])).sort((a, b) => size(b) - size(a))[0];
  return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}

// -- whose supply -----------------------------------------------------------------------------------------

/** The choice of whose supply lights up, in place of the scenario slider. */
function whoseSupply(app) {
  const { data, state } = app;
  const select = el('select', { id: 'sg-whose', change: () => app.set({ scenario: Number(select.value), mode: 'single' }) },
    data.scenarios.map((scenario, i) => el('option', { value: String(i), text: i ? scenario.name.replace(/^Behind /, '') : 'Everybody, today' })));
  select.value = String(state.scenario);
  app.whose = select;
  return el('div', {}, el('label', { class: 'sg-label', for: 'sg-whose', text: 'Whose supply' }), select);
}

function answerRowsOfLegend(app, row) {
  const { data, canvas } = app;
  const { colours } = data.theme;
  const rows = [];
  if (data.answer.filled) {
    for (const [fill, words] of [[colours.refinery, 'Filled: in the plan, or going ahead'], [colours.halo, 'Hollow: not funded']]) {
      rows.push(row(svg(46, 16, ['circle', { cx: 23, cy: 8, r: 6, fill, stroke: colours.refinery, 'stroke-width': 1.3 }]), words));
    }
  }
  if (behindShown(canvas)) {
    rows.push(row(svg(46, 16, ['line', { x1: 3, x2: 43, y1: 8, y2: 8, stroke: mix(colours.ocean, colours.same, 0.5), 'stroke-width': 3 }]),
      'Grey: flows that go elsewhere'));
  }
  if (data.answer.lines) {
    rows.push(row(svg(46, 16, ['line', { x1: 3, x2: 43, y1: 8, y2: 8, stroke: colours.more, 'stroke-width': 5 }]), `Link: ${data.answer.label.toLowerCase()}`));
  }
  return rows;
}
