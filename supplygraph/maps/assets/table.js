// The figures behind the map as tables: sorted by a click on a heading, saved as CSV; a row leads to its place on the map.

/** Text that a spreadsheet would run as a formula gets an apostrophe in front. */
function csvCell(value) {
  const raw = value === null || value === undefined ? '' : String(value);
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(raw) ? "'" + raw : raw;
  return /[",\n\r]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
}

function saveFile(name, type, parts) {
  const link = el('a', { href: URL.createObjectURL(new Blob(parts, { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** Text by the alphabet of the reader. */
const inOrder = new Intl.Collator();

/** Numbers before text, what is missing last in either direction. */
function compare(a, b, down) {
  const missing = (value) => value === null || value === undefined || value === '';
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  const sign = down ? -1 : 1;
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
  if (typeof a === 'number') return sign;
  if (typeof b === 'number') return -sign;
  return sign * inOrder.compare(a, b);
}

const ROWS_SHOWN = 400;
/** Figures that nobody computed or knows. */
const NOT_KNOWN = 'not known';

class TableView {
  constructor(canvas) {
    this.canvas = canvas;
    this.chosen = 0;
    this.all = false;
    this.sort = null;
    this.body = el('div', { class: 'sg-table-body', tabindex: '0', role: 'region', 'aria-label': 'Rows' });
    this.tabs = el('div', { class: 'sg-tabs', role: 'group', 'aria-label': 'Which table' });
    this.note = el('p', { class: 'sg-note', 'aria-live': 'polite', dir: 'auto' });
    this.everything = el('input', { type: 'checkbox', role: 'switch', change: () => { this.all = this.everything.checked; this.show(this.chosen); } });
    this.element = el('section', { class: 'sg-table', role: 'dialog', 'aria-label': 'Figures on the map', hidden: true },
      el('header', {}, this.tabs,
        el('button', { type: 'button', text: 'Download CSV', click: () => this.download() }),
        el('button', { type: 'button', text: 'Close', click: () => this.close() })),
      el('div', { class: 'sg-table-note' }, this.note, el('label', {}, this.everything, 'Everything')),
      this.body);
    this.element.addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.stopPropagation(); this.close(); } });
    for (const stop of ['disableClickPropagation', 'disableScrollPropagation']) L.DomEvent[stop](this.element);
  }

  get app() { return this.canvas.app; }

  open(opener) {
    this.opener = opener;
    this.element.hidden = false;
    this.show(this.chosen);
    this.tabs.querySelector('[aria-pressed="true"]').focus();
  }

  close() {
    this.element.hidden = true;
    if (this.opener) this.opener.focus();
    this.app.link.soon();
  }

  /** The table as an address tells it: its name, whether it holds everything, and how it is sorted. */
  inAddress() {
    if (this.element.hidden) return null;
    const words = [tablesOf(this.canvas, this.all)[this.chosen].name.toLowerCase(), this.all ? 'all' : 'now'];
    return [...words, ...(this.sort ? [this.sort[0], this.sort[1] ? 'down' : 'up'] : [])].join(',');
  }

  fromAddress(text) {
    const [name, all, sorted, order] = text.split(',');
    const position = tablesOf(this.canvas, false).findIndex((table) => table.name.toLowerCase() === name);
    if (position < 0) return null;
    const by = numberFrom(sorted || '', 0, 99);
    return { position, all: all === 'all', sort: by === null ? null : [Math.round(by), order !== 'up'] };
  }

  showAs({ position, all, sort }) {
    this.element.hidden = false;
    this.all = all;
    this.everything.checked = all;
    this.chosen = position;
    this.sort = sort && sort[0] < tablesOf(this.canvas, all)[position].columns.length ? sort : null;
    this.show(position);
  }

  show(position) {
    if (position !== this.chosen) this.sort = null;
    const tables = tablesOf(this.canvas, this.all);
    this.chosen = Math.min(position, tables.length - 1);
    const focused = [...this.tabs.children].indexOf(document.activeElement);
    this.tabs.replaceChildren(...tables.map(({ name }, i) => el('button', {
      type: 'button', text: name, 'aria-pressed': String(i === this.chosen), click: () => this.show(i),
    })));
    if (focused >= 0 && this.tabs.children[focused]) this.tabs.children[focused].focus();
    const { columns, name } = tables[this.chosen];
    const rows = this.rows();
    const filters = filterWords(this.canvas, name);
    this.note.textContent = `${number(rows.length)} rows: ${this.all ? 'everything' : `what the map shows now${filters ? ` · ${filters}` : ''}`}`;
    this.body.replaceChildren(el('table', { class: 'sg-grid' },
      el('caption', { class: 'sg-hush', text: name }),
      el('thead', {}, el('tr', {}, columns.map((one, i) => this.columnHead(one, i, rows)))),
      el('tbody', {}, rows.slice(0, ROWS_SHOWN).map((row) => this.row(row, columns)))),
    rows.length > ROWS_SHOWN ? el('p', { class: 'sg-note', text: `${ROWS_SHOWN} of ${number(rows.length)} rows; the CSV has all.` }) : '',
    rows.length ? '' : el('p', { class: 'sg-note', text: 'No rows.' }));
    this.app.link.soon();
  }

  /** One row; where it has a place on the map, its first cell leads there by key and all of it by a click. */
  row({ cells, go }, columns) {
    const visit = (byKey) => this.visit(go, byKey);
    const first = (text) => (go ? el('button', { type: 'button', class: 'sg-go', text, dir: 'auto',
      click: (event) => { event.stopPropagation(); visit(event.detail === 0); } }) : text);
    return el('tr', { class: go ? 'sg-goes' : null, ...(go ? { click: () => visit(false) } : {}) }, cells.map((cell, i) => {
      const text = this.cell(cell, columns[i]);
      const numeric = typeof cell === 'number' || cell === null;
      return el(i ? 'td' : 'th', { scope: i ? null : 'row', class: numeric ? 'sg-num' : columns[i].long ? 'sg-long' : null, dir: typeof cell === 'string' ? 'auto' : null },
        i ? text : first(text));
    }));
  }

  visit(item, byKey) {
    this.element.hidden = true;
    const { app } = this;
    if (byKey && this.opener) this.opener.focus();
    if (item.type === 'link') app.visitLink(item, byKey);
    else if (item.type === 'country') {
      const shape = app.data.world.find(({ iso }) => iso === item.iso);
      if (shape) app.visitCountry(shape, byKey);
    } else if (item.type === 'site') app.visit(item, byKey);
    else app.open(item, byKey ? this.opener : null);
  }

  cell(value, { share }) {
    if (value === null || value === undefined) return NOT_KNOWN;
    if (typeof value !== 'number') return value;
    return share ? percent(value) : number(value);
  }

  rows() {
    const { columns, rows } = tablesOf(this.canvas, this.all)[this.chosen];
    const main = columns.findIndex((one) => one.main);
    const [by, down] = this.sort || [main >= 0 ? main : columns.length > 1 ? columns.length - 1 : 0, true];
    return rows().sort((a, b) => compare(a.cells[by], b.cells[by], down));
  }

  columnHead({ text, unit }, i, rows) {
    const sorted = this.sort && this.sort[0] === i;
    const button = el('button', { type: 'button', dir: 'auto', click: () => {
      this.sort = [i, sorted ? !this.sort[1] : true];
      this.show(this.chosen);
      this.body.querySelectorAll('thead button')[i].focus();
    } }, text, unit && el('small', { text: ` ${unit}` }));
    const order = sorted ? (this.sort[1] ? 'descending' : 'ascending') : null;
    const numeric = rows.some(({ cells }) => typeof cells[i] === 'number');
    return el('th', { scope: 'col', 'aria-sort': order, class: numeric ? 'sg-num' : null }, button);
  }

  download() {
    const { name, columns } = tablesOf(this.canvas, this.all)[this.chosen];
    const heads = columns.map(({ text, unit }) => (unit ? `${text} (${unit})` : text));
    const lines = [heads, ...this.rows().map(({ cells }) => cells)].map((row) => row.map(csvCell).join(','));
    saveFile(`${name.toLowerCase().replace(/ /g, '-')}.csv`, 'text/csv;charset=utf-8', ['\ufeff', lines.join('\r\n'), '\r\n']);
  }
}
