// Finding a site or country by its name, its operator, its owners or a country code.

const FOUND = 8;
/** Letters that are no letter with an accent. */
const PLAIN = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', þ: 'th', ł: 'l', ı: 'i' };

/** Words as they are searched: small letters without accents. */
const folded = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/[ßæœøđðþłı]/g, (letter) => PLAIN[letter]);

/** Places in order of size: what is written, what else finds them, and where it leads. */
function placesOf(app) {
  const { data } = app;
  const site = (node) => {
    const owners = node.owners.map(({ owner }) => data.countryName(owner));
    const operator = operators(node);
    return { text: node.name, more: [operator, ...owners].join(' · '), code: node.country, go: (open) => app.visit(node, open),
      note: [KIND_WORDS[node.kind], node.country && data.countryName(node.country), operator].filter(Boolean).join(' · ') };
  };
  const countries = data.world.filter((shape) => data.countries[shape.iso]).map((shape) => ({
    text: data.countryName(shape.iso), more: '', code: shape.iso, country: true, note: `Country · ${shape.iso}`, go: (open) => app.visitCountry(shape, open) }));
  return [...data.ranked.map(site), ...countries].map((place) => ({ ...place, name: folded(place.text), rest: folded(place.more) }));
}

/** Whole names first, then the country of a code, beginnings, sites there, other names, operators and owners; each by size. */
function searched(places, words) {
  const wanted = folded(words.trim());
  if (!wanted) return [];
  const code = words.trim().toUpperCase();
  const rankOf = ({ name, rest, code: own, country }) => {
    if (name === wanted) return 0;
    if (country && own === code) return 1;
    if (name.startsWith(wanted)) return 2;
    if (own === code) return 3;
    if (name.includes(wanted)) return 4;
    return rest.includes(wanted) ? 5 : 9;
  };
  return places.map((place) => [rankOf(place), place]).filter(([rank]) => rank < 9)
    .sort(([a], [b]) => a - b).slice(0, FOUND).map(([, place]) => place);
}

class Search {
  constructor(app) {
    this.places = placesOf(app);
    this.app = app;
    this.found = [];
    this.active = -1;
    this.list = el('ul', { class: 'sg-found', id: 'sg-found', role: 'listbox', 'aria-label': 'Places found', hidden: true });
    this.input = el('input', {
      type: 'search', id: 'sg-find', placeholder: 'Find a site, company or country', 'aria-label': 'Find a site or country', role: 'combobox', dir: 'auto',
      'aria-controls': 'sg-found', 'aria-expanded': 'false', 'aria-autocomplete': 'list', autocomplete: 'off',
      input: () => this.find(), blur: () => this.close(), keydown: (event) => this.key(event),
    });
    this.element = el('div', { class: 'sg-search' }, this.input, this.list);
  }

  mark(position) {
    this.active = position;
    [...this.list.children].forEach((option, i) => option.setAttribute('aria-selected', String(i === position)));
    if (position >= 0) this.input.setAttribute('aria-activedescendant', `sg-found-${position}`);
    else this.input.removeAttribute('aria-activedescendant');
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute('aria-expanded', 'false');
    this.mark(-1);
  }

  find() {
    this.found = searched(this.places, this.input.value);
    this.list.replaceChildren(...this.found.map((place, i) => el('li', {
      role: 'option', id: `sg-found-${i}`, 'aria-selected': 'false',
      mousedown: (event) => { event.preventDefault(); this.take(place, false); },
    }, el('span', { text: place.text, dir: 'auto' }), el('small', { text: place.note, dir: 'auto' }))));
    this.list.hidden = !this.found.length;
    this.input.setAttribute('aria-expanded', String(this.found.length > 0));
    this.mark(this.found.length ? 0 : -1);
    if (this.input.value.trim()) this.app.say(this.found.length ? `${this.found.length} found` : 'Nothing found');
  }

  /** Go to a place; by key, the focus goes along. */
  take(place, byKey) {
    this.close();
    place.go(byKey);
  }

  key(event) {
    const count = this.found.length;
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.close();
    }
    if (!count || this.list.hidden) return;
    if (event.key === 'ArrowDown') this.mark((this.active + 1) % count);
    else if (event.key === 'ArrowUp') this.mark((this.active + count - 1) % count);
    else if (event.key === 'Enter') this.take(this.found[Math.max(0, this.active)], true);
    else return;
    event.preventDefault();
  }
}
