// Where figures come from: numbered in the order in which a popup names them, and listed below it.

/** Give owners and links their sources, and the data its years; the writing side is maps/layers.py. */
function readSources(data) {
  const seen = new Map();
  for (const [node, owner, , reference] of data.owners) seen.set(`${node} ${owner}`, reference);
  for (const node of data.nodes) for (const one of node.owners) one.reference = seen.get(`${node.index} ${one.owner}`);
  const runs = unpack(data.link_sources);
  let next = 0;
  for (let i = 0; i < runs.length; i += 2) {
    for (const link of data.links.slice(next, next + runs[i + 1])) link.reference = runs[i] ? runs[i] - 1 : null;
    next += runs[i + 1];
  }
  const years = data.nodes.flatMap(({ processes }) => processes.map(({ year }) => year)).filter(Boolean);
  const [first, last] = [Math.min(...years), Math.max(...years)];
  data.years = !years.length ? '' : first === last ? String(first) : `${first}–${last}`;
}

/** Title, publisher and date of a source, or nothing. */
const titleOf = (data, reference) => (data.references[reference] ? data.references[reference].slice(0, 3).filter(Boolean).join(', ') : '');

/** What stands under a sum of shipments: nobody published it. */
function addedUp(data, scenario) {
  if (scenario > 0) return `Added up from the shipments of “${data.scenarios[scenario].name}”`;
  const seen = data.reported > 0.005 ? `, ${percent(data.reported)} of them reported` : '';
  return `Added up from the shipments${data.years ? ` of ${data.years}` : ''}, estimated${seen}`;
}

class Sources {
  constructor(canvas) {
    this.canvas = canvas;
    this.words = [];
  }

  /** The raised number of a source given in words; nothing where there are none. */
  note(words) {
    if (!words) return null;
    if (!this.words.includes(words)) this.words.push(words);
    return el('sup', { class: 'sg-ref', title: words, text: String(this.words.indexOf(words) + 1) });
  }

  of(reference) { return this.note(titleOf(this.canvas.data, reference)); }

  added(scenario = this.canvas.scenario()) { return this.note(addedUp(this.canvas.data, scenario)); }

  list() {
    if (!this.words.length) return null;
    return el('ol', { class: 'sg-sources', 'aria-label': 'Sources' }, this.words.map((text) => el('li', { text, dir: 'auto' })));
  }
}
