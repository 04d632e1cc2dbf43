// Several scenarios in a row, such as shocks over time: unmet demand of each as a bar, and a button that runs through them.

const STEP_MS = 1800;

/** Tonnes that go without in a scenario. */
const unmetIn = (scenario) => [...scenario.short.values()].reduce((sum, row) => sum + (row.unmet || 0), 0);

class Timeline {
  constructor(app) {
    this.app = app;
    const { scenarios } = app.data;
    const unmet = scenarios.map(unmetIn);
    const most = Math.max(...unmet);
    this.bars = scenarios.map((scenario, i) => {
      const part = el('i', {});
      part.style.height = `${most > 0 ? Math.max(unmet[i] > 0 ? 6 : 0, 100 * unmet[i] / most) : 0}%`;
      return el('span', { title: `${scenario.name}: ${tonnes(unmet[i])} unmet` }, part);
    });
    this.play = el('button', { type: 'button', class: 'sg-play', text: 'Play', click: () => (this.timer ? this.stop() : this.start()) });
    const dates = scenarios.map((scenario) => scenario.date).filter(Boolean);
    this.element = el('div', { class: 'sg-timeline' },
      most > 0 && el('div', { class: 'sg-steps', role: 'img', 'aria-label': `Unmet demand by step: ${
        scenarios.map((scenario, i) => `${scenario.name}, ${tonnes(unmet[i])}`).join('; ')}` }, this.bars),
      el('div', { class: 'sg-ends' }, el('span', { text: 'Today' }), most > 0 && el('span', { text: 'Bars: unmet demand' }),
        el('span', { text: dates.length ? dates[dates.length - 1] : '' })),
      this.play);
    this.element.addEventListener('keydown', (event) => { if (event.key === 'Escape') this.stop(); });
  }

  start() {
    const { app } = this;
    const last = app.data.scenarios.length - 1;
    if (app.state.scenario >= last) app.set({ scenario: 0 });
    this.timer = setInterval(() => {
      app.set({ scenario: app.state.scenario + 1 });
      if (app.state.scenario >= last) this.stop();
    }, STEP_MS);
    this.play.textContent = 'Stop';
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = 'Play';
  }

  update() {
    this.bars.forEach((bar, i) => bar.classList.toggle('sg-now', i === this.app.state.scenario));
  }
}
