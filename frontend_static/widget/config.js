// What the server wrote into the page for this panel.

const { dataset } = document.body;

export const config = Object.freeze({
  channel: dataset.channel,
  token: dataset.token,
  tokenMs: Number(dataset.tokenS) * 1000,
  fill: dataset.fill,
  ink: dataset.ink,
});

/** Gives the stylesheet the bot's colours; the page's policy allows no style attribute. */
export function applyColours() {
  const { style } = document.documentElement;
  for (const name of ["fill", "ink", "accentLight", "accentDark"]) {
    style.setProperty(`--${name}`, dataset[name]);
  }
}
