/* The equity of several runs on one chart, each as the change since its own start. Drawn by uPlot. */

import { day, moment, percentLabels, signedPercent } from "./numbers.js";
import { FONT, tokens } from "./palette.js";

/* global uPlot */

const HEIGHT = 320;
const AXIS_WIDTH = 62;
const DASHES = [undefined, undefined, undefined, [7, 4], [7, 4], [7, 4]]; // colours alone tell too little
const RELOAD_MS = 1500;
const LEAST_ZOOM_PIXELS = 4;

const main = document.getElementById("main");
const place = /** @type {HTMLElement | null} */ (main.querySelector("[data-plot]"));
const readout = main.querySelector("[data-readout]");
const hint = readout.textContent;
/** @type {{name: string, place: number, url: string, initial: number, start: number, end: number}[]} */
const curves = JSON.parse(document.getElementById("curves").textContent);

let data = null;
let plot = null;
const whole = [Math.min(...curves.map((one) => one.start)), Math.max(...curves.map((one) => one.end))];
let span = whole;

/** @param {(typeof curves)[number]} curve */
async function load(curve) {
  const response = await fetch(`${curve.url}?${new URLSearchParams({ px: String(Math.round(place.clientWidth || 1200)) })}`);
  if (!response.ok) throw new Error(`${curve.name}: ${response.status}`);
  const { time, equity } = await response.json();
  return [time, equity.map((value) => value / curve.initial - 1)];
}

/** The last value of a line until an index: thinned lines have points of their own. @param {(number | null)[]} line */
function until(line, index) {
  for (let at = index; at >= 0; at -= 1) if (line[at] !== null && line[at] !== undefined) return line[at];
  return null;
}

/** @param {number | null} index */
function read(index) {
  if (index === null || index === undefined) {
    readout.textContent = span === whole ? hint : `${day(span[0])} to ${day(span[1])}. Double-click for all.`;
    return;
  }
  const told = curves.map((curve, at) => [curve.name, until(data[at + 1], index)]).filter(([, value]) => value !== null);
  readout.textContent = [moment(data[0][index]), ...told.map(([name, value]) => `${name} ${signedPercent(value)}`)].join(" · ");
}

function zoom(own) {
  const { left, width } = own.select;
  if (width < LEAST_ZOOM_PIXELS) return;
  span = [own.posToVal(left, "x"), own.posToVal(left + width, "x")];
  own.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  own.setScale("x", { min: span[0], max: span[1] });
  read(null);
}

function build() {
  plot?.destroy();
  place.querySelector("[data-wait]")?.remove();
  const colours = tokens(["line", "text-3", ...curves.map((one) => `series-${one.place}`)]);
  const axis = { stroke: colours["text-3"], font: FONT, grid: { stroke: colours.line, width: 1 }, ticks: { show: false } };
  plot = new globalThis.uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      tzDate: (/** @type {number} */ seconds) => globalThis.uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
      legend: { show: false },
      padding: [8, 18, 0, 0],
      cursor: { y: false, drag: { setScale: false, x: true, y: false }, points: { size: 6 } },
      hooks: {
        setCursor: [(/** @type {any} */ own) => read(own.cursor.idx)],
        setSelect: [zoom],
        ready: [
          (/** @type {any} */ own) =>
            own.over.addEventListener("dblclick", () => {
              span = whole;
              own.setScale("x", { min: span[0], max: span[1] });
              read(null);
            }),
        ],
      },
      scales: { x: { time: true, range: () => span } },
      axes: [axis, { ...axis, size: AXIS_WIDTH, values: (_, values) => percentLabels(values) }],
      series: [
        {},
        ...curves.map((one) => ({
          stroke: colours[`series-${one.place}`],
          width: 1.75,
          dash: DASHES[one.place - 1],
          points: { show: false },
          spanGaps: true,
        })),
      ],
    },
    data,
    place,
  );
}

async function draw() {
  try {
    data = globalThis.uPlot.join(await Promise.all(curves.map(load)));
  } catch (error) {
    place.querySelector("[data-wait]").textContent = `The curves could not be loaded (${error.message}).`;
    return;
  }
  build();
  document.addEventListener("theme-changed", build);
  new ResizeObserver(() => plot.width !== place.clientWidth && place.clientWidth && plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
}

if (place) draw();
// Curves are computed by workers meanwhile: the page that has them is another one.
if (main.dataset.drawing) setTimeout(() => location.reload(), RELOAD_MS);
