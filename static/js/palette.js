/* Colours of the style sheet for canvases: tokens as they are now, and the scale of one hue that heat is drawn with. */

const STEPS = 64;
const HEAT_TOKENS = ["--heat-0", "--heat-1", "--heat-2", "--heat-3", "--heat-4"];

/** A token of the style sheet as a colour that a canvas understands. @param {string} name */
export function token(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/** @param {string} colour @param {number} alpha */
export const faded = (colour, alpha) => colour.replace(/^rgba?\(([^,)]+),([^,)]+),([^,)]+).*$/, `rgba($1,$2,$3,${alpha})`);

/** Several tokens by name. @param {string[]} names */
export const tokens = (names) => Object.fromEntries(names.map((name) => [name, token(`--${name}`)]));

/** Return a function from 0..1 to a colour of the heat scale. */
export function heatScale() {
  const stops = HEAT_TOKENS.map((name) => token(name).match(/[\d.]+/g).slice(0, 3).map(Number));
  const colours = Array.from({ length: STEPS }, (_, index) => {
    const at = (index / (STEPS - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const mixed = stops[low].map((value, channel) => Math.round(value + (stops[low + 1][channel] - value) * (at - low)));
    return `rgb(${mixed.join(", ")})`;
  });
  return (/** @type {number} */ fraction) => colours[Math.round(Math.min(1, Math.max(0, fraction)) * (STEPS - 1))];
}

/** Fit a canvas to its place at the screen's resolution; return its context in CSS pixels.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height */
export function fitted(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

export const FONT = "11px Inter, system-ui, sans-serif";
