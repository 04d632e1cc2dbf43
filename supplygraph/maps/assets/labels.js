// Names on the map: each where it hits nothing, the most important first; those without room stay away.

/** What floats over the map. */
const FLOATING = '.sg-panel, .sg-legend, .sg-caption, .sg-credit, .leaflet-control';

/** Pixels of the map taken by what floats over it; labels keep clear of them. */
function takenBoxes(canvas) {
  if (canvas.forPicture) return [];
  const origin = canvas.map.getContainer().getBoundingClientRect();
  const boxes = [];
  for (const panel of document.querySelectorAll(FLOATING)) {
    const r = panel.getBoundingClientRect();
    if (r.width) boxes.push([r.left - origin.left - 4, r.top - origin.top - 4, r.right - origin.left + 4, r.bottom - origin.top + 4]);
  }
  return boxes;
}

/** Where names stand on one drawing, and what is taken already. */
class Board {
  constructor(canvas, pen, frame) {
    Object.assign(this, { canvas, pen, frame, taken: takenBoxes(canvas), placed: [] });
    this.longest = frame.width < 600 ? 28 : 42;
    // Signs too large to write over.
    for (const [x, y, r] of canvas.hits) if (r > 8) this.take(x, y, (r - 3) * 0.8);
  }

  take(x, y, r) { this.taken.push([x - r, y - r, x + r, y + r]); }

  free([left, top, right, bottom]) {
    const { width, height } = this.frame;
    return left >= 2 && top >= 2 && right <= width - 2 && bottom <= height - 2
      && this.taken.every((q) => left >= q[2] || right <= q[0] || top >= q[3] || bottom <= q[1]);
  }

  /** Width of a text in a font, measured once. */
  widthOf(text, font) {
    const { data } = this.canvas;
    data.textWidths = data.textWidths || new Map();
    const key = `${font}|${text}`;
    if (!data.textWidths.has(key)) data.textWidths.set(key, this.pen.measureText(text).width);
    return data.textWidths.get(key);
  }

  /** Write a text at every copy of its place, beside it or, without a gap, on it; returns how many found room. */
  write(place, text, { font, colour, gap }) {
    const { pen, frame } = this;
    const shown = text.length > this.longest ? `${text.slice(0, this.longest - 2).trimEnd()}…` : text;
    pen.font = font;
    const width = this.widthOf(shown, font);
    let put = 0;
    eachCopy(frame, place, 0, (x, y) => {
      const beside = [[x + gap, y + 4], [x - gap - width, y + 4], [x - width / 2, y - gap - 2], [x - width / 2, y + gap + 10],
        [x + gap, y - 8], [x + gap, y + 16], [x - gap - width, y - 8], [x - gap - width, y + 16]];
      const on = [4, -10, 18].flatMap((dy) => [0, -0.4, 0.4].map((part) => [x - width / 2 + part * width, y + dy]));
      for (const [left, base] of gap ? beside : on) {
        const box = [left - 2, base - 11, left + width + 2, base + 4];
        if (!this.free(box)) continue;
        this.taken.push(box);
        this.placed.push({ text: shown, box });
        pen.lineJoin = 'round';
        pen.lineWidth = 3.2;
        pen.strokeStyle = frame.halo;
        pen.strokeText(shown, left, base);
        pen.fillStyle = colour;
        pen.fillText(shown, left, base);
        put += 1;
        break;
      }
    });
    return put;
  }
}

/** Answers first, then straits, who goes without, countries, sites. */
function drawLabels(canvas, pen, frame) {
  const { data } = canvas;
  const board = new Board(canvas, pen, frame);
  canvas.placed = board.placed;
  const attack = attackShown(canvas);
  if (attack || (data.failures && canvas.scenario() === data.failures.base)) {
    const texts = attack ? attackLabels(canvas, frame, attack) : failureLabels(canvas, frame);
    for (const { place, gap } of texts) eachCopy(frame, place, 0, (x, y) => board.take(x, y, gap - 4));
    for (const text of texts) {
      const look = { font: `600 12px ${data.theme.font}`, ...text };
      (text.places || [text.place]).some((place) => board.write(place, text.words, look) > 0);
    }
    return;
  }
  const answers = [...answerLabels(canvas), ...dutyLabels(canvas)];
  for (const { place, words, gap, ...look } of answers) {
    board.write(place, words, { ...look, gap: gap === null ? radiusOf(canvas, place, frame) + 4 : gap });
  }
  // Of a smaller screen less is covered with names.
  const room = Math.max(0.45, Math.min(1.6, frame.width * frame.height / (1280 * 800)));
  const budget = room * (10 + 12 * Math.max(0, frame.zoom - 2) ** 1.6);
  straitLabels(canvas, board, Math.round(2 + budget * 0.9));
  loserLabels(canvas, board, Math.round(budget / 2));
  if (!answers.length) countryLabels(canvas, board, Math.round(budget));
  siteLabels(canvas, board, Math.round(budget));
}

/** Closed straits, then those that carry most. */
function straitLabels(canvas, board, most) {
  const { data, state } = canvas;
  if (state.hidden.has('passage')) return;
  const closed = (node) => isClosed(data, canvas.scenario(), node);
  const least = data.largest.passage * (board.frame.zoom < 3 ? 0.06 : 0.01);
  const straits = data.ranked.filter((node) => node.kind === 'passage' && (closed(node) || siteTonnes(canvas, node) > least));
  straits.sort((a, b) => closed(b) - closed(a));
  const gap = (node) => radiusOf(canvas, node, board.frame);
  for (const node of straits) eachCopy(board.frame, node, 0, (x, y) => board.take(x, y, gap(node)));
  let put = 0;
  for (const node of straits) {
    if (put >= most && !closed(node)) return;
    const { colours, font } = data.theme;
    put += board.write(node, node.name + (closed(node) ? ' – closed' : ''), {
      font: `600 12px ${font}`, colour: closed(node) ? colours.closed : colours.ink, gap: gap(node) + 4,
    });
  }
}

/** Sites that may be named, largest first. */
function namedSites(canvas) {
  const { data, state } = canvas;
  if (state.hidden.has('names')) return [];
  return data.ranked.filter((node) => node.kind !== 'passage' && !state.hidden.has(node.kind) && concerns(state, node) && siteTonnes(canvas, node) > 0);
}

/** Who goes without most. */
function loserLabels(canvas, board, most) {
  const { colours, font } = canvas.data.theme;
  const losers = namedSites(canvas).filter((node) => missing(canvas, node))
    .sort((a, b) => missing(canvas, b).unmet - missing(canvas, a).unmet).slice(0, most);
  for (const node of losers) {
    const short = missing(canvas, node);
    const name = nameOf(node);
    board.write(node, `${name.length > 34 ? name.slice(0, 32) + '…' : name} −${percent(short.unmet / short.demand)}`, {
      font: `600 11px ${font}`, colour: colours.closed, gap: radiusOf(canvas, node, board.frame) + 7,
    });
  }
}

/** Countries with a large share of what the fill shows; from nearer all that the network knows. */
function countryLabels(canvas, board, most) {
  const { data, state } = canvas;
  const { colours, font } = data.theme;
  if (state.hidden.has('countries') || state.fill === 'none') return;
  const share = (iso) => (state.fill === 'answer' && data.answer.shares ? data.answer.shares[iso] || 0 : at(data.countries[iso][2], canvas.scenario()));
  const least = board.frame.zoom < 3.2 ? 0.05 : 0;
  const named = Object.keys(data.countries).map((iso) => ({ iso, value: share(iso) })).filter(({ value }) => value >= least)
    .sort((a, b) => b.value - a.value || (a.iso < b.iso ? -1 : 1)).slice(0, most);
  for (const { iso, value } of named) {
    const place = countryPlace(data, iso);
    if (!place) continue;
    const told = state.fill !== 'tier' && !canvas.comparing() && value >= 0.005 ? ` ${percent(value)}` : '';
    board.write(place, `${data.countryName(iso).toLocaleUpperCase('en')}${told}`, { font: `600 10px ${font}`, colour: colours.mute, gap: 0 });
  }
}

function siteLabels(canvas, board, most) {
  const { colours, font } = canvas.data.theme;
  let put = 0;
  // Where the first ones found no room, the others find little: they need not all be tried.
  for (const node of namedSites(canvas).slice(0, 40 + 6 * most)) {
    if (put >= most) return;
    if (missing(canvas, node) || (node.kind === 'port' && board.frame.zoom < 4.5)) continue;
    put += board.write(node, nameOf(node), { font: `11px ${font}`, colour: colours.mute, gap: radiusOf(canvas, node, board.frame) + 3 });
  }
}

/** The unnamed rest of the world stands at some port, as it must stand somewhere: say so. */
const nameOf = (node) => node.name + (node.residual && !node.country ? ' (place unknown)' : '');
