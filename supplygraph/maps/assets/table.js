// The figures behind the map as tables: sorted by a click on a heading, saved as CSV.

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

const operators = (node) => [...new Set(node.processes.map((process) => process.operator).filter(Boolean))].join(', ');

/** The tables on offer; each gives its columns and, for the state of the map, its rows. */
function tablesOf(canvas) {
  const { data, state } = canvas;
  const names = data.scenarios.map((scenario) => scenario.name);
  const per = (values) => names.map((_, i) => at(values, i));
  const visible = (node) => !state.hidden.has(node.kind) && concerns(state, node);
  const columns = (first) => first.concat(names.map((name) => (names.length > 1 ? `${name} (t)` : 't a year')));
  const chosen = (link) => state.product < 0 || link.product === state.product;
  return [
    ...(data.failures ? [failureTable(data)] : []),
    ...(data.attack ? attackTables(data) : []),
    ...(data.answer.ranked ? [answerTable(data)] : []),
    ['Sites', columns(['Site', 'Kind', 'Country', 'Operator', 'Status', 'Confidence']), () => data.nodes
      .filter((n) => n.kind !== 'passage' && visible(n))
      .map((n) => [n.name, KIND_WORDS[n.kind], data.countryName(n.country), operators(n), sentence(n.status),
        sentence(n.confidence), ...per(n.flow)])],
    ['Links', columns(['From', 'To', 'Product', 'Basis']), () => data.links.filter(chosen)
      .map((l) => [l.a.name, l.b.name, data.products[l.product].name, l.reported ? 'reported' : 'estimated', ...per(l.flow)])],
    ['Straits', columns(['Strait']), () => data.nodes.filter((n) => n.kind === 'passage')
      .map((n) => [n.name, ...names.map((_, i) => (isClosed(data, i, n) ? 'closed' : at(n.flow, i)))])],
    ['Countries', ['Country', ...names.map((name) => `Share of ${data.stage}, ${name}`)], () => Object.values(data.countries)
      .map(([name, , shares]) => [name, ...per(shares)])],
    ...(data.scenarios.some((scenario) => scenario.short.size) ? [shortTable(data)] : []),
  ];
}

/** Who goes without, in every scenario. */
function shortTable(data) {
  const columns = ['Scenario', 'Factory', 'Country', 'Asks for (t)', 'Lost by the fix (t)', 'Share unmet', 'Goes without (t)'];
  return ['Goes without', columns, () => data.scenarios.flatMap((scenario) => [...scenario.short].map(([index, row]) => {
    const node = data.nodes[index];
    return [scenario.name, node.name, data.countryName(node.country), row.demand, row.displaced,
      row.demand > 0 ? row.unmet / row.demand : 0, row.unmet];
  }))];
}

function compare(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'number') return 1;
  if (typeof b === 'number') return -1;
  return String(a).localeCompare(String(b));
}

const ROWS_SHOWN = 400;

class TableView {
  constructor(canvas) {
    this.canvas = canvas;
    this.chosen = 0;
    this.sort = null;
    this.body = el('div', { class: 'sg-table-body', tabindex: '0', role: 'region', 'aria-label': 'Table' });
    this.tabs = el('div', { class: 'sg-tabs', role: 'group', 'aria-label': 'Which table' });
    this.element = el('section', { class: 'sg-table', role: 'dialog', 'aria-label': 'Figures on the map', hidden: true },
      el('header', {}, this.tabs,
        el('button', { type: 'button', text: 'Download CSV', click: () => this.download() }),
        el('button', { type: 'button', text: 'Close', click: () => this.close() })),
      this.body);
    this.element.addEventListener('keydown', (event) => { if (event.key === 'Escape') this.close(); });
  }

  open(opener) {
    this.opener = opener;
    this.element.hidden = false;
    this.show(this.chosen);
    this.tabs.querySelector('button').focus();
  }

  close() {
    this.element.hidden = true;
    if (this.opener) this.opener.focus();
  }

  show(position) {
    if (position !== this.chosen) this.sort = null;
    this.chosen = position;
    const tables = tablesOf(this.canvas);
    this.tabs.replaceChildren(...tables.map(([name], i) => el('button', {
      type: 'button', text: name, 'aria-pressed': String(i === position), click: () => this.show(i),
    })));
    const [, columns] = tables[position];
    const rows = this.rows();
    this.body.replaceChildren(el('table', { class: 'sg-grid' },
      el('thead', {}, el('tr', {}, columns.map((text, i) => this.columnHead(text, i, rows)))),
      el('tbody', {}, rows.slice(0, ROWS_SHOWN).map((row) => el('tr', {}, row.map((cell, i) => (
        el(i ? 'td' : 'th', { scope: i ? null : 'row', class: typeof cell === 'number' ? 'sg-num' : null,
          text: this.cell(cell, columns[i]), dir: typeof cell === 'string' ? 'auto' : null }))))))),
    rows.length > ROWS_SHOWN && el('p', { class: 'sg-note', text: `${ROWS_SHOWN} of ${rows.length} rows; the CSV has all.` }) || '');
  }

  cell(value, column) {
    if (typeof value !== 'number') return value;
    return column.startsWith('Share') ? percent(value) : number(value);
  }

  rows() {
    const [, columns, make] = tablesOf(this.canvas)[this.chosen];
    const rows = make();
    const [column, down] = this.sort || [columns.length > 1 ? columns.length - 1 : 0, true];
    return rows.sort((a, b) => (down ? -1 : 1) * compare(a[column], b[column]));
  }

  columnHead(text, i, rows) {
    const sorted = this.sort && this.sort[0] === i;
    const button = el('button', { type: 'button', text, click: () => {
      this.sort = [i, sorted ? !this.sort[1] : true];
      this.show(this.chosen);
    } });
    const order = sorted ? (this.sort[1] ? 'descending' : 'ascending') : null;
    const numeric = rows.some((row) => typeof row[i] === 'number');
    return el('th', { scope: 'col', 'aria-sort': order, class: numeric ? 'sg-num' : null }, button);
  }

  download() {
    const [name, columns] = tablesOf(this.canvas)[this.chosen];
    const lines = [columns, ...this.rows()].map((row) => row.map(csvCell).join(','));
    saveFile(`${name.toLowerCase()}.csv`, 'text/csv;charset=utf-8', ['\ufeff', lines.join('\r\n'), '\r\n']);
  }
}
