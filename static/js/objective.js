/* The objective of each trial as a point, and the best one until then as a line. Drawn by uPlot. */

import { axisLabels, count, inUnit } from "./numbers.js";
import { header } from "./page_state.js";
import { faded, FONT, tokens } from "./palette.js";

/* global uPlot */

const HEIGHT = 310;
const NEAR_PIXELS = 14;

export class ObjectiveChart {
  /** @param {HTMLElement} figure @param {{label: string, unit: string}} metric @param {(number: number) => void} open */
  constructor(figure, metric, open) {
    this.place = /** @type {HTMLElement} */ (figure.querySelector("[data-plot]"));
    this.readout = figure.querySelector("[data-readout]");
    this.hint = this.readout.textContent;
    this.metric = metric;
    this.open = open;
    this.data = null;
    this.plot = null;
    document.addEventListener("theme-changed", () => this.data && this.#build());
    new ResizeObserver(() => this.#resize()).observe(this.place);
  }

  /** @param {{number: number[], value: number[], best: [number, number][]}} data */
  show(data) {
    const wait = this.place.querySelector("[data-wait]");
    if (wait && header().dataset.processed !== "0") wait.textContent = `No trial has a value of the ${this.metric.label} to draw.`;
    if (!data.number.length) return;
    this.data = this.#aligned(data);
    if (this.plot) {
      this.plot.setData(this.data);
      this.#read(null);
    } else this.#build();
  }

  /** Put points and steps on one x axis: the numbers of both. Trials are counted from 1 here. */
  #aligned({ number, value, best }) {
    const points = new Map(number.map((n, index) => [n + 1, value[index]]));
    const steps = new Map(best.map(([n, at]) => [n + 1, at]));
    const x = [...new Set([...points.keys(), ...steps.keys()])].sort((a, b) => a - b);
    let now = null;
    const line = x.map((n) => (now = steps.get(n) ?? now));
    return [x, x.map((n) => points.get(n) ?? null), line];
  }

  #build() {
    this.plot?.destroy();
    this.place.querySelector("[data-wait]")?.remove();
    const colours = tokens(["bar", "mark", "line", "text-3", "surface"]);
    const axis = { stroke: colours["text-3"], font: FONT, grid: { stroke: colours.line, width: 1 }, ticks: { show: false } };
    const nPoints = this.data[1].length;
    const { unit } = this.metric;
    this.plot = new globalThis.uPlot(
      {
        width: this.place.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        padding: [10, 10, 0, 0],
        cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { show: false } },
        hooks: {
          setCursor: [(/** @type {any} */ plot) => this.#read(this.#near(plot))],
          ready: [(/** @type {any} */ plot) => plot.over.addEventListener("click", () => this.#click())],
        },
        scales: { x: { time: false, range: (_, low, high) => [Math.min(low, 1), Math.max(high, 2)] }, y: {} },
        axes: [
          { ...axis, size: 30, values: (_, values) => values.map((value) => (Number.isInteger(value) ? count(value) : "")) },
          { ...axis, size: 52, values: (_, values) => axisLabels(values, unit) },
        ],
        series: [
          {},
          {
            paths: () => null,
            points: { show: true, size: nPoints > 1500 ? 3 : 4, width: 0, fill: faded(colours.bar, this.#opacity(nPoints)), stroke: "transparent" },
          },
          { stroke: colours.mark, width: 2, points: { show: false }, paths: globalThis.uPlot.paths.stepped({ align: 1 }) },
        ],
      },
      this.data,
      this.place,
    );
    this.#read(null);
  }

  /** Many points are drawn lighter, so that one sees where they are dense; on a dark page less so. @param {number} nPoints */
  #opacity(nPoints) {
    const isDark = document.documentElement.dataset.shownTheme === "dark";
    return nPoints > 600 ? (isDark ? 0.65 : 0.5) : 0.8;
  }

  #resize() {
    const width = this.place.clientWidth;
    if (width && this.plot && this.plot.width !== width) this.plot.setSize({ width, height: HEIGHT });
  }

  /** The trial whose point is nearest to the cursor. */
  #near(plot) {
    const { left, top } = plot.cursor;
    if (left === undefined || left < 0) return null;
    const [x, y] = this.data;
    let found = null;
    let least = NEAR_PIXELS ** 2;
    for (let index = 0; index < x.length; index += 1) {
      if (y[index] === null) continue;
      const dx = plot.valToPos(x[index], "x") - left;
      if (Math.abs(dx) > NEAR_PIXELS) continue;
      const distance = dx ** 2 + (plot.valToPos(y[index], "y") - top) ** 2;
      if (distance < least) [found, least] = [index, distance];
    }
    return found;
  }

  /** @param {number | null} index */
  #read(index) {
    this.at = index;
    this.plot?.over.classList.toggle("at-point", index !== null);
    const [x, y, best] = this.data;
    this.readout.textContent =
      index === null
        ? this.hint
        : `Trial ${count(x[index])} · ${this.metric.label} ${inUnit(y[index], this.metric.unit)} · best until then ${inUnit(best[index], this.metric.unit)}`;
  }

  #click() {
    if (this.at !== null && this.at !== undefined) this.open(this.data[0][this.at] - 1);
  }
}
