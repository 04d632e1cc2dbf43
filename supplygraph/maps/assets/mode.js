// Light or dark: as the page says, else as the reader's system asks.

const systemDark = window.matchMedia('(prefers-color-scheme: dark)');

/** The mode that the page is shown in. */
function modeNow() {
  const chosen = document.documentElement.getAttribute('data-mode');
  return chosen || (systemDark.matches ? 'dark' : 'light');
}

/** What scripts read of the look in one mode: widths, font and steps, and the colours of the mode. */
const lookOf = (themes, mode) => ({ ...themes, ...themes[mode] });

/** Show the page in a mode; null goes back to what the system asks for. */
function setMode(app, mode) {
  if (mode) document.documentElement.setAttribute('data-mode', mode);
  else document.documentElement.removeAttribute('data-mode');
  app.data.theme = lookOf(app.data.themes, modeNow());
  app.refresh();
}
