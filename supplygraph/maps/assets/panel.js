// The panel: search, scenario, key figures, filters, layers.

const LAYERS = [
  ['lanes', 'Sea lanes'], ['legs', 'Land legs'], ['links', 'Direct links'], ['mine', 'Mines'], ['refinery', 'Refineries'],
  ['factory', 'Factories'], ['port', 'Ports'], ['passage', 'Straits'], ['names', 'Site names'],
];
const LOSERS = 4;
const MODES = [['single', 'Scenario'], ['split', 'Side by side'], ['difference', 'Difference']];

class Panel {
  constructor(app) {
    this.app = app;
    const { data } = app;
    this.figures = el('dl', { class: 'sg-figures', 'aria-live': 'polite' });
    this.ranking = data.failures ? new Ranking(app) : null;
    this.losers = el('section', { class: 'sg-losers', 'aria-live': 'polite' });
    this.told = el('div', { class: 'sg-told', hidden: true, 'aria-live': 'polite' });
    this.home = el('div', {},
      data.subtitle && el('p', { class: 'sg-note', text: data.subtitle, dir: 'auto' }),
      this.ranking && this.ranking.element,
      data.attack && attackWords(app),
      this.search(),
      data.scenarios.length > 1 && this.scenarios(),
      this.figures,
      this.losers,
      this.filters(),
      el('div', { class: 'sg-buttons' },
        el('button', { type: 'button', text: 'Table', click: (event) => app.table.open(event.currentTarget) }),
        el('button', { type: 'button', text: 'Save PNG', click: () => savePicture(app) }),
        el('button', { type: 'button', text: 'Dark', 'aria-pressed': String(modeNow() === 'dark'), click: (event) => {
          setMode(app, modeNow() === 'dark' ? 'light' : 'dark');
          event.currentTarget.setAttribute('aria-pressed', String(modeNow() === 'dark'));
        } })));
    this.element = el('section', { class: 'sg-panel', 'aria-label': 'Map controls' },
      el('h1', { text: data.title, dir: 'auto' }), this.told, this.home);
    for (const stop of ['disableClickPropagation', 'disableScrollPropagation']) L.DomEvent[stop](this.element);
  }

  search() {
    const { data } = this.app;
    const list = el('ul', { class: 'sg-found', id: 'sg-found', role: 'listbox', 'aria-label': 'Places found', hidden: true });
    const input = el('input', {
      type: 'search', placeholder: 'Find a site or country', 'aria-label': 'Find a site or country', role: 'combobox',
      'aria-controls': 'sg-found', 'aria-expanded': 'false', 'aria-autocomplete': 'list', autocomplete: 'off',
    });
    const places = [
      ...data.ranked.map((node) => ({ text: node.name, note: [KIND_WORDS[node.kind], data.countryName(node.country)]
        .join(' · '), go: () => this.app.visit(node) })),
      ...data.world.filter((shape) => data.countries[shape.iso]).map((shape) => ({
        text: data.countryName(shape.iso), note: 'Country', go: () => this.app.visitCountry(shape) })),
    ];
    let active = -1;
    const options = () => [...list.children];
    const mark = (position) => {
      active = position;
      options().forEach((option, i) => option.setAttribute('aria-selected', String(i === active)));
      if (active >= 0) input.setAttribute('aria-activedescendant', `sg-found-${active}`);
      else input.removeAttribute('aria-activedescendant');
    };
    const close = () => {
      list.hidden = true;
      input.setAttribute('aria-expanded', 'false');
      mark(-1);
    };
    const find = () => {
      const wanted = input.value.trim().toLowerCase();
      // Whole names first, then beginnings, then the rest, each in order of size.
      const rankOf = ({ text }) => (text.toLowerCase() === wanted ? 0 : text.toLowerCase().startsWith(wanted) ? 1 : 2);
      const found = wanted ? places.filter((place) => place.text.toLowerCase().includes(wanted))
        .sort((a, b) => rankOf(a) - rankOf(b)).slice(0, 8) : [];
      list.replaceChildren(...found.map((place, i) => el('li', {
        role: 'option', id: `sg-found-${i}`, 'aria-selected': 'false',
        mousedown: (event) => { event.preventDefault(); close(); place.go(); },
      }, el('span', { text: place.text, dir: 'auto' }), el('small', { text: place.note }))));
      list.hidden = !found.length;
      input.setAttribute('aria-expanded', String(found.length > 0));
      mark(found.length ? 0 : -1);
      this.found = found;
    };
    input.addEventListener('input', find);
    input.addEventListener('blur', close);
    input.addEventListener('keydown', (event) => {
      const count = options().length;
      if (event.key === 'Escape') close();
      if (!count || list.hidden) return;
      if (event.key === 'ArrowDown') mark((active + 1) % count);
      else if (event.key === 'ArrowUp') mark((active + count - 1) % count);
      else if (event.key === 'Enter') { const place = this.found[Math.max(0, active)]; close(); place.go(); } else return;
      event.preventDefault();
    });
    return el('div', { class: 'sg-search' }, input, list);
  }

  scenarios() {
    const { app } = this;
    const { data, state } = app;
    this.scenarioName = el('output', { class: 'sg-scenario', for: 'sg-scenario', dir: 'auto' });
    this.slider = el('input', {
      type: 'range', id: 'sg-scenario', min: 0, max: data.scenarios.length - 1, step: 1, value: state.scenario,
      input: () => app.set({ scenario: Number(this.slider.value) }),
    });
    this.modes = MODES.map(([mode, text]) => el('button', {
      type: 'button', text, 'data-mode': mode, click: () => app.set({ mode }) }));
    return el('div', {},
      el('label', { class: 'sg-label', for: 'sg-scenario', text: 'Scenario' }), this.scenarioName, this.slider,
      el('div', { class: 'sg-buttons', role: 'group', 'aria-label': 'How to compare' }, this.modes));
  }

  filters() {
    const { app } = this;
    const { data, state } = app;
    const product = el('select', { id: 'sg-product', change: () => app.set({ product: Number(product.value) }) },
      el('option', { value: '-1', text: 'All products' }),
      data.products.map((p, i) => el('option', { value: String(i), text: p.name })));
    const fills = [...(data.answer.shares ? [['answer', data.answer.label]] : []), ['share', `Share of ${data.stage}`], ...(Object.keys(data.tiers).length ? [['tier', 'Alignment']] : []), ['none', 'Nothing']];
    const fill = el('select', { id: 'sg-fill', change: () => app.set({ fill: fill.value }) },
      fills.map(([value, text]) => el('option', { value, text })));
    fill.value = state.fill;
    const top = data.largest.line;
    const least = el('input', {
      type: 'range', id: 'sg-least', min: 0, max: 100, step: 1, value: Math.round(100 * Math.cbrt(leastFlow(data, state) / top)),
      input: () => app.set({ least: (Number(least.value) / 100) ** 3 * top }),
    });
    this.least = least;
    this.leastWords = el('output', { for: 'sg-least' });
    const boxes = LAYERS.map(([name, text]) => {
      const box = el('input', { type: 'checkbox', checked: !state.hidden.has(name), change: () => {
        if (box.checked) state.hidden.delete(name); else state.hidden.add(name);
        app.refresh();
      } });
      return el('label', {}, box, text);
    });
    this.details = el('details', { class: 'sg-more', open: window.innerHeight > 760 && window.innerWidth > 700
      && !data.failures && !data.attack && !data.scenarios.some((scenario) => scenario.short.size) },
      el('summary', { text: 'Filters and layers' }),
      data.products.length > 1 && el('label', { class: 'sg-label', for: 'sg-product', text: 'Product' }),
      data.products.length > 1 && product,
      el('label', { class: 'sg-label', for: 'sg-fill', text: 'Colour countries by' }), fill,
      el('label', { class: 'sg-label', for: 'sg-least' }, 'Hide flows under ', this.leastWords), least,
      el('fieldset', { class: 'sg-layers' }, el('legend', { text: 'Layers' }), boxes));
    return this.details;
  }

  /** Who goes without, most tonnes first; and whose tonnes the fix takes. */
  without(scenario) {
    const { data } = this.app;
    const list = (title, value) => {
      const rows = [...scenario.short].map(([index, row]) => ({ node: data.nodes[index], row }))
        .filter(({ row }) => row[value] > 0).sort((a, b) => b.row[value] - a.row[value]);
      if (!rows.length) return [];
      const more = rows.length > LOSERS ? `, ${LOSERS} of ${rows.length}` : '';
      return [el('h2', { text: title + more, dir: 'auto' }), el('ol', {}, rows.slice(0, LOSERS).map(({ node, row }) => el('li', {},
        el('button', { type: 'button', text: node.name, dir: 'auto', click: () => this.app.visit(node) }),
        el('span', { text: `${tonnes(row[value])}${row.demand > 0 ? `, ${percent(row[value] / row.demand)}` : ''}` }))))];
    };
    return [...list('Goes without', 'unmet'), ...list(`Receives less than ${scenario.against}`, 'displaced')];
  }

  /** What happens when an item fails, in place of everything else; null: back to that. */
  tell(failure, opener) {
    const back = () => {
      const last = this.app.state.chosen;
      this.app.choose(null);
      this.ranking.focus(last);
    };
    this.told.onkeydown = (event) => { if (event.key === 'Escape') back(); };
    this.told.replaceChildren(...(failure ? [
      el('button', { type: 'button', class: 'sg-back', text: '← All failures', click: back }),
      describe(this.app.canvas, failure.node || failure.edge || { type: 'country', iso: failure.iso }, true)] : []));
    this.told.hidden = failure === null;
    this.home.hidden = failure !== null;
    this.element.classList.toggle('sg-telling', failure !== null);
    this.element.scrollTop = 0;
    if (failure && opener) this.told.firstChild.focus();
    if (this.ranking) this.ranking.mark();
  }

  update() {
    const { data, state } = this.app;
    const scenario = data.scenarios[state.scenario];
    const today = new Map(data.scenarios[0].kpis);
    this.figures.replaceChildren(...scenario.kpis.slice(0, 8).map(([label, value]) => el('div', {},
      el('dt', { text: label, dir: 'auto' }), el('dd', { text: value, dir: 'auto' }),
      state.scenario > 0 && today.has(label) && today.get(label) !== value
        && el('dd', { class: 'sg-was', text: `today ${today.get(label)}` }))));
    this.losers.replaceChildren(...this.without(scenario));
    this.leastWords.textContent = tonnes(leastFlow(data, state));
    this.least.setAttribute('aria-valuetext', tonnes(leastFlow(data, state)));
    if (!this.slider) return;
    this.scenarioName.textContent = scenario.name;
    this.slider.value = state.scenario;
    this.slider.setAttribute('aria-valuetext', scenario.name);
    for (const button of this.modes) {
      button.setAttribute('aria-pressed', String(button.getAttribute('data-mode') === state.mode));
    }
  }
}
