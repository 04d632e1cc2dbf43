// A preferential zone and the duties at its border. The writing side is maps/zones.py.

const DUTIES_DRAWN = 30;

const dutyAmount = ([, , , usd, share]) => (usd === null ? share : usd);

function dutyWords([, , , usd, share]) {
  const parts = [usd !== null && `${number(usd)} USD/t`, share !== null && `${number(100 * share)} %`].filter(Boolean);
  return parts.join(' and ') || 'not known';
}

/** How high a duty is among those of its kind: what is per tonne and what is of the value do not compare. */
function dutyHeight(data, duty) {
  const at = duty[3] === null ? 4 : 3;
  return dutyAmount(duty) / Math.max(...data.duties.map((other) => other[at] || 0));
}

/** The duties to draw, the highest first; those of a product only while it is shown. */
function dutiesShown({ data, state }) {
  if (!data.duties || state.hidden.has('duties')) return [];
  return data.duties.filter(([, , product]) => state.product < 0 || product < 0 || product === state.product)
    .filter((duty) => dutyAmount(duty) > 0).sort((a, b) => dutyHeight(data, b) - dutyHeight(data, a)).slice(0, DUTIES_DRAWN);
}

/** The zone as a tint with a border, over the fills. */
function drawZone(canvas, pen, frame) {
  const { data, state } = canvas;
  if (!data.zone || state.hidden.has('duties')) return;
  const { colours } = data.theme;
  const inside = data.world.filter((country) => data.zone.includes(country.iso));
  inPlane(pen, frame, () => {
    pen.fillStyle = colours.less;
    pen.globalAlpha = 0.13;
    for (const country of inside) pen.fill(country.path, 'evenodd');
    pen.globalAlpha = 1;
    pen.lineWidth = 0.9 / frame.k;
    pen.strokeStyle = colours.less;
    for (const country of inside) pen.stroke(country.path);
  });
}

/** An arrow along some points of the screen, with its head at the last. */
function arrow(pen, points, width, colour, halo) {
  const end = points[points.length - 1];
  const before = points[points.length - 2];
  const angle = Math.atan2(end[1] - before[1], end[0] - before[0]);
  const head = 4 + width * 1.6;
  for (const [extra, tone] of [[2.4, halo], [0, colour]]) {
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

/** An arrow per duty, from who exports to who charges it, as wide as it is high. */
function drawDuties(canvas, pen, frame) {
  const { data } = canvas;
  const shown = dutiesShown(canvas);
  if (!shown.length) return;
  for (const duty of shown.slice().reverse()) {
    const [a, b] = [countryPlace(data, duty[0]), countryPlace(data, duty[1])];
    if (!a || !b || a === b) continue;
    const width = (1 + 3.2 * Math.sqrt(dutyHeight(data, duty))) * frame.swell;
    const points = bent(a, b, 0.18);
    for (const copy of frame.copies) {
      arrow(pen, points.map(([x, y]) => [(x + copy * WORLD) * frame.k - frame.left, y * frame.k - frame.top]), width, data.theme.colours.more, frame.halo);
    }
  }
}

/** The amount at the middle of each arrow. */
function dutyLabels(canvas) {
  const { data } = canvas;
  return dutiesShown(canvas).flatMap((duty) => {
    const [a, b] = [countryPlace(data, duty[0]), countryPlace(data, duty[1])];
    if (!a || !b || a === b) return [];
    const points = bent(a, b, 0.18);
    const [x, y] = points[points.length >> 1];
    return [{ place: { x, y }, words: dutyWords(duty), gap: 6, font: `600 11px ${data.theme.font}`, colour: data.theme.colours.more }];
  });
}

/** What a country charges, and what its exports pay, for its popup. */
function dutyRows(data, iso) {
  const rows = [];
  if (data.zone) rows.push(['Preferential zone', data.zone.includes(iso) ? 'inside' : 'outside']);
  const product = (number) => (number >= 0 ? `, ${data.products[number].name.toLowerCase()}` : '');
  for (const duty of data.duties || []) {
    if (duty[1] === iso) rows.push([`Duty on imports from ${data.countryName(duty[0])}${product(duty[2])}`, dutyWords(duty)]);
    if (duty[0] === iso) rows.push([`Duty paid in ${data.countryName(duty[1])}${product(duty[2])}`, dutyWords(duty)]);
  }
  return rows;
}

function dutyTable(data) {
  return ['Duties', ['Exporter', 'Importer', 'Product', 'Ad valorem (share)', 'Specific (USD/t)'], () => data.duties.map(
    ([from, to, product, usd, share]) => [data.countryName(from), data.countryName(to),
      product >= 0 ? data.products[product].name : 'all', share === null ? '' : share, usd === null ? '' : usd])];
}

function zoneRows(data, row) {
  const { colours } = data.theme;
  return [
    ...(data.zone ? [row(svg(46, 16, ['rect', { x: 10, y: 3, width: 26, height: 10, fill: mix(colours.land, colours.less, 0.13), stroke: colours.less }]), 'Preferential zone')] : []),
    ...(data.duties ? [row(svg(46, 16, ['path', { d: 'M4 11 Q22 1 40 8', fill: 'none', stroke: colours.more, 'stroke-width': 3 }],
      ['path', { d: 'M44 10 L36 3 L35 11Z', fill: colours.more }]), 'Duty, from exporter to importer')] : []),
  ];
}
