// Pictures out of the map: the map with its title, figures and whole legend on one sheet, without panels. PNG shows what
// the screen shows, at twice its pixels; SVG is a sheet of A4 in light colours, with text as text, for print.

const PAPER = [297, 210];
const PIXELS_PER_MM = 96 / 25.4;
const MARGIN = 16;
const SIGN = 52;
const GAP = 22;
const SHARPNESS = 2;
const CREDIT = 'Land: Natural Earth. Map: supplygraph.';

function savePicture(app) {
  app.canvas.picture('png', 'screen').toBlob((blob) => saveFile('supply-map.png', 'image/png', [blob]));
}

function saveVector(app) {
  saveFile('supply-map.svg', 'image/svg+xml', [app.canvas.picture('svg', 'print')]);
}

Canvas.include({
  /** The map on a sheet: 'png' gives a canvas, 'svg' text; sheets are as large as the 'screen', or for 'print'. */
  picture(kind, sheet) {
    const { app, data } = this;
    const { theme } = data;
    if (sheet === 'print') data.theme = lookOf(data.themes, 'light');
    const kept = app.canvases.map((canvas) => [canvas, canvas.frame, canvas.hits]);
    app.canvases.forEach((canvas) => { canvas.forPicture = true; });
    try {
      return kind === 'png' ? pixelSheet(app, sheet) : vectorSheet(app, sheet);
    } finally {
      data.theme = theme;
      kept.forEach(([canvas, frame, hits]) => Object.assign(canvas, { frame, hits, forPicture: false }));
      app.legend.update();
    }
  },
});

function pixelSheet(app, paper) {
  const layout = layoutOf(app, document.createElement('canvas').getContext('2d'), paper);
  const picture = el('canvas', { width: Math.round(layout.width * SHARPNESS), height: Math.round(layout.height * SHARPNESS) });
  const pen = picture.getContext('2d');
  pen.scale(SHARPNESS, SHARPNESS);
  paintSheet(app, pen, layout);
  return picture;
}

function vectorSheet(app, paper) {
  const layout = layoutOf(app, document.createElement('canvas').getContext('2d'), paper);
  const pen = new VectorPen(layout.width, layout.height);
  paintSheet(app, pen, layout);
  const { data } = app;
  return pen.text({
    ...layout, font: data.theme.font, title: data.title, words: [...layout.head.map(({ text }) => text).slice(1), CREDIT].join('\n'),
  });
}

// -- where things stand -----------------------------------------------------------------------------------

/** Everything's place on the sheet; what is measured is text, so any pen will do. */
function layoutOf(app, pen, paper) {
  const shown = app.page.classList.contains('sg-split') ? [app.canvases[1], app.canvases[0]] : [app.canvas];
  const print = paper === 'print';
  const tall = print && clearPart(app).height > 1.25 * clearPart(app).width;
  const millimetres = tall ? PAPER.slice().reverse() : PAPER;
  const [width, height] = print ? millimetres.map((side) => Math.round(side * PIXELS_PER_MM)) : [screenOf(app, shown).width, null];
  const margin = print ? 2 * MARGIN : MARGIN;
  const head = headLines(app, pen, width - 2 * margin);
  const top = margin + head.reduce((sum, line) => sum + line.high, 0) + 4;
  const legend = legendLayout(app, pen, width - 2 * margin);
  const room = print ? { x: margin, y: top, width: width - 2 * margin, height: Math.max(240, height - top - legend.height - margin - 10) } : { x: 0, y: top, ...screenOf(app, shown) };
  const maps = print ? mapsForPrint(app, shown, room) : mapsAsSeen(shown, room);
  const legendTop = room.y + room.height + 10;
  const foot = legendTop + legend.height + margin;
  const sides = [width, Math.ceil(print ? Math.max(height, foot) : foot)];
  const scale = print ? millimetres[0] / width : 1 / PIXELS_PER_MM;
  return {
    width: sides[0], height: sides[1], millimetres: sides.map((side) => Math.round(10 * side * scale) / 10), margin, head, room, maps, legendTop,
  };
}

/** The box around the maps on the screen, without what the panel covers at the foot of a phone. */
function screenOf(app, shown) {
  const boxes = shown.map(({ map }) => map.getContainer().getBoundingClientRect());
  const panel = app.panel.element.getBoundingClientRect();
  const left = Math.min(...boxes.map((box) => box.left));
  const top = Math.min(...boxes.map((box) => box.top));
  const right = Math.max(...boxes.map((box) => box.right));
  const bottom = Math.max(...boxes.map((box) => box.bottom));
  const covered = window.innerWidth <= 700 && shown.length === 1 ? Math.max(0, bottom - panel.top) : 0;
  return { left, top, width: Math.round(right - left), height: Math.round(Math.max((bottom - top) / 3, bottom - top - covered)) };
}

function mapsAsSeen(shown, room) {
  return shown.map((canvas) => {
    const box = canvas.map.getContainer().getBoundingClientRect();
    const { zoom, left, top, width, height } = canvas.frameOf();
    return { canvas, x: room.x + box.left - room.left, y: room.y + box.top - room.top, frame: canvas.frameAt(zoom, left, top, width, Math.min(height, room.height)) };
  });
}

/** What no panel hides of the main map, in the plane, without the ice at both ends of the world. */
function clearPart(app) {
  const { left, top, width, height, k } = app.canvas.frameOf();
  const origin = app.container.getBoundingClientRect();
  const panel = app.panel.element.getBoundingClientRect();
  const split = app.page.classList.contains('sg-split');
  const narrow = window.innerWidth <= 700;
  const right = split || narrow ? width : Math.max(width / 2, panel.left - origin.left - 12);
  const bottom = split || !narrow ? height : Math.max(height / 3, panel.top - origin.top - 8);
  const first = Math.max(top / k, projectY(77));
  const last = Math.min((top + bottom) / k, projectY(-57));
  return first < last - 1e-6 ? { x: left / k, y: first, width: right / k, height: last - first }
    : { x: left / k, y: top / k, width: right / k, height: bottom / k };
}

/** The maps in a room of the sheet: each shows at least what is seen of the main map, as large as it can. */
function mapsForPrint(app, shown, room) {
  const part = clearPart(app);
  const gap = 12;
  const scaleIn = ([w, h]) => Math.min(w / part.width, h / part.height);
  const beside = [(room.width - gap) / 2, room.height];
  const below = [room.width, (room.height - gap) / 2];
  const inRow = shown.length > 1 && scaleIn(beside) >= scaleIn(below);
  const full = shown.length === 1 ? [room.width, room.height] : inRow ? beside : below;
  const k = scaleIn(full);
  // Nobody needs the same country twice.
  const size = [Math.min(full[0], WORLD * k), full[1]];
  return shown.map((canvas, i) => ({
    canvas,
    x: room.x + (full[0] - size[0]) / 2 + (inRow ? i * (full[0] + gap) : 0),
    y: room.y + (inRow ? 0 : i * (full[1] + gap)),
    frame: canvas.frameAt(Math.log2(k), (part.x + part.width / 2) * k - size[0] / 2, (part.y + part.height / 2) * k - size[1] / 2, ...size),
  }));
}

// -- words ------------------------------------------------------------------------------------------------

/** Text in lines no wider than given; words without room are broken, and what does not fit in the lines is cut. */
function wrapped(pen, text, width, most) {
  const fits = (words) => pen.measureText(words).width <= width;
  const lines = [];
  let line = '';
  const pieces = String(text).split(/[\s]+/).filter(Boolean).flatMap((word) => {
    const parts = [];
    let part = '';
    for (const sign of fits(word) ? [word] : word) {
      if (part && !fits(part + sign)) { parts.push(part); part = ''; }
      part += sign;
      if (parts.length > most) break;
    }
    return [...parts, part];
  });
  for (const piece of pieces) {
    if (line && !fits(`${line} ${piece}`)) { lines.push(line); line = ''; }
    if (lines.length === most) break;
    line = line ? `${line} ${piece}` : piece;
  }
  if (lines.length < most && line) return [...lines, line];
  let last = Array.from(lines[most - 1] || '');
  while (last.length && !fits(`${last.join('')}…`)) last = last.slice(0, -1);
  return lines.length ? [...lines.slice(0, most - 1), `${last.join('')}…`] : [];
}

/** Right to left where the first letter is Hebrew, Arabic or the like. */
const rightToLeft = (text) => /^[^\p{L}]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u.test(text);

/** Title, scenario, what the figures rest on and the key figures, in lines. */
function headLines(app, pen, width) {
  const { data, state } = app;
  const { colours, font } = data.theme;
  const scenario = data.scenarios[state.scenario];
  const against = state.mode === 'difference' ? ', change against today' : state.mode === 'split' ? ' beside today' : '';
  const { chosen } = state;
  const attack = attackShown(app.canvas);
  const name = chosen ? `${chosen.name} fails` : data.scenarios.length > 1 || against ? scenario.name + against : '';
  const figures = chosen ? failureHeadline(data, chosen) : attack ? `${attackHeadline(attack)} ${attackProof(attack)}`
    : scenario.kpis.slice(0, 6).map(([label, value]) => `${label} ${value}`).join('  ·  ');
  return [
    [data.title, 600, 18, colours.ink, 24, 3],
    [name, 600, 13, colours.ink, 18, 2],
    [figures, 400, 12, colours.ink, 17, 2],
    [data.subtitle, 400, 11.5, colours.mute, 16, 4],
  ].flatMap(([text, weight, size, colour, high, most]) => {
    const look = { font: `${weight} ${size}px ${font}`, colour, high };
    pen.font = look.font;
    return text ? wrapped(pen, text, width, most).map((line) => ({ ...look, text: line, rtl: rightToLeft(text) })) : [];
  });
}

/** The rows of the legend on the page, in columns; notes below them, as wide as the sheet. */
function legendLayout(app, pen, width) {
  const { colours, font } = app.data.theme;
  app.legend.update();
  const found = [...app.legend.rows.querySelectorAll('.sg-row, p')].filter((row) => row.textContent.trim());
  pen.font = `400 11px ${font}`;
  const rows = found.filter((row) => row.matches('.sg-row')).map((row) => ({ sign: row.querySelector('svg'), text: row.textContent }));
  const widest = Math.min(width, 250, Math.max(...rows.map((row) => SIGN + pen.measureText(row.text).width), 60));
  const count = Math.max(1, Math.floor((width + GAP) / (widest + GAP)));
  const column = (width + GAP) / count;
  for (const row of rows) {
    row.lines = wrapped(pen, row.text, column - SIGN - GAP, 4);
    row.high = Math.max(18, row.lines.length * 13 + 4, row.sign ? Number(row.sign.getAttribute('height')) + 2 : 0);
  }
  const items = [];
  const most = columnHeight(rows, count);
  let x = 0;
  let y = 0;
  for (const row of rows) {
    if (y + row.high > most) { x += column; y = 0; }
    items.push({ ...row, x, y });
    y += row.high;
  }
  let below = rows.length ? most + 4 : 0;
  pen.font = `400 10.5px ${font}`;
  for (const note of [...found.filter((row) => !row.matches('.sg-row')).map((row) => row.textContent), CREDIT]) {
    for (const text of wrapped(pen, note, width, 6)) {
      items.push({ note: text, x: 0, y: below });
      below += 14;
    }
  }
  return { items, height: below, colours, font };
}

/** The least height at which rows, in their order, fill so many columns. */
function columnHeight(rows, count) {
  let most = Math.max(0, ...rows.map((row) => row.high), Math.ceil(rows.reduce((sum, row) => sum + row.high, 0) / count));
  const needed = () => rows.reduce(([columns, y], { high }) => (y + high > most ? [columns + 1, high] : [columns, y + high]), [1, 0])[0];
  while (needed() > count) most += 2;
  return most;
}

// -- painting ---------------------------------------------------------------------------------------------

function paintSheet(app, pen, layout) {
  const { colours } = app.data.theme;
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, layout.width, layout.height);
  let y = layout.margin;
  for (const line of layout.head) {
    writeLine(pen, line, layout.margin, y + line.high - 7);
    y += line.high;
  }
  for (const map of layout.maps) paintMap(app, pen, map, layout.maps.length > 1);
  app.canvas.frame = layout.maps.find(({ canvas }) => canvas === app.canvas).frame;
  paintLegend(pen, legendLayout(app, pen, layout.width - 2 * layout.margin), layout.margin, layout.legendTop);
}

function writeLine(pen, { text, font, colour, rtl }, x, y) {
  pen.save();
  pen.font = font;
  pen.fillStyle = colour;
  pen.textAlign = 'left';
  pen.direction = rtl ? 'rtl' : 'ltr';
  pen.fillText(text, x, y);
  pen.restore();
}

function paintMap(app, pen, { canvas, frame, x, y }, named) {
  const { colours, font } = app.data.theme;
  pen.save();
  pen.beginPath();
  pen.rect(x, y, frame.width, frame.height);
  pen.clip();
  pen.translate(x, y);
  Object.assign(canvas, { frame, hits: [] });
  canvas.paint(pen, frame);
  if (named) {
    pen.font = `600 12px ${font}`;
    pen.lineWidth = 4;
    pen.lineJoin = 'round';
    pen.strokeStyle = colours.halo;
    pen.fillStyle = colours.ink;
    const [name] = wrapped(pen, app.data.scenarios[canvas.scenario()].name, frame.width - 20, 1);
    pen.strokeText(name, 10, 20);
    pen.fillText(name, 10, 20);
  }
  pen.restore();
  pen.beginPath();
  pen.rect(x, y, frame.width, frame.height);
  pen.lineWidth = 1;
  pen.strokeStyle = colours.line;
  pen.stroke();
}

function paintLegend(pen, { items, colours, font }, left, top) {
  for (const item of items) {
    const [x, y] = [left + item.x, top + item.y];
    if (item.note) {
      writeLine(pen, { text: item.note, font: `400 10.5px ${font}`, colour: colours.mute, rtl: rightToLeft(item.note) }, x, y + 11);
      continue;
    }
    if (item.sign) paintSign(pen, item.sign, x, y + (item.high - Number(item.sign.getAttribute('height'))) / 2);
    const base = y + item.high / 2 - (item.lines.length - 1) * 6.5 + 4;
    item.lines.forEach((text, i) => writeLine(pen, { text, font: `400 11px ${font}`, colour: colours.ink, rtl: rightToLeft(text) }, x + SIGN, base + i * 13));
  }
}

/** A sign of the legend, drawn from its SVG shapes. */
function paintSign(pen, picture, x, y) {
  if (pen instanceof VectorPen) { pen.sign(picture, x, y); return; }
  pen.save();
  pen.translate(x, y);
  for (const shape of picture.children) {
    const value = (name, missing) => (shape.hasAttribute(name) ? shape.getAttribute(name) : missing);
    const path = outlineOf(shape.tagName, (name) => Number(value(name, 0)), value('d', ''));
    pen.globalAlpha = Number(value('opacity', 1));
    pen.lineCap = value('stroke-linecap', 'butt');
    pen.setLineDash(value('stroke-dasharray', '').split(/[ ,]+/).filter(Boolean).map(Number));
    pen.lineWidth = Number(value('stroke-width', 1));
    pen.fillStyle = value('fill', '#000000');
    pen.strokeStyle = value('stroke', 'none');
    if (value('fill') !== 'none' && shape.tagName !== 'line') pen.fill(path);
    if (value('stroke', 'none') !== 'none') pen.stroke(path);
  }
  pen.restore();
}

function outlineOf(tag, length, d) {
  const path = new Path2D(tag === 'path' ? d : '');
  if (tag === 'line') {
    path.moveTo(length('x1'), length('y1'));
    path.lineTo(length('x2'), length('y2'));
  } else if (tag === 'rect') path.rect(length('x'), length('y'), length('width'), length('height'));
  else if (tag === 'circle') path.arc(length('cx'), length('cy'), length('r'), 0, 2 * Math.PI);
  return path;
}
