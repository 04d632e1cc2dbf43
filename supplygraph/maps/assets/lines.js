// Lanes and legs: strands side by side, one per product and direction, each as wide as its share of the tonnes.
// Strands keep to the right of the way they go, so that those of two directions lie apart.

/** Strands thinner than this many pixels join the widest one of their line. */
const THINNEST = 1;
/** Lines thinner than this many pixels are dashed without a paler ground. */
const HAIR = 1.4;
/** Pixels of a dash, besides the width of the line. */
const DASH = 8;
const TONES = 8;

/** What lines may be coloured by, for the panel: `app.set({ strands })`; nothing where there is one product. */
const strandChoices = (data) => (data.products.length > 1 ? [['product', 'Product'], ['one', 'One colour']] : []);

/** Whether each product is a strand of its own. */
const byProduct = (canvas) => canvas.state.strands === 'product' && canvas.state.product < 0 && !canvas.comparing() && !canvas.pale;

/** Products beyond the palette share one colour. */
const productColour = (theme, product) => theme.products[product] || theme.colours.mute;

function laneColour(canvas) {
  const { theme } = canvas.data;
  const { product } = canvas.state;
  return product < 0 ? theme.colours.lane : productColour(theme, product);
}

/** How lanes and legs are drawn: width of the largest, colour where products do not give one, what lies under them. */
function looksOf(canvas) {
  const { colours, widths } = canvas.data.theme;
  return {
    legs: { width: widths.leg, colour: colours.land_leg, ground: colours.land },
    lanes: { width: widths.lane, colour: laneColour(canvas), ground: colours.ocean },
  };
}

/** Lines under this many tonnes are hidden; unless chosen, a thousandth of the largest. */
function leastFlow(data, state) {
  return state.least === null ? data.largest.line * 0.001 : state.least;
}

/** What a line carries in the state shown, one part per product and direction. */
function partsOf(canvas, item) {
  const { data, state } = canvas;
  const scenario = canvas.scenario();
  const apart = byProduct(canvas);
  const last = data.theme.products.length;
  const sums = new Map();
  for (const part of item.flow) {
    if (state.product >= 0 && part.product !== state.product) continue;
    const product = apart ? Math.min(part.product, last) : -1;
    for (const forward of [false, true]) {
      const value = at(forward ? part.there : part.back, scenario);
      if (value <= 0) continue;
      const key = 2 * product + (forward ? 1 : 0);
      if (!sums.has(key)) sums.set(key, { product, forward, value: 0 });
      sums.get(key).value += value;
    }
  }
  // From left to right, looking along the line: what comes towards us, then what goes along.
  return [...sums.values()].sort((a, b) => a.forward - b.forward || (a.forward ? a.product - b.product : b.product - a.product));
}

/** Lines that are shown, with what they carry; worked out once per state. */
function loadsOf(canvas, items) {
  const { data, state } = canvas;
  const key = [canvas.scenario(), state.product, state.strands, state.mode, leastFlow(data, state), data.largest.line].join();
  if (!Object.hasOwn(canvas, 'loads') || canvas.loads.key !== key) canvas.loads = { key, lists: new Map() };
  const { lists } = canvas.loads;
  if (!lists.has(items)) {
    lists.set(items, items.filter((item) => canvas.shown(item)).map((item) => {
      const value = canvas.value(item);
      const parts = canvas.comparing() ? [{ product: -1, forward: true, value: Math.abs(value) }] : partsOf(canvas, item);
      return { item, less: value < 0, strength: Math.min(1, Math.sqrt(Math.abs(value) / data.largest.line)), parts, zoom: null };
    }));
  }
  return lists.get(items);
}

/** Width of a whole line in pixels. */
const breadthOf = ({ widths }, load, width, frame) => (widths.least + load.strength * width) * frame.swell;

/** Strands of a line that is so wide: offset of their middle to the right of the line, and width, in pixels. */
function strandsOf({ parts, item }, breadth) {
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  const strands = parts.map((part) => ({ ...part, width: breadth * part.value / total, against: 0 }));
  const widest = strands.reduce((best, strand) => (strand.width > best.width ? strand : best));
  const kept = strands.filter((strand) => strand === widest || (!item.dotted && strand.width >= THINNEST));
  for (const strand of strands) {
    if (kept.includes(strand)) continue;
    widest.width += strand.width;
    if (strand.forward !== widest.forward) widest.against += strand.width;
  }
  let edge = -breadth / 2;
  for (const strand of kept) {
    strand.offset = kept.length > 1 ? edge + strand.width / 2 : 0;
    edge += strand.width;
  }
  return kept;
}

/** The strands of a line at the zoom of the frame, each with its path; kept until the zoom changes. */
function strandsAt(canvas, load, width, frame) {
  if (load.zoom !== frame.zoom || load.width !== width) {
    load.zoom = frame.zoom;
    load.width = width;
    load.breadth = breadthOf(canvas.data.theme, load, width, frame);
    load.strands = strandsOf(load, load.breadth);
    for (const strand of load.strands) {
      strand.points = strand.offset ? beside(load.item.points, strand.offset / frame.k, 2 / frame.k) : load.item.points;
      strand.path = strand.offset ? smooth(strand.points) : load.item.path;
    }
  }
  return load.strands;
}

/** A line at some distance to the right of another, in the plane; points closer than `least` to the one before go. */
function beside(points, distance, least) {
  const last = points.length - 1;
  const kept = points.filter(([x, y], i) => i === 0 || i === last || Math.hypot(x - points[i - 1][0], y - points[i - 1][1]) >= least);
  const ways = kept.slice(1).map(([x, y], i) => {
    const long = Math.hypot(x - kept[i][0], y - kept[i][1]) || 1;
    return [(x - kept[i][0]) / long, (y - kept[i][1]) / long];
  });
  return kept.map(([x, y], i) => {
    const [a, b] = [ways[Math.max(0, i - 1)], ways[Math.min(ways.length - 1, i)]];
    const [dx, dy] = [a[0] + b[0], a[1] + b[1]];
    // In a bend the distance is kept from both stretches; in a hairpin it is not, as that would throw the point far out.
    const stretch = distance * Math.min(1.5, 2 / Math.max(0.1, dx * dx + dy * dy));
    return [x - dy * stretch, y + dx * stretch];
  });
}

/** Lines in classes of colour and width, thin ones first; one stroke or two per class and copy of the world. */
function drawLines(canvas, pen, frame, items, look) {
  const loads = loadsOf(canvas, items);
  const estimated = canvas.scenario() > 0;
  inPlane(pen, frame, (copy) => {
    const view = viewOf(frame, copy);
    const classes = new Map();
    for (const load of loads) {
      const { item, less, strength } = load;
      if (!meets(item.box, view)) continue;
      const tone = Math.ceil(strength * TONES);
      for (const strand of strandsAt(canvas, load, look.width, frame)) {
        const gap = load.strands.length > 1 ? Math.min(0.8, strand.width * 0.2) : 0;
        const width = Math.max(0.5, Math.round(4 * (strand.width - gap)) / 4);
        // A line shorter than one dash is that dash.
        const reported = (item.reported && !estimated) || item.length * frame.k <= DASH + width;
        const key = ((((width * 4) * 16 + tone) * 16 + strand.product + 1) * 8) + (less ? 4 : 0) + (item.dotted ? 2 : 0) + (reported ? 1 : 0);
        if (!classes.has(key)) {
          classes.set(key, { width, tone: tone / TONES, product: strand.product, less, dotted: item.dotted, reported, path: emptyPath(pen) });
        }
        addVisible(classes.get(key).path, item, strand, view, frame);
      }
    }
    for (const key of [...classes.keys()].sort((a, b) => a - b)) strokeClass(canvas, pen, frame, classes.get(key), look);
  });
}

/** The colour of a class of strands, before it is toned down. */
function strandColour(canvas, { product, less }, look) {
  const { theme } = canvas.data;
  if (canvas.comparing()) return theme.colours[less ? 'less' : 'more'];
  return product < 0 ? look.colour : productColour(theme, product);
}

function strokeClass(canvas, pen, frame, kind, look) {
  const { width, tone, dotted, reported, path } = kind;
  const full = strandColour(canvas, kind, look);
  // Products are told apart by hue, which a pale line does not have.
  const least = kind.product < 0 ? 0.42 : 0.62;
  const depth = Math.min(1, least + tone * 0.9) * strengthOf(canvas);
  const colour = mix(look.ground, full, depth);
  const stroke = width / frame.k;
  pen.lineJoin = 'round';
  pen.lineCap = 'round';
  pen.lineWidth = stroke;
  pen.strokeStyle = colour;
  if (dotted) {
    pen.setLineDash([stroke * 0.1, stroke * 1.9 + 3 / frame.k]);
  } else if (!reported) {
    // An estimate is dashed over a paler ground of the same colour.
    if (width > HAIR) {
      pen.strokeStyle = mix(look.ground, full, depth * 0.66);
      pen.stroke(path);
      pen.strokeStyle = colour;
    }
    pen.lineCap = 'butt';
    pen.setLineDash([DASH / frame.k + stroke, 2.5 / frame.k + stroke * 0.12]);
  }
  pen.stroke(path);
  pen.setLineDash([]);
}

/** The screen in the plane of one copy of the world, a little wider than seen; or the part that is painted anew. */
function viewOf(frame, copy) {
  const margin = 30 / frame.k;
  const [x, y, right, bottom] = frame.part || [0, 0, frame.width, frame.height];
  const left = frame.left / frame.k - copy * WORLD;
  const top = frame.top / frame.k;
  return [left + x / frame.k - margin, top + y / frame.k - margin, left + right / frame.k + margin, top + bottom / frame.k + margin];
}

const meets = (a, b) => a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1];

/** Add a strand to a path; of one much longer than the screen only the pieces in view, as dashes cost by length. */
function addVisible(path, item, { points, path: whole }, view, frame) {
  const last = points.length - 1;
  if (item.length * frame.k < 3000 || last < 2) {
    path.addPath(whole);
    return;
  }
  const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  let drawing = false;
  for (let i = 1; i < last; i += 1) {
    const start = i === 1 ? points[0] : middle(points[i - 1], points[i]);
    const end = i === last - 1 ? points[last] : middle(points[i], points[i + 1]);
    const inView = meets(boxOf([start, points[i], end]), view);
    if (inView && !drawing) path.moveTo(start[0], start[1]);
    if (inView) path.quadraticCurveTo(points[i][0], points[i][1], end[0], end[1]);
    drawing = inView;
  }
}

// -- direction --------------------------------------------------------------------------------------------

/** Pixels from one arrowhead of a strand to the next. */
const ARROW_GAP = 110;

/** Arrowheads along every strand that is wide enough to carry one; two, back to back, where a merged strand goes both ways. */
function drawArrows(canvas, pen, frame, items, look) {
  const { data } = canvas;
  const heads = new Map();
  for (const load of loadsOf(canvas, items)) {
    const { item } = load;
    if (item.dotted || load.strength < 0.14 || item.length * frame.k < 40) continue;
    for (const copy of frame.copies) {
      if (!meets(item.box, viewOf(frame, copy))) continue;
      strandsAt(canvas, load, look.width, frame).forEach((strand, i, all) => {
        if (strand.width < 1.5) return;
        const colour = strandColour(canvas, { product: strand.product, less: false }, look);
        if (!heads.has(colour)) heads.set(colour, []);
        heads.get(colour).push(...headsAlong(frame, item, copy, strand, i / all.length));
      });
    }
  }
  pen.lineJoin = 'round';
  for (const [colour, list] of heads) {
    pen.beginPath();
    for (const [a, b, c] of list) {
      pen.moveTo(...a);
      pen.lineTo(...b);
      pen.lineTo(...c);
      pen.closePath();
    }
    pen.lineWidth = 1.4;
    pen.strokeStyle = frame.halo;
    pen.stroke();
    pen.fillStyle = mix(colour, data.theme.colours.ink, 0.35);
    pen.fill();
  }
}

/** The corners of the arrowheads of one strand; `turn` sets those of neighbours apart along the line. */
function headsAlong(frame, item, copy, strand, turn) {
  const size = Math.max(2.4, strand.width / 2 + 1.2);
  const points = curveOf(item);
  const view = viewOf(frame, copy);
  const found = [];
  const long = item.length * frame.k;
  let next = Math.min(ARROW_GAP / 2 + (item.index * 37) % 40, long / 2);
  next = Math.min(next + turn * ARROW_GAP / 2, long * (0.5 + turn / 4));
  let done = 0;
  for (let i = 1; i < points.length; i += 1) {
    const [ax, ay] = points[i - 1];
    const [bx, by] = points[i];
    const stretch = Math.hypot(bx - ax, by - ay) * frame.k;
    if (!meets(boxOf([points[i - 1], points[i]]), view)) {
      next += Math.max(0, Math.ceil((done + stretch - next) / ARROW_GAP)) * ARROW_GAP;
      done += stretch;
      continue;
    }
    const [dx, dy] = [(bx - ax) * frame.k / stretch, (by - ay) * frame.k / stretch];
    for (; done + stretch >= next && stretch > 0; next += ARROW_GAP) {
      const t = (next - done) / stretch;
      const x = (ax + (bx - ax) * t + copy * WORLD) * frame.k - frame.left - dy * strand.offset;
      const y = (ay + (by - ay) * t) * frame.k - frame.top + dx * strand.offset;
      if (x < -9 || x > frame.width + 9 || y < -9 || y > frame.height + 9) continue;
      const way = strand.forward ? 1 : -1;
      // Of a merged strand more than a quarter of which comes the other way nobody may say that it goes one way.
      if (strand.against > strand.width * 0.25) found.push(head(x + dx * size, y + dy * size, dx, dy, size), head(x - dx * size, y - dy * size, -dx, -dy, size));
      else found.push(head(x, y, dx * way, dy * way, size));
    }
    done += stretch;
  }
  return found;
}

const head = (x, y, dx, dy, size) => [
  [x + dx * size, y + dy * size], [x - dx * size - dy * size, y - dy * size + dx * size], [x - dx * size + dy * size, y - dy * size - dx * size],
];
