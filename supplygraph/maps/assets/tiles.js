// A base map from the network, under the canvas, where the reader of the network asked for one by name. Until its first
// tile is there, and whenever it is switched off, the map draws the bundled shapes of countries as usual.

LAYERS.push(['tiles', 'Base map']);

class BaseMap {
  constructor(app) {
    this.app = app;
    this.shown = false;
    this.layers = new Map();
    const { attribution, name, whereFrom } = app.data.tiles;
    // A file opened from disk, or a page inside a notebook, has no web address that it could give.
    this.refused = whereFrom && !/^https?:$/.test(window.location.protocol);
    this.note = this.refused ? `${name} answers only pages with a web address, which this file has not. ` : `Base map: ${attribution}. `;
    this.credit = app.page.querySelector('.sg-credit');
    this.usual = this.credit.textContent;
    this.credit.classList.add('sg-tiled');
  }

  /** Put the tiles under every map, or take them away. */
  update() {
    const on = !this.refused && !this.app.state.hidden.has('tiles');
    this.credit.textContent = (on || this.refused ? this.note : '') + this.usual;
    if (!on) this.shown = false;
    for (const map of this.app.maps) {
      if (!this.layers.has(map)) this.layers.set(map, this.make());
      const layer = this.layers.get(map);
      if (on && !map.hasLayer(layer)) layer.addTo(map);
      if (!on && map.hasLayer(layer)) layer.remove();
    }
  }

  make() {
    const { address, subdomains, least, most, bounds, tms } = this.app.data.tiles;
    const layer = L.tileLayer(address, {
      subdomains: subdomains.length ? subdomains : 'abc', minZoom: 0, maxZoom: 24, minNativeZoom: least, maxNativeZoom: most, tms,
      ...(bounds ? { bounds } : {}),
      // Some providers answer only those who say where they are; the page as such tells nobody.
      referrerPolicy: 'strict-origin-when-cross-origin',
    });
    layer.on('tileload', () => {
      if (this.shown) return;
      this.shown = true;
      this.app.redraw();
    });
    return layer;
  }
}
