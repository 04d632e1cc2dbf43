// A pen that writes SVG: it takes the calls that the drawing code makes of a canvas, and keeps shapes instead of
// pixels. Nodes are built and serialised by the browser, so text of the network stays text.

const SVG_SPACE = 'http://www.w3.org/2000/svg';
const XML_SPACE = 'http://www.w3.org/XML/1998/namespace';
const writers = new WeakMap();

/** A path for the canvas. How it was written is kept, so that a vector pen can write it again. */
function pathOf(write) {
  const path = new Path2D();
  write(path);
  writers.set(path, write);
  return path;
}

/** An empty path for this pen and the plane it is in now, to which paths are added. */
const emptyPath = (pen) => (pen instanceof VectorPen ? new Trace(pen.matrix) : new Path2D());

/** Characters that XML cannot hold, and halves of pairs, become the sign of an unknown character. */
const xmlText = (text) => String(text).replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');

function svgNode(tag, attributes, text) {
  const node = document.createElementNS(SVG_SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, xmlText(value));
  }
  if (text !== undefined) node.textContent = xmlText(text);
  return node;
}

/** A matrix [a, b, c, d, e, f] after another. */
function matrixTimes([a, b, c, d, e, f], [p, q, r, s, t, u]) {
  return [a * p + c * q, b * p + d * q, a * r + c * s, b * r + d * s, a * t + c * u + e, b * t + d * u + f];
}

const matrixScale = ([a, b, c, d]) => Math.sqrt(Math.abs(a * d - b * c));

/** `#rrggbb` where the drawing code mixed a colour as `rgb(r,g,b)`: other programs read it too. */
function hexColour(colour) {
  const parts = /^rgb\((\d+),\s*(\d+),\s*(\d+)\)$/.exec(colour);
  return parts ? `#${parts.slice(1).map((part) => Number(part).toString(16).padStart(2, '0')).join('')}` : colour;
}

/** What SVG calls a path: points on the sheet in tenths of a pixel, each relative to the last; no step too short to see. */
class Trace {
  constructor(matrix) {
    this.matrix = matrix;
    this.d = '';
    this.box = [Infinity, Infinity, -Infinity, -Infinity];
    this.at = null;
    this.start = null;
    this.letter = '';
  }

  /** Where a point lies on the sheet. */
  place(x, y) {
    const [a, b, c, d, e, f] = this.matrix;
    const point = [Math.round(10 * (a * x + c * y + e)), Math.round(10 * (b * x + d * y + f))];
    const { box } = this;
    for (const i of [0, 1]) {
      box[i] = Math.min(box[i], point[i] / 10);
      box[i + 2] = Math.max(box[i + 2], point[i] / 10);
    }
    return point;
  }

  /** Write numbers after a letter, which is not repeated; a point that nothing follows is never written. */
  write(letter, tenths) {
    if (this.pending) {
      this.pending = false;
      this.write('M', this.at);
    }
    let text = letter === this.letter && letter !== 'M' ? '' : letter;
    const first = text;
    for (const number of tenths) {
      const word = String(number / 10).replace(/^(-?)0\./, '$1.');
      text += (first && text === first) || word.startsWith('-') ? word : ` ${word}`;
    }
    this.d += text;
    this.letter = letter;
  }

  step(letter, points, [x, y]) {
    const [px, py] = this.at;
    this.write(letter, [...points, [x, y]].flatMap(([qx, qy]) => [qx - px, qy - py]));
    this.at = [x, y];
  }

  moveTo(x, y) {
    this.at = this.place(x, y);
    this.start = this.at;
    this.pending = true;
  }

  lineTo(x, y) {
    if (!this.at) { this.moveTo(x, y); return; }
    const point = this.place(x, y);
    if (Math.abs(point[0] - this.at[0]) + Math.abs(point[1] - this.at[1]) > 2) this.step('l', [], point);
  }

  quadraticCurveTo(cx, cy, x, y) { this.step('q', [this.place(cx, cy)], this.place(x, y)); }

  rect(x, y, width, height) {
    this.moveTo(x, y);
    for (const [px, py] of [[x + width, y], [x + width, y + height], [x, y + height]]) this.lineTo(px, py);
    this.closePath();
  }

  /** Part of a circle, clockwise; as long as the pen scales both directions alike. */
  arc(x, y, r, from, to) {
    const turn = Math.min(2 * Math.PI, to - from);
    const on = (angle) => [x + r * Math.cos(angle), y + r * Math.sin(angle)];
    const radius = Math.round(10 * r * matrixScale(this.matrix));
    if (this.at && !this.pending && this.letter !== 'z') this.lineTo(...on(from)); else this.moveTo(...on(from));
    for (const side of [-r, r]) this.place(x + side, y + side);
    const parts = turn > Math.PI * 0.99 ? 2 : 1;
    for (let i = 1; i <= parts; i += 1) {
      const point = this.place(...on(from + turn * i / parts));
      this.write('a', [radius, radius, 0, 0, 10, point[0] - this.at[0], point[1] - this.at[1]]);
      this.at = point;
    }
    if (turn >= 2 * Math.PI) this.closePath();
  }

  closePath() {
    if (!this.pending && this.at) this.write('z', []);
    this.at = this.start;
    this.pending = true;
  }

  addPath(path) {
    const write = writers.get(path);
    if (!write) throw new Error('a path that no pen can write again: make it with pathOf');
    write(this);
  }
}

/** What `save` keeps. */
const PEN_STATE = ['matrix', 'group', 'frame', 'fillStyle', 'strokeStyle', 'lineWidth', 'lineCap', 'lineJoin', 'dash', 'font', 'globalAlpha',
  'direction', 'textAlign'];

class VectorPen {
  constructor(width, height) {
    this.group = svgNode('g', {});
    this.sheet = this.group;
    this.matrix = [1, 0, 0, 1, 0, 0];
    this.frame = [0, 0, width, height];
    Object.assign(this, {
      fillStyle: '#000000', strokeStyle: '#000000', lineWidth: 1, lineCap: 'butt', lineJoin: 'miter', dash: [], font: '10px sans-serif', globalAlpha: 1,
      direction: 'ltr', textAlign: 'left',
    });
    this.kept = [];
    this.clips = 0;
    this.ruler = document.createElement('canvas').getContext('2d');
    this.beginPath();
  }

  save() { this.kept.push(PEN_STATE.map((name) => [name, this[name]])); }

  restore() { Object.assign(this, Object.fromEntries(this.kept.pop())); }

  transform(matrix) { this.matrix = matrixTimes(this.matrix, matrix); }

  translate(x, y) { this.transform([1, 0, 0, 1, x, y]); }

  scale(x, y) { this.transform([x, 0, 0, y, 0, 0]); }

  rotate(angle) { this.transform([Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle), 0, 0]); }

  setLineDash(dash) { this.dash = dash; }

  measureText(text) {
    this.ruler.font = this.font;
    return this.ruler.measureText(text);
  }

  // -- paths ----------------------------------------------------------------------------------------------

  beginPath() { this.path = new Trace(this.matrix); }

  /** The path under way; its next points go through the matrix of now. */
  get pathNow() {
    this.path.matrix = this.matrix;
    return this.path;
  }

  moveTo(x, y) { this.pathNow.moveTo(x, y); }

  lineTo(x, y) { this.pathNow.lineTo(x, y); }

  quadraticCurveTo(cx, cy, x, y) { this.pathNow.quadraticCurveTo(cx, cy, x, y); }

  arc(x, y, r, from, to) { this.pathNow.arc(x, y, r, from, to); }

  rect(x, y, width, height) { this.pathNow.rect(x, y, width, height); }

  closePath() { this.pathNow.closePath(); }

  /** The trace of a given path in the matrix of now; countries are filled and outlined, so the last one is kept. */
  traceOf(path) {
    if (!path) return this.path;
    if (path instanceof Trace) return path;
    const key = this.matrix.join();
    if (this.known && this.known.path === path && this.known.key === key) return this.known.trace;
    const trace = new Trace(this.matrix);
    trace.addPath(path);
    this.known = { path, key, trace };
    return trace;
  }

  /** Nothing of a shape off the frame goes into the file: copies of the world that nobody sees, above all. */
  seen({ d, box }, margin) {
    const [left, top, right, bottom] = this.frame;
    return d !== '' && box[0] <= right + margin && box[2] >= left - margin && box[1] <= bottom + margin && box[3] >= top - margin;
  }

  fill(path, rule) {
    const given = typeof path === 'string' ? undefined : path;
    const trace = this.traceOf(given);
    if (!this.seen(trace, 0)) return;
    this.add(svgNode('path', {
      d: trace.d, fill: hexColour(this.fillStyle), 'fill-rule': rule === 'evenodd' || path === 'evenodd' ? 'evenodd' : null,
      'fill-opacity': this.globalAlpha < 1 ? Math.round(this.globalAlpha * 100) / 100 : null,
    }));
    this.filled = trace;
  }

  stroke(path) {
    const trace = this.traceOf(path);
    const look = this.strokeLook();
    if (!this.seen(trace, Number(look['stroke-width']))) return;
    // One element that is filled and outlined, or several alike as one: the same picture from half the text.
    if (this.filled === trace && this.last && this.last.parentNode === this.group) {
      for (const [name, value] of Object.entries(look)) if (value !== null) this.last.setAttribute(name, value);
      this.filled = null;
      return;
    }
    const key = JSON.stringify(look);
    if (this.strokes === key && this.last.parentNode === this.group && this.globalAlpha === 1) {
      this.last.setAttribute('d', this.last.getAttribute('d') + trace.d);
      return;
    }
    this.add(svgNode('path', { d: trace.d, fill: 'none', ...look }));
    this.strokes = key;
  }

  strokeLook() {
    const scale = matrixScale(this.matrix);
    const size = (value) => String(Math.round(100 * value * scale) / 100);
    return {
      stroke: hexColour(this.strokeStyle),
      'stroke-width': size(this.lineWidth),
      'stroke-linecap': this.lineCap === 'butt' ? null : this.lineCap,
      'stroke-linejoin': this.lineJoin === 'miter' ? null : this.lineJoin,
      'stroke-dasharray': this.dash.length ? this.dash.map(size).join(' ') : null,
      'stroke-opacity': this.globalAlpha < 1 ? Math.round(this.globalAlpha * 100) / 100 : null,
    };
  }

  fillRect(x, y, width, height) {
    const { path } = this;
    this.beginPath();
    this.rect(x, y, width, height);
    this.fill();
    this.path = path;
  }

  /** Until `restore`, nothing is seen outside the path under way. */
  clip() {
    this.clips += 1;
    const id = `clip-${this.clips}`;
    const shape = svgNode('clipPath', { id });
    shape.append(svgNode('path', { d: this.path.d }));
    const group = svgNode('g', { 'clip-path': `url(#${id})` });
    this.group.append(shape, group);
    this.group = group;
    this.frame = this.path.box;
  }

  add(node) {
    this.group.append(node);
    this.last = node;
    this.filled = null;
    this.strokes = null;
  }

  // -- text and signs -------------------------------------------------------------------------------------

  fillText(text, x, y) { this.write(text, x, y, { fill: hexColour(this.fillStyle) }); }

  strokeText(text, x, y) { this.write(text, x, y, { fill: 'none', ...this.strokeLook(), 'aria-hidden': 'true' }); }

  write(text, x, y, look) {
    const [, weight, size] = /^(?:(\d+|bold)\s+)?([\d.]+)px/.exec(this.font);
    const [left, base] = new Trace(this.matrix).place(x, y);
    const right = this.direction === 'rtl';
    this.add(svgNode('text', {
      x: left / 10, y: base / 10, 'font-size': Math.round(10 * Number(size) * matrixScale(this.matrix)) / 10, 'font-weight': weight,
      direction: right ? 'rtl' : null, 'text-anchor': (this.textAlign === 'right') === right ? null : 'end', ...look,
    }, text));
  }

  /** A sign of the legend, as it is. */
  sign(picture, x, y) {
    const [left, top] = [x + this.matrix[4], y + this.matrix[5]].map((value) => Math.round(10 * value) / 10);
    const group = svgNode('g', { transform: `translate(${left} ${top})` });
    group.append(...[...picture.childNodes].map((node) => node.cloneNode(true)));
    this.add(group);
  }

  /** The whole file. */
  text({ width, height, millimetres, font, title, words }) {
    const root = svgNode('svg', {
      width: `${millimetres[0]}mm`, height: `${millimetres[1]}mm`, viewBox: `0 0 ${width} ${height}`, role: 'img', 'font-family': font, 'stroke-miterlimit': 10,
    });
    root.setAttributeNS(XML_SPACE, 'xml:space', 'preserve');
    root.append(svgNode('title', {}, title), svgNode('desc', {}, words), this.sheet);
    return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(root)}\n`;
  }
}
