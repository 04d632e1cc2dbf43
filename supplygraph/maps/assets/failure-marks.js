// Single failures on the map: sizes, arrows, rings, arcs and labels. What they say is in failures.js.

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
      stroke(edge, width + 3, theme.colours.halo);
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
      (x + copy * WORLD) * frame.k - frame.left, y * frame.k - frame.top]), width, canvas.data.theme.colours.closed, frame.halo);
  }
}

/** Two stretches one after the other, on the same copy of the world. */
function joined(first, second) {
  const shift = first[first.length - 1][0] - second[0][0];
  return first.concat(second.slice(1).map(([x, y]) => [x + shift, y]));
}

/** A ring around plants that step in when the chosen item fails. */
function drawGains(canvas, pen, frame) {
  const { chosen } = canvas.state;
  for (const { node } of chosen && chosen.gains ? chosen.gains.rows : []) {
    if (canvas.state.hidden.has(node.kind)) continue;
    eachCopy(frame, node, 12, (x, y) => {
      for (const [width, colour] of [[5, canvas.data.theme.colours.halo], [2.6, canvas.data.theme.colours.less]]) {
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
