// The view in the address of the page: written as the reader moves, read on opening, checked part by part.
// Names stand there by id; what is not known, not a number or not there is passed over.

const LINK_LONGEST = 4000;

/** A number of the address within bounds, or null. */
function numberFrom(text, least, most) {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? null : Math.max(least, Math.min(most, value));
}

const sameNames = (a, b) => a.size === b.size && [...a].every((name) => b.has(name));

/** What stands for a site, country or link in the address. */
function itemId({ type, id, iso, edge, node }) {
  if (type === 'country' || iso) return `country:${iso}`;
  if (type === 'site') return `site:${id}`;
  if (node) return `site:${node.id}`;
  if (!edge) return null;
  return `link:${[edge.a.id, edge.b.id, edge.product, edge.mode].join('|')}`;
}

/** The parts by their letter: `write` gives null where the page opens that way anyhow; `read` gives changes, or nothing. */
const LINK_PARTS = new Map([
  ['v', {
    write: ({ link }) => (link.place() === link.fitted ? null : link.place()),
    read: (app, text) => {
      const [lat, lon, zoom] = [[-85, 85], [-720, 720], [0.4, 10]].map(([least, most], i) => numberFrom(text.split(',')[i] || '', least, most));
      return [lat, lon, zoom].includes(null) ? {} : { view: [[lat, lon], zoom] };
    },
  }],
  ['s', {
    write: ({ state, link }) => (state.scenario === link.start.scenario ? null : String(state.scenario)),
    read: ({ data }, text) => {
      const value = numberFrom(text, 0, data.scenarios.length - 1);
      return value === null ? {} : { scenario: Math.round(value) };
    },
  }],
  ['m', {
    write: ({ state }) => (state.mode === 'single' ? null : state.mode),
    read: ({ panel }, text) => (panel.modes && ['split', 'difference'].includes(text) ? { mode: text } : {}),
  }],
  ['p', {
    write: ({ data, state }) => (state.product < 0 ? null : data.products[state.product].id),
    read: ({ data }, text) => ({ product: data.products.findIndex(({ id }) => id === text) }),
  }],
  ['f', {
    write: ({ state, link }) => (state.least === link.start.least || state.least === null ? null : String(Number(state.least.toPrecision(4)))),
    read: ({ data }, text) => {
      const value = numberFrom(text, 0, data.ownLargest.line);
      return value === null ? {} : { least: value };
    },
  }],
  ['c', {
    write: ({ state, link }) => (state.fill === link.start.fill ? null : state.fill),
    read: ({ panel }, text) => (panel.fills.includes(text) ? { fill: text } : {}),
  }],
  ['b', {
    write: ({ state, link }) => (state.strands === link.start.strands ? null : state.strands),
    read: ({ data }, text) => (strandChoices(data).some(([value]) => value === text) ? { strands: text } : {}),
  }],
  ['h', {
    write: ({ state, link }) => (sameNames(state.hidden, link.start.hidden) ? null : [...state.hidden].sort().join('.') || '-'),
    read: (app, text) => {
      const wanted = text.split('.');
      return { hidden: new Set(LAYERS.map(([name]) => name).filter((name) => wanted.includes(name))) };
    },
  }],
  ['x', {
    write: ({ state }) => state.chosen && itemId(state.chosen),
    read: ({ data }, text) => ({ chosen: (data.failures ? data.failures.items : []).find((item) => itemId(item) === text) || null }),
  }],
  ['o', {
    write: ({ told }) => told && itemId(told),
    read: ({ link }, text) => ({ told: link.items.get(text) || null }),
  }],
  ['d', {
    write: () => document.documentElement.getAttribute('data-mode'),
    read: (app, text) => (['dark', 'light'].includes(text) ? { look: text } : {}),
  }],
  ['l', {
    write: ({ state, legend, link }) => (state.mode === 'split' || legend.element.open === link.start.legend ? null : String(Number(legend.element.open))),
    read: (app, text) => (['0', '1'].includes(text) ? { legend: text === '1' } : {}),
  }],
  ['t', {
    write: ({ table }) => table.inAddress(),
    read: ({ table }, text) => ({ table: table.fromAddress(text) }),
  }],
]);

class Permalink {
  constructor(app) {
    this.app = app;
    // A frame of a notebook has no address of its own.
    this.on = /^(file|https?):$/.test(window.location.protocol);
    this.timer = 0;
    const { data } = app;
    this.items = new Map([...data.nodes.map((node) => [itemId(node), node]),
      ...data.world.filter(({ iso }) => Object.keys(data.countries).includes(iso)).map(({ iso }) => [`country:${iso}`, { type: 'country', iso }])]);
  }

  /** Take what the page shows now as the view that needs no words, then go to the one that the address tells. */
  begin() {
    const { state, legend } = this.app;
    this.start = { ...state, hidden: new Set(state.hidden), legend: legend.element.open };
    this.fitted = this.place();
    this.written = '';
    if (!this.on) return;
    this.app.map.on('moveend', () => this.soon());
    window.addEventListener('hashchange', () => { if (window.location.hash !== this.written) this.read(); });
    if (window.location.hash.length > 1) this.read();
  }

  place() {
    const { lat, lng } = this.app.map.getCenter();
    return [lat.toFixed(3), lng.toFixed(3), this.app.map.getZoom().toFixed(1)].join(',');
  }

  /** Write the address once the reader rests. */
  soon() {
    if (!this.on || !this.start) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), 250);
  }

  /** Write the address and return it whole. */
  write() {
    const parts = [];
    for (const [letter, part] of LINK_PARTS) {
      const words = part.write(this.app);
      if (words) parts.push(`${letter}=${encodeURIComponent(words).replace(/%(2C|3A|7C)/g, decodeURIComponent)}`);
    }
    const hash = parts.length ? `#${parts.join('&')}` : '';
    const address = window.location.href.split('#')[0] + hash;
    if (this.on && hash !== window.location.hash) {
      try {
        window.history.replaceState(window.history.state, '', address);
        this.written = window.location.hash;
      } catch {
        this.on = false;
      }
    }
    return address;
  }

  /** Show what the address tells; everything it does not tell is as when the page was opened. */
  read() {
    const wanted = { ...this.start, mode: 'single', chosen: null, told: null, table: null, look: null, view: null };
    wanted.hidden = new Set(this.start.hidden);
    for (const pair of window.location.hash.slice(1, LINK_LONGEST).split('&')) {
      const cut = pair.indexOf('=');
      const part = LINK_PARTS.get(pair.slice(0, cut));
      const text = decoded(pair.slice(cut + 1));
      if (cut > 0 && part && text !== null) Object.assign(wanted, part.read(this.app, text));
    }
    this.written = window.location.hash;
    this.app.restore(wanted);
    clearTimeout(this.timer);
  }
}

/** Text of the address, or null where it is broken. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
