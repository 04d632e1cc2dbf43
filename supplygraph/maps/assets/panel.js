// The panel: search, scenario, key figures, filters, layers.

const LAYERS = [
  ['lanes', 'Sea lanes'], ['legs', 'Land legs'], ['links', 'Direct links'], ['mine', 'Mines'], ['refinery', 'Refineries'],
  ['factory', 'Factories'], ['port', 'Ports'], ['passage', 'Straits'], ['names', 'Site names'], ['countries', 'Country names'],
];
const LOSERS = 4;
const MODES = [['single', 'Scenario'], ['split', 'Side by side'], ['difference', 'Difference']];

class Panel {
  constructor(app) {
    this.app = app;
    const { data } = app;
    this.search = new Search(app);
    this.figures = el('dl', { class: 'sg-figures', 'aria-live': 'polite' });
    this.ranking = data.failures ? new Ranking(app) : null;
    this.answers = el('section', { class: 'sg-answers' });
    this.losers = el('section', { class: 'sg-losers', 'aria-live': 'polite' });
    this.told = el('div', { class: 'sg-told', hidden: true, 'aria-live': 'polite' });
    this.home = el('div', {},
      data.subtitle && el('p', { class: 'sg-note', text: data.subtitle, dir: 'auto' }),
      this.search.element,
      this.ranking && this.ranking.element,
      data.attack && attackWords(app),
      data.scenarios.length > 1 && this.scenarios(),
      this.answers,
      this.figures,
      this.losers,
      this.filters());
    this.tools = new Tools(app);
    this.element = el('section', { class: 'sg-panel', 'aria-label': 'Map controls' },
      el('div', { class: 'sg-head' }, el('h1', { text: data.title, dir: 'auto' }), this.handle()),
      this.tools.element, this.told, this.home);
    for (const stop of ['disableClickPropagation', 'disableScrollPropagation']) L.DomEvent[stop](this.element);
  }

  /** On phones: what folds the panel away, by a tap or a swipe, so that the map is free. */
  handle() {
    const button = el('button', { type: 'button', class: 'sg-handle', 'aria-expanded': 'true', 'aria-label': 'Panel', click: () => { if (!swiped) this.fold(!folded); } });
    let folded = false;
    let swiped = false;
    this.fold = (on) => {
      folded = on;
      this.element.classList.toggle('sg-folded', on);
      this.app.page.classList.toggle('sg-sheet-down', on);
      this.app.maps.forEach((map) => map.invalidateSize({ animate: false }));
      button.setAttribute('aria-expanded', String(!on));
      this.app.redraw();
    };
    let start = null;
    button.addEventListener('pointerdown', (event) => { start = event.clientY; swiped = false; });
    button.addEventListener('pointerup', (event) => {
      swiped = start !== null && Math.abs(event.clientY - start) > 24;
      if (swiped) this.fold(event.clientY > start);
      start = null;
    });
    return button;
  }

  scenarios() {
    const { app } = this;
    const { data, state } = app;
    if (data.behind) return whoseSupply(app);
    this.scenarioName = el('output', { class: 'sg-scenario', for: 'sg-scenario', dir: 'auto' });
    this.slider = el('input', {
      type: 'range', id: 'sg-scenario', min: 0, max: data.scenarios.length - 1, step: 1, value: state.scenario,
      input: () => app.set({ scenario: Number(this.slider.value) }),
    });
    this.timeline = data.scenarios.length > 2 ? new Timeline(app) : null;
    this.modes = MODES.map(([mode, text]) => el('button', {
      type: 'button', text, 'data-mode': mode, click: () => app.set({ mode }) }));
    return el('div', {},
      el('label', { class: 'sg-label', for: 'sg-scenario', text: 'Scenario' }), this.scenarioName, this.slider,
      this.timeline && this.timeline.element,
      el('div', { class: 'sg-buttons', role: 'group', 'aria-label': 'How to compare' }, this.modes));
  }

  filters() {
    const { app } = this;
    const { data, state } = app;
    const product = el('select', { id: 'sg-product', change: () => app.set({ product: Number(product.value) }) },
      el('option', { value: '-1', text: 'All products' }),
      data.products.map((p, i) => el('option', { value: String(i), text: p.name })));
    const strands = el('select', { id: 'sg-strands', change: () => app.set({ strands: strands.value }) },
      strandChoices(data).map(([value, text]) => el('option', { value, text })));
    this.strands = strands;
    const fills = [...(data.answer.shares || data.behind ? [['answer', data.answer.label || 'What stands behind']] : []), ['share', `Share of ${data.stage}`], ...(Object.keys(data.tiers).length ? [['tier', 'Alignment']] : []), ['none', 'Nothing']];
    const fill = el('select', { id: 'sg-fill', change: () => app.set({ fill: fill.value }) },
      fills.map(([value, text]) => el('option', { value, text })));
    fill.value = state.fill;
    const least = el('input', {
      type: 'range', id: 'sg-least', min: 0, max: 100, step: 1, value: Math.round(100 * Math.cbrt(leastFlow(data, state) / data.largest.line)),
      input: () => app.set({ least: (Number(least.value) / 100) ** 3 * data.largest.line }),
    });
    this.least = least;
    this.leastWords = el('output', { for: 'sg-least' });
    this.boxes = LAYERS.map(([name]) => {
      const box = el('input', { type: 'checkbox', checked: !state.hidden.has(name), change: () => {
        if (box.checked) state.hidden.delete(name); else state.hidden.add(name);
        app.refresh();
      } });
      return box;
    });
    this.product = product;
    this.fill = fill;
    this.fills = fills.map(([value]) => value);
    this.details = el('details', { class: 'sg-more', open: window.innerHeight > 760 && window.innerWidth > 700
      && !data.failures && !data.attack && !data.behind && !data.answer.ranked && !data.scenarios.some((scenario) => scenario.short.size) },
      el('summary', { text: 'Filters and layers' }),
      data.products.length > 1 && el('label', { class: 'sg-label', for: 'sg-product', text: 'Product' }),
      data.products.length > 1 && product,
      data.products.length > 1 && el('label', { class: 'sg-label', for: 'sg-strands', text: 'Colour lines by' }),
      data.products.length > 1 && strands,
      el('label', { class: 'sg-label', for: 'sg-fill', text: 'Colour countries by' }), fill,
      el('label', { class: 'sg-label', for: 'sg-least' }, 'Hide flows under ', this.leastWords), least,
      el('fieldset', { class: 'sg-layers' }, el('legend', { text: 'Layers' }),
        LAYERS.map(([, text], i) => el('label', {}, this.boxes[i], text))));
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

  /** Show the state in the controls, whatever set it. */
  sync() {
    const { data, state } = this.app;
    this.product.value = String(state.product);
    this.fill.value = state.fill;
    this.strands.value = state.strands;
    if (this.app.whose) this.app.whose.value = String(state.scenario);
    if (document.activeElement !== this.least) this.least.value = Math.round(100 * Math.cbrt(leastFlow(data, state) / data.largest.line));
    LAYERS.forEach(([name], i) => { this.boxes[i].checked = !state.hidden.has(name); });
  }

  update() {
    const { data, state } = this.app;
    const scenario = data.scenarios[state.scenario];
    const today = new Map(data.scenarios[0].kpis);
    this.figures.replaceChildren(...scenario.kpis.slice(0, 8).map(([label, value]) => el('div', {},
      el('dt', { text: label, dir: 'auto' }), el('dd', { text: value, dir: 'auto' }),
      state.scenario > 0 && today.has(label) && today.get(label) !== value
        && el('dd', { class: 'sg-was', text: `today ${today.get(label)}` }))));
    if (this.listed !== data.answer) this.answers.replaceChildren(...answerList(this.app));  // else a row keeps its focus
    this.listed = data.answer;
    this.losers.replaceChildren(...this.without(scenario));
    this.tools.update();
    this.sync();
    this.leastWords.textContent = tonnes(leastFlow(data, state));
    this.least.setAttribute('aria-valuetext', tonnes(leastFlow(data, state)));
    if (!this.slider) return;
    if (this.timeline) this.timeline.update();
    this.scenarioName.textContent = scenario.name;
    this.slider.value = state.scenario;
    this.slider.setAttribute('aria-valuetext', scenario.name);
    for (const button of this.modes) {
      button.setAttribute('aria-pressed', String(button.getAttribute('data-mode') === state.mode));
    }
  }
}
