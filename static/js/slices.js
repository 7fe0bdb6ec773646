/* One small chart a parameter: for each of its values the best, the median and the worst trial over all others. */

import { axisLabels, count, inUnit, parameter } from "./numbers.js";
import { FONT, tokens } from "./palette.js";

/* global uPlot */

const HEIGHT = 190;

export class Slices {
  /** @param {HTMLElement} figure @param {Record<string, string>} units by metric */
  constructor(figure, units) {
    this.place = /** @type {HTMLElement} */ (figure.querySelector("[data-slices]"));
    this.metric = /** @type {HTMLSelectElement} */ (figure.querySelector("[data-slice-metric]"));
    this.units = units;
    this.plots = [];
    this.data = null;
    document.addEventListener("theme-changed", () => this.#build());
    new ResizeObserver(() => this.#resize()).observe(this.place);
  }

  get query() {
    return new URLSearchParams({ metric: this.metric.value }).toString();
  }

  /** @param {any} data as slices.json gives it */
  show(data) {
    this.data = data;
    this.#build();
  }

  #build() {
    if (!this.data || !this.place.clientWidth) return;
    for (const { plot } of this.plots) plot.destroy();
    this.place.replaceChildren();
    this.plots = this.data.slices.filter((slice) => slice.values.length).map((slice) => this.#one(slice));
  }

  #one(slice) {
    const box = document.createElement("div");
    box.className = "slice";
    const head = document.createElement("p");
    const name = document.createElement("b");
    name.textContent = slice.name;
    const readout = document.createElement("span");
    head.append(name, readout);
    const place = document.createElement("div");
    box.append(head, place);
    this.place.append(box);
    const unit = this.units[this.data.metric] ?? "ratio";
    const isNumber = slice.values.every((value) => typeof value === "number");
    const x = isNumber ? slice.values : slice.values.map((_, index) => index);
    const label = (/** @type {number} */ value) => (isNumber ? parameter(value) : Number.isInteger(value) ? parameter(slice.values[value] ?? "") : "");
    const colours = tokens(["mark", "bar", "hold", "line", "text-3"]);
    const axis = { stroke: colours["text-3"], font: FONT, grid: { stroke: colours.line, width: 1 }, ticks: { show: false } };
    const isFew = x.length <= 24;
    const read = (/** @type {number | null} */ index) => {
      readout.textContent =
        index === null || index === undefined
          ? `${count(slice.values.length)} values`
          : `${parameter(slice.values[index])}: best ${inUnit(slice.best[index], unit)}, median ${inUnit(slice.median[index], unit)}, worst ${inUnit(slice.worst[index], unit)} of ${count(slice.count[index])}`;
    };
    const line = (/** @type {string} */ stroke, width = 1.5) => ({ stroke, width, points: { show: isFew || !isNumber, size: isNumber ? 4 : 8, fill: stroke }, ...(isNumber ? {} : { paths: () => null }) }); // between words there is nothing
    const plot = new globalThis.uPlot(
      {
        width: box.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        padding: [6, 16, 0, 0],
        cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { size: 6 } },
        hooks: { setCursor: [(/** @type {any} */ own) => read(own.cursor.idx)] },
        scales: { x: { time: false } },
        axes: [
          { ...axis, size: 30, values: (_, values) => values.map(label), space: 44 },
          { ...axis, size: 54, space: 28, values: (_, values) => axisLabels(values, unit) },
        ],
        series: [{}, line(colours.mark, 2), line(colours.bar), line(colours.hold)],
      },
      [x, slice.best, slice.median, slice.worst],
      place,
    );
    read(null);
    return { plot, box };
  }

  #resize() {
    if (!this.plots.length) return this.#build();
    for (const { plot, box } of this.plots) {
      if (box.clientWidth && plot.width !== box.clientWidth) plot.setSize({ width: box.clientWidth, height: HEIGHT });
    }
  }
}
