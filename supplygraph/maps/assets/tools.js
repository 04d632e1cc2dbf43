// The row of actions: table, pictures, link, light or dark, help. Signs with a word under each.

const SIGNS = {
  table: ['M3 4.5h14v11H3z', 'M3 8.3h14', 'M3 12h14', 'M8 4.5v11'],
  picture: ['M3 4h14v12H3z', 'M3 13.5l4-4 3.5 3.5 3-2.5 3.5 3', 'M13.2 7.6a1 1 0 1 0 .01 0'],
  drawing: ['M4.5 15.5C6 7 14 13 15.5 4.5', 'M2.8 13.8h3.4v3.4H2.8z', 'M13.8 2.8h3.4v3.4h-3.4z'],
  link: ['M8.5 11.5a3.2 3.2 0 0 0 4.6.3l2.6-2.6a3.2 3.2 0 0 0-4.6-4.6l-1.3 1.3', 'M11.5 8.5a3.2 3.2 0 0 0-4.6-.3l-2.6 2.6a3.2 3.2 0 0 0 4.6 4.6l1.3-1.3'],
  dark: ['M16 11.8A6.6 6.6 0 1 1 8.2 4a5.2 5.2 0 0 0 7.8 7.8z'],
  help: ['M10 2.8a7.2 7.2 0 1 0 .01 0', 'M7.9 8a2.1 2.1 0 1 1 3.2 1.8c-.8.5-1.1.9-1.1 1.8', 'M10 14v.2'],
};

function sign(name) {
  return svg(20, 20, ...SIGNS[name].map((d) => ['path', {
    d, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }]));
}

/** One action: a sign, a short word, and a full name for those who hear it. */
const tool = (signName, word, name, click, more) => el('button', {
  type: 'button', class: 'sg-tool', 'aria-label': name, title: name, click, ...more }, sign(signName), el('span', { text: word }));

class Tools {
  constructor(app) {
    this.app = app;
    this.dark = tool('dark', 'Dark', 'Dark', () => setMode(app, modeNow() === 'dark' ? 'light' : 'dark'), { role: 'switch' });
    this.address = el('input', { type: 'text', readonly: true, 'aria-label': 'Link to this view', dir: 'ltr' });
    this.linkBox = el('div', { class: 'sg-linkbox', hidden: true }, this.address);
    this.element = el('div', {}, el('div', { class: 'sg-tools', role: 'group', 'aria-label': 'Actions' },
      tool('table', 'Table', 'Table', (event) => app.table.open(event.currentTarget)),
      tool('picture', 'PNG', 'Save PNG', () => savePicture(app), { title: 'Save PNG: as on the screen, twice as sharp' }),
      tool('drawing', 'SVG', 'Save SVG', () => saveVector(app), { title: 'Save SVG for print: a sheet of A4, always in light colours' }),
      app.link.on && tool('link', 'Link', 'Copy link', () => this.copyLink()),
      this.dark,
      tool('help', 'Help', 'Help', () => app.help.showModal())), this.linkBox);
    this.update();
  }

  update() { this.dark.setAttribute('aria-checked', String(modeNow() === 'dark')); }

  /** Put the address of the view on the clipboard, or show it, selected, where the browser allows no more. */
  async copyLink() {
    const { app } = this;
    this.address.value = app.link.write();
    try {
      await navigator.clipboard.writeText(this.address.value);
      this.linkBox.hidden = true;
      app.say('Link copied.', true);
    } catch {
      this.linkBox.hidden = false;
      this.address.focus();
      this.address.select();
      app.say('The link is selected: copy it.');
    }
  }
}

const KEYS = [
  ['Tab', 'from control to control'], ['arrows', 'move the map'], ['+ −', 'zoom'], ['n, p', 'next and previous site, the largest first'],
  ['Enter', 'tell all about that site'], ['Esc', 'close what is open'], ['0', 'show everything'], ['/', 'find a place'], ['?', 'this help'],
];
const READING = [
  'Click or tap a site, a line, a strait or a country: its figures, each with year and source.',
  'Dashed lines are estimates. Brackets behind a number hold its 5 and 95 % bounds. A number that is missing reads “not known”.',
  'Table shows the same figures as rows. The address of the page holds the view: copy it to show others what you see.',
];

function helpDialog() {
  const dialog = el('dialog', { class: 'sg-help', 'aria-labelledby': 'sg-help-title' },
    el('h2', { id: 'sg-help-title', text: 'Reading this map' }),
    el('ul', {}, READING.map((text) => el('li', { text }))),
    el('h3', { text: 'Keys, while the map has the focus' }),
    el('dl', {}, KEYS.map(([key, text]) => el('div', {}, el('dt', {}, el('kbd', { text: key })), el('dd', { text })))),
    el('button', { type: 'button', text: 'Close', click: () => dialog.close() }));
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  return dialog;
}
