/* Equity and drawdown, drawn by uPlot from what the server has thinned out. One object serves the live page and the report. */

import { day, exactDigits, fixed, moment, percentLabels, signedPercent } from "./numbers.js";
import { faded, token } from "./palette.js";

/* global uPlot */

const EQUITY_HEIGHT = 300;
const DRAWDOWN_HEIGHT = 118;
const LEAST_DRAWDOWN = -0.01; // a smaller axis would name several of its lines alike
const ZOOM_DELAY_MS = 150;
const DAY = 86_400;
const YEAR = 365 * DAY;
const AXIS_WIDTH = 62;
const EDGE = 18; // half a date, which may stand under the last line

/* Labels of the time axis by the distance of its lines, seconds: [distance, text, and what is added at a new year, month, day]. */
const TIME_LABELS = [
  [YEAR, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * DAY, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [DAY, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
];

const NARROW = 400; // pixels

/** Two lines of labels need more room than one. @param {any} _ @param {(string | null)[] | null} labels */
const timeAxisHeight = (_, labels) => (labels?.some((label) => label?.includes("\n")) ? 46 : 30);

/** Years stand closer than days do with their months. On a phone 70 px would leave one of them.
    @param {any} _ @param {number} __ @param {number} ___ @param {number} ____ @param {number} width */
const timeAxisSpace = (_, __, ___, ____, width) => (width < NARROW ? 48 : 70);

export class EquityCharts {
  /** @param {HTMLElement} figure */
  constructor(figure) {
    this.figure = figure;
    this.equityPlace = /** @type {HTMLElement} */ (figure.querySelector("[data-plot=equity]"));
    this.drawdownPlace = /** @type {HTMLElement} */ (figure.querySelector("[data-plot=drawdown]"));
    this.readout = figure.querySelector("[data-readout]");
    const { start, end, initial, currency, seriesUrl } = figure.dataset;
    this.start = Number(start);
    this.end = Number(end);
    this.initial = Number(initial);
    this.currency = currency;
    this.seriesUrl = seriesUrl;
    this.mode = "percent";
    this.span = [this.start, this.end];
    this.series = null;
    this.plots = [];
    this.isFinal = false;
    this.#listen();
  }

  /** Take what a live frame brings. @param {{time: number[], equity: number[], hold: number[], drawdown: number[]}} series */
  show(series) {
    if (!series?.time?.length) return;
    this.series = series;
    if (this.plots.length) this.#update();
    else this.#build();
  }

  /** Ask the server for the shown range, as fine as the chart is wide. */
  async load() {
    const [from, to] = this.span;
    const asked = (this.asked = Symbol("request"));
    const query = new URLSearchParams({ px: String(Math.round(this.equityPlace.clientWidth || 1200)) });
    if (from > this.start) query.set("from", String(Math.floor(from)));
    if (to < this.end) query.set("to", String(Math.ceil(to)));
    const response = await fetch(`${this.seriesUrl}?${query}`);
    if (!response.ok || asked !== this.asked) return; // a later request is under way
    this.show(await response.json());
  }

  #listen() {
    this.figure.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("button[data-mode], button[data-months]"));
      if (!button) return;
      for (const peer of button.parentElement.querySelectorAll("button")) peer.setAttribute("aria-pressed", String(peer === button));
      if (button.dataset.mode) this.#setMode(button.dataset.mode);
      else this.#setMonths(Number(button.dataset.months));
    });
    document.addEventListener("theme-changed", () => this.series && this.#build());
    new ResizeObserver(() => this.#resize()).observe(this.equityPlace);
    matchMedia("print").addEventListener("change", () => this.#resize());
  }

  /** @param {string} mode */
  #setMode(mode) {
    this.mode = mode;
    if (this.series) this.#build();
  }

  /** @param {number} months 0: everything */
  #setMonths(months) {
    const end = this.isFinal ? this.end : (this.series?.time.at(-1) ?? this.end);
    this.#setSpan(months ? Math.max(this.start, end - months * 30.44 * DAY) : this.start, months ? end : this.end);
  }

  #setSpan(from, to) {
    this.span = [from, to];
    for (const plot of this.plots) plot.setScale("x", { min: from, max: to });
    if (!this.isFinal) return;
    clearTimeout(this.zoomTimer);
    this.zoomTimer = setTimeout(() => this.load(), ZOOM_DELAY_MS);
  }

  /** Equity and holding in the unit of the mode. */
  #lines() {
    const { equity, hold } = this.series;
    if (this.mode === "percent") return [equity, hold].map((line) => line.map((value) => value / this.initial - 1));
    if (this.mode === "log") return [equity, hold].map((line) => line.map((value) => (value > 0 ? value : null)));
    return [equity, hold];
  }

  /** @param {(number | null)[]} values */
  #labels(values) {
    if (this.mode === "percent") return percentLabels(values);
    const digits = exactDigits(values);
    return values.map((value) => (value === null ? "" : fixed(value, digits))); // a logarithmic axis labels few of its lines
  }

  #build() {
    for (const plot of this.plots) plot.destroy();
    this.figure.querySelector("[data-wait]")?.remove();
    const width = this.equityPlace.clientWidth;
    const colours = Object.fromEntries(
      ["bar", "hold", "neg", "line", "text-3", "surface"].map((name) => [name, token(`--${name}`)]),
    );
    const [equity, hold] = this.#lines();
    const x = { time: true, range: () => this.span };
    const tzDate = (/** @type {number} */ seconds) => globalThis.uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC");
    const axis = { stroke: colours["text-3"], font: "11px Inter, system-ui, sans-serif", grid: { stroke: colours.line, width: 1 }, ticks: { show: false } };
    const cursor = { sync: { key: "run" }, y: false, drag: { setScale: false, x: true, y: false }, points: { size: 6 } };
    const hooks = {
      setCursor: [(/** @type {any} */ plot) => this.#read(plot.cursor.idx)],
      setSelect: [(/** @type {any} */ plot) => this.#zoom(plot)],
      ready: [(/** @type {any} */ plot) => plot.over.addEventListener("dblclick", () => this.#showAll())],
    };
    const common = { width, tzDate, legend: { show: false }, padding: [8, EDGE, 0, 0] };
    const equityChart = new globalThis.uPlot(
      {
        ...common,
        height: EQUITY_HEIGHT,
        cursor,
        hooks,
        scales: { x, y: { distr: this.mode === "log" ? 3 : 1 } },
        axes: [
          { ...axis, values: TIME_LABELS, space: timeAxisSpace, size: timeAxisHeight },
          { ...axis, size: AXIS_WIDTH, space: 38, values: (_, values) => this.#labels(values) },
        ],
        series: [
          {},
          { stroke: colours.hold, width: 1.25, points: { show: false } },
          { stroke: colours.bar, width: 2, points: { show: false }, fill: (plot) => this.#shade(plot, colours.bar), fillTo: (plot) => plot.scales.y.min },
        ],
      },
      [this.series.time, hold, equity],
      this.equityPlace,
    );
    const drawdownChart = new globalThis.uPlot(
      {
        ...common,
        height: DRAWDOWN_HEIGHT,
        padding: [8, EDGE, 8, 0], // no axis below: the lowest label needs room of its own
        cursor,
        hooks,
        scales: { x, y: { range: (_, low) => [Math.min(low * 1.08, LEAST_DRAWDOWN), 0] } },
        axes: [
          { ...axis, show: false },
          { ...axis, size: AXIS_WIDTH, space: 28, values: (_, values) => percentLabels(values) },
        ],
        series: [{}, { stroke: colours.neg, width: 1.25, points: { show: false }, fill: faded(colours.neg, 0.16), fillTo: 0 }],
      },
      [this.series.time, this.series.drawdown],
      this.drawdownPlace,
    );
    this.plots = [equityChart, drawdownChart];
    this.#read(null);
  }

  #update() {
    const [equity, hold] = this.#lines();
    const [equityChart, drawdownChart] = this.plots;
    equityChart.setData([this.series.time, hold, equity]);
    drawdownChart.setData([this.series.time, this.series.drawdown]);
    this.#read(null);
  }

  #resize() {
    const width = this.equityPlace.clientWidth;
    if (!width) return;
    for (const plot of this.plots) if (plot.width !== width) plot.setSize({ width, height: plot.height });
  }

  #shade(plot, colour) {
    const { top, height } = plot.bbox;
    if (!Number.isFinite(top) || !height) return "transparent";
    const shade = plot.ctx.createLinearGradient(0, top, 0, top + height);
    shade.addColorStop(0, faded(colour, 0.16));
    shade.addColorStop(1, faded(colour, 0));
    return shade;
  }

  /** Tell the values under the cursor, or the range while there is none. @param {number | null} index */
  #read(index) {
    if (!this.readout) return;
    const at = index ?? null;
    const { time, equity, hold, drawdown } = this.series;
    if (at === null || time[at] === undefined) {
      this.readout.textContent = `${day(this.span[0])} to ${day(this.span[1])}. Drag to zoom, double-click for all.`;
      return;
    }
    const [own, held] = [equity[at], hold[at]].map((value) =>
      this.mode === "percent" ? signedPercent(value / this.initial - 1) : `${fixed(value)} ${this.currency}`,
    );
    this.readout.textContent = `${moment(time[at])} · Strategy ${own} · Buy and hold ${held} · Drawdown ${signedPercent(drawdown[at])}`;
  }

  #zoom(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    for (const button of this.figure.querySelectorAll("button[data-months]")) button.setAttribute("aria-pressed", "false");
    this.#setSpan(Math.max(this.start, from), Math.min(this.end, to));
  }

  #showAll() {
    /** @type {HTMLElement} */ (this.figure.querySelector("button[data-months='0']")).click();
  }
}
