/* Candles with indicators and trades, drawn by lightweight-charts. The server sends a window, as coarse as the chart is
   narrow; zooming and panning ask for the next one. Everything is counted in bars, whatever a candle holds of them. */

import { count, fixed, moment, day, signedPercent } from "./numbers.js";
import { faded, token } from "./palette.js";
import { Band } from "./price_band.js";

const DELAY_MS = 150;
const FIRST_BARS = 150;
const RAW_BARS = 2_000; // fewer in view are asked for as they are
const ZOOMED = 0.6; // a view of less than this part of what was asked for is asked for again, finer
const MARGIN = 8; // the n-th part of the view more on either side
const PIXELS_PER_FIRST_BAR = 5;
const PIXELS_PER_MARKER = 64; // the width of its text
const HEIGHT = { price: 320, pane: 96, narrow: 260 };
const NARROW = 560;
const LINE_COLOURS = ["series-2", "series-5", "series-6", "series-1", "hold"];
const PAN = 0.2;
const DAY = 86_400;
const PRICE_MARGINS = { top: 0.12, bottom: 0.12 };
const MARGINS_ABOVE_VOLUME = { top: 0.1, bottom: 0.22 };
const VOLUME_MARGINS = { top: 0.84, bottom: 0 };
const NEAR_MARK = 2; // a view of so many times the one that was led to a mark no longer speaks of it
const ZOOM_WORD = matchMedia("(pointer: coarse)").matches ? "pinch" : "scroll";

export class PriceChart {
  /** @param {HTMLElement} figure @param {any} library the module of lightweight-charts */
  constructor(figure, library) {
    this.figure = figure;
    this.library = library;
    this.place = /** @type {HTMLElement} */ (figure.querySelector("[data-plot=price]"));
    this.readout = figure.querySelector("[data-readout]");
    this.legend = figure.querySelector("[data-legend]");
    this.digits = digitsOf(Number(figure.dataset.tick));
    this.series = null;
    /** @type {{series: any, name: string, colour: string}[]} */
    this.lines = [];
    this.marked = null;
    this.asked = 0; // bars in view at the last request
    this.#build();
    this.#listen();
    this.#load({ bars: this.#roomFor() });
  }

  /** Move to some bars and mark them. @param {number} first @param {number} last @param {string} label */
  highlight(first, last, label) {
    const room = Math.max((last - first) * 1.8, Math.min(80, this.#roomFor()));
    this.marked = { first, last, label, room };
    const middle = (first + last + 1) / 2;
    this.#show(middle - room / 2, middle + room / 2);
  }

  showAll() {
    this.#show(0, this.series?.n_bars ?? 0);
  }

  /* ---- what is shown, in bars ---- */

  /** How many bars fit at first. */
  #roomFor() {
    return Math.max(40, Math.min(FIRST_BARS, Math.round(this.place.clientWidth / PIXELS_PER_FIRST_BAR)));
  }

  /** The bars between the chart's edges, which may lie beyond the first and the last one. */
  #edges() {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    if (!range || !this.series) return null;
    const { first_bar: first, bars_per_candle: size } = this.series;
    return [first + (range.from + 0.5) * size, first + (range.to + 0.5) * size];
  }

  /** @param {number} from @param {number} to */
  #setEdges(from, to) {
    const { first_bar: first, bars_per_candle: size } = this.series;
    this.chart.timeScale().setVisibleLogicalRange({ from: (from - first) / size - 0.5, to: (to - first) / size - 0.5 });
  }

  #loaded() {
    const { first_bar: first, bars_per_candle: size, time, n_bars: n } = this.series;
    return [first, Math.min(first + time.length * size, n)];
  }

  /** Show bars, and ask for what is missing at once. @param {number} from @param {number} to */
  #show(from, to) {
    if (!this.series) return; // the first window is under way, and moves to what is marked
    const [low, high] = [Math.max(0, from), Math.min(this.series.n_bars, to)];
    const [first, last] = this.#loaded();
    if (low >= first && high <= last && this.#isFine(low, high)) {
      this.#setEdges(from, to);
      this.#draw();
    } else this.#ask(low, high, [from, to]);
  }

  /** Whether the candles at hand are fine enough for a view. */
  #isFine(low, high) {
    const { bars_per_candle: size } = this.series;
    return size === 1 || (high - low > RAW_BARS && high - low >= this.asked * ZOOMED);
  }

  #settleLater() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#settle(), DELAY_MS);
  }

  /** After zooming and panning: tell what is shown, and ask for other bars where these do not do. */
  #settle() {
    const edges = this.#edges();
    if (!edges) return;
    const n = this.series.n_bars;
    const [low, high] = [Math.min(Math.max(0, edges[0]), n), Math.max(0, Math.min(n, edges[1]))];
    const [first, last] = this.#loaded();
    const isMissing = low < first - 0.5 || high > last + 0.5;
    if (high > low && (isMissing || !this.#isFine(low, high))) this.#ask(low, high, edges);
    else this.#mark();
    this.#tell();
    this.figure.dataset.view = `${Math.round(low)}-${Math.round(high)}`;
  }

  /** @param {number} low @param {number} high @param {number[]} edges where the view shall be */
  #ask(low, high, edges) {
    const margin = (high - low) / MARGIN;
    const isAll = low <= 0 && high >= this.series.n_bars;
    this.asked = high - low;
    const first = isAll ? 0 : Math.max(0, Math.floor(low - margin));
    const last = isAll ? this.series.n_bars : Math.min(this.series.n_bars, Math.ceil(high + margin));
    this.#load({ first, last }, edges);
  }

  /** @param {Record<string, number>} query @param {number[]} [edges] */
  async #load(query, edges) {
    const request = (this.request = Symbol("request"));
    const url = new URL(this.figure.dataset.url, location.href);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    url.searchParams.set("px", String(Math.round(this.place.clientWidth) || 1200));
    let answer;
    try {
      const response = await fetch(url);
      answer = await response.json();
      if (!response.ok) throw new Error(answer.error);
    } catch (error) {
      if (request === this.request) this.#say(`The candles cannot be shown: ${/** @type {Error} */ (error).message}`);
      return;
    }
    if (request !== this.request) return; // a later request is under way
    const isFirst = !this.series;
    this.series = answer;
    if (!answer.time.length) return this.#say("There are no bars to show.");
    this.figure.querySelector("[data-wait]")?.remove();
    if (isFirst) this.asked = answer.view[1] - answer.view[0];
    this.#setData();
    const [from, to] = edges ?? this.#firstEdges();
    this.#setEdges(from, to);
    this.#draw();
    if (isFirst && this.marked) this.highlight(this.marked.first, this.marked.last, this.marked.label);
  }

  /** Some air to the right of the newest candle. */
  #firstEdges() {
    const [from, to] = this.series.view;
    return [from, to === this.series.n_bars ? to + (to - from) * 0.04 : to];
  }

  /** The library may move once more, when it learns its size: what is said then is final. */
  #draw() {
    this.#mark();
    this.#tell();
    this.#settleLater();
  }

  /** @param {string} text */
  #say(text) {
    const wait = this.figure.querySelector("[data-wait]");
    if (wait) wait.textContent = text;
    else if (this.readout) this.readout.textContent = text;
  }

  /* ---- the library's chart ---- */

  #build() {
    const { createChart, CandlestickSeries, createSeriesMarkers, PriceLineSource } = this.library;
    this.chart = createChart(this.place, {
      autoSize: true,
      // Its own logo needs a <style>, which the page forbids; the name stands below the chart instead.
      layout: { attributionLogo: false, fontSize: 11, fontFamily: "Inter, system-ui, sans-serif" },
      localization: { locale: "en-GB", priceFormatter: (value) => fixed(value, this.digits), timeFormatter: moment },
      timeScale: { timeVisible: true, secondsVisible: false, minBarSpacing: 0.2, rightOffset: 0, lockVisibleTimeRangeOnResize: true },
      rightPriceScale: { scaleMargins: PRICE_MARGINS },
      handleScroll: { vertTouchDrag: false }, // a finger that moves down scrolls the page
    });
    // Label and line tell the same price: the last one in view.
    this.candles = this.chart.addSeries(CandlestickSeries, { priceLineStyle: 1, priceLineSource: PriceLineSource.LastVisible });
    this.markers = createSeriesMarkers(this.candles, []);
    this.band = new Band();
    this.candles.attachPrimitive(this.band);
    this.#colour();
  }

  #listen() {
    const timeScale = this.chart.timeScale();
    timeScale.subscribeVisibleLogicalRangeChange(() => this.#settleLater());
    this.chart.subscribeDblClick(() => this.showAll());
    this.chart.subscribeCrosshairMove((/** @type {any} */ at) => this.#tell(at.logical ?? null));
    this.place.addEventListener("keydown", (event) => this.#pressed(event));
    this.figure.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("button[data-do]"));
      if (button) this.#do(button.dataset.do);
    });
    document.addEventListener("theme-changed", () => {
      this.#colour();
      this.#mark();
    });
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const deeds = { ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out", 0: "all", Home: "first", End: "latest" };
    const deed = deeds[event.key];
    if (!deed) return;
    event.preventDefault();
    event.stopPropagation();
    this.#do(deed);
  }

  /** @param {string} deed */
  #do(deed) {
    const edges = this.#edges();
    if (!edges) return;
    const [from, to] = edges;
    const width = to - from;
    const n = this.series.n_bars;
    const room = this.#roomFor();
    const shift = (/** @type {number} */ by) => [from + by, to + by];
    const targets = {
      left: () => shift(-Math.min(width * PAN, from + width * PAN)),
      right: () => shift(Math.min(width * PAN, n - to + width * PAN)),
      in: () => [from + width / 4, to - width / 4],
      out: () => [from - width / 2, to + width / 2],
      all: () => [0, n],
      first: () => [0, room],
      latest: () => [n - room, n + room * 0.04],
    };
    const [low, high] = targets[deed]();
    if (high - low >= 4) this.#show(low, high - low > n * 1.5 ? low + n * 1.5 : high);
  }

  #colour() {
    const names = ["surface", "text", "text-2", "text-3", "line", "line-2", "field", "pos", "neg", "accent", "warn", "surface-3", ...LINE_COLOURS];
    const colours = (this.colours = Object.fromEntries(names.map((name) => [name, token(`--${name}`)])));
    this.chart.applyOptions({
      layout: { background: { color: colours.surface }, textColor: colours["text-3"], panes: { separatorColor: colours.line, separatorHoverColor: colours["surface-3"] } },
      grid: { vertLines: { color: colours.line }, horzLines: { color: colours.line } },
      rightPriceScale: { borderColor: colours.line },
      timeScale: { borderColor: colours.line },
      crosshair: { vertLine: { color: colours.field, labelBackgroundColor: colours["text-2"] }, horzLine: { color: colours.field, labelBackgroundColor: colours["text-2"] } },
    });
    const [up, down] = [colours.pos, colours.neg];
    this.candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderUpColor: up, borderDownColor: down });
    this.volume?.applyOptions({ color: faded(colours.field, 0.45) });
    for (const line of this.lines) line.series.applyOptions({ color: colours[line.colour] });
    this.band.colour = faded(colours.accent, 0.16);
    this.figure.dataset.shownTheme = document.documentElement.dataset.shownTheme;
  }

  #setData() {
    const { time, open, high, low, close, volume, indicators = [] } = this.series;
    this.candles.setData(time.map((at, i) => ({ time: at, open: open[i], high: high[i], low: low[i], close: close[i] })));
    if (!this.volume && volume.some((/** @type {number} */ units) => units > 0)) this.#addVolume();
    this.volume?.setData(time.map((at, i) => ({ time: at, value: volume[i] })));
    if (this.lines.length !== indicators.length) this.#addLines(indicators);
    this.lines.forEach((line, i) => {
      const { values } = indicators[i];
      line.series.setData(time.map((at, row) => (values[row] === null ? { time: at } : { time: at, value: values[row] })));
    });
    const step = time.length > 1 ? time[1] - time[0] : DAY;
    this.chart.timeScale().applyOptions({ timeVisible: step < DAY });
    this.#setHeight();
    Object.assign(this.figure.dataset, { candles: time.length, barsPerCandle: this.series.bars_per_candle });
  }

  /** Bars at the foot of the price, for candles that have any volume. */
  #addVolume() {
    const options = { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false };
    this.volume = this.chart.addSeries(this.library.HistogramSeries, options);
    this.volume.priceScale().applyOptions({ scaleMargins: VOLUME_MARGINS });
    this.chart.priceScale("right").applyOptions({ scaleMargins: MARGINS_ABOVE_VOLUME });
    this.volume.setSeriesOrder(0); // behind the candles
    this.legend?.querySelector("[data-volume-key]")?.removeAttribute("hidden");
    this.figure.dataset.volume = "";
    this.#colour();
  }

  /** @param {{name: string, pane: string}[]} indicators */
  #addLines(indicators) {
    for (const { series } of this.lines) this.chart.removeSeries(series);
    const panes = ["price"];
    for (const { pane } of indicators) if (!panes.includes(pane)) panes.push(pane);
    this.lines = indicators.map(({ name, pane }, i) => {
      const colour = LINE_COLOURS[i % LINE_COLOURS.length];
      const isBelow = pane !== "price";
      const options = { color: this.colours[colour], lineWidth: 1.5, priceLineVisible: false, lastValueVisible: isBelow, title: isBelow ? name : "", crosshairMarkerVisible: false };
      if (isBelow) Object.assign(options, { priceFormat: { type: "custom", minMove: 1e-6, formatter: (/** @type {number} */ value) => shortly(value) } });
      return { name, colour, series: this.chart.addSeries(this.library.LineSeries, options, panes.indexOf(pane)) };
    });
    this.figure.dataset.panes = String(panes.length);
    this.chart.panes().forEach((/** @type {any} */ pane, /** @type {number} */ i) => pane.setStretchFactor(i ? HEIGHT.pane : HEIGHT.price));
    for (const old of this.legend?.querySelectorAll("[data-line]") ?? []) old.remove();
    for (const { name, colour } of this.lines) {
      const entry = document.createElement("span");
      entry.dataset.line = colour;
      entry.append(document.createElement("i"), name);
      this.legend?.append(entry);
    }
  }

  #setHeight() {
    const n_below = this.chart.panes().length - 1;
    const price = this.place.clientWidth < NARROW ? HEIGHT.narrow : HEIGHT.price;
    this.place.style.height = `${price + n_below * HEIGHT.pane}px`;
  }

  /* ---- trades ---- */

  /** Put the markers on their candles; where they would cover each other, one stands for its neighbours. */
  #mark() {
    const spacing = this.chart.timeScale().options().barSpacing;
    const slot = Math.max(1, Math.ceil(PIXELS_PER_MARKER / spacing));
    const told = merged(this.series.markers, slot);
    const marks = told.map((one) => this.#marker(one));
    const ended = this.#endMarker();
    if (ended) marks.push(ended);
    this.markers.setMarkers(marks.sort((one, other) => one.time - other.time));
    this.figure.dataset.markers = String(told.length);
    this.#highlight();
  }

  /** @param {Told} one */
  #marker({ candle, kind, side, trades, made }) {
    const time = this.series.time[candle];
    if (kind === "several") return { time, position: "aboveBar", shape: "circle", color: this.colours.accent, text: tradesText(trades), size: 0.8 };
    const isEntry = kind === "entry";
    const isBelow = isEntry === (side === "long");
    const exit = made === null ? "Exit" : signedPercent(made, 1);
    return {
      time,
      position: isBelow ? "belowBar" : "aboveBar",
      shape: isBelow ? "arrowUp" : "arrowDown",
      color: isEntry ? this.colours.pos : this.colours.neg,
      text: isEntry ? (side === "long" ? "Long" : "Short") : exit,
    };
  }

  /** Where a run failed or was cancelled. */
  #endMarker() {
    const { ended_bar: bar, first_bar: start, bars_per_candle: size, time } = this.series;
    const candle = Math.floor(((bar ?? -1) - start) / size);
    if (candle < 0 || candle >= time.length) return null;
    return { time: time[candle], position: "aboveBar", shape: "square", color: this.colours.warn, text: this.series.ended, size: 1.2 };
  }

  #highlight() {
    if (!this.marked) return;
    const { first_bar: start, bars_per_candle: size } = this.series;
    const [first, last] = [this.marked.first, this.marked.last].map((bar) => Math.floor((bar - start) / size));
    this.band.set(first, last);
    this.figure.dataset.highlight = `${this.marked.first}-${this.marked.last}`;
  }

  /* ---- words ---- */

  /** Tell the values under the cursor, or what is shown while there is none. @param {number | null} [logical] */
  #tell(logical = null) {
    if (!this.readout || !this.series) return;
    const { time, open, high, low, close, volume } = this.series;
    const row = logical === null ? null : Math.round(logical);
    if (row === null || time[row] === undefined) {
      this.readout.textContent = this.#summary();
      return;
    }
    const prices = [["O", open], ["H", high], ["L", low], ["C", close]].map(([name, column]) => `${name} ${fixed(column[row], this.digits)}`);
    if (this.volume) prices.push(`V ${shortly(volume[row])}`);
    const lines = (this.series.indicators ?? []).filter(({ values }) => values[row] !== null);
    const more = lines.map(({ name, pane, values }) => `${name} ${pane === "price" ? fixed(values[row], this.digits) : shortly(values[row])}`);
    this.readout.textContent = [moment(time[row]), prices.join(" "), ...more, ...this.#tradesAt(row)].join(" · ");
  }

  /** @param {number} row */
  #tradesAt(row) {
    const here = rowsOf(this.series.markers).filter(({ candle }) => candle === row);
    return here.map(({ kind, trade, trades }) => (kind === "several" ? tradesText(trades) : `trade ${count(trade)} ${kind === "entry" ? "entered" : "ended"}`));
  }

  /** Whether bars are still the place that somebody was led to. @param {number} low @param {number} high */
  #isAtMark(low, high) {
    if (!this.marked?.label) return false;
    const { first, last, room } = this.marked;
    return first < high && last >= low && high - low <= room * NEAR_MARK;
  }

  #summary() {
    const edges = this.#edges();
    const { n_bars: n, bars_per_candle: size, time, first_bar: start, span } = this.series;
    if (!edges) return "";
    const [low, high] = [Math.max(0, Math.round(edges[0])), Math.min(n, Math.round(edges[1]))];
    const rows = [low, high - 1].map((bar) => Math.min(Math.max(Math.floor((bar - start) / size), 0), time.length - 1));
    const width = size > 1 ? `, ${count(size)} to a candle` : "";
    const label = this.#isAtMark(low, high) ? `${this.marked.label}. ` : "";
    const until = time[rows[1]] + (span?.[rows[1]] ?? 0); // the candle's last bar, not its first
    const days = [...new Set([day(time[rows[0]]), day(until)])].join(" to ");
    return `${label}Showing ${count(Math.max(0, high - low))} of ${count(n)} bars${width}, ${days}. Drag to pan, ${ZOOM_WORD} to zoom.`;
  }
}

/** @typedef {{candle: number, kind: string, side: string, trade: number, trades: number, made: number | null}} Told */

/** Columns of markers as rows. @param {any} markers null: none @returns {Told[]} */
function rowsOf(markers) {
  const { candle = [], kind, side, trade, trades, return: made } = markers ?? {};
  return candle.map((/** @type {number} */ at, /** @type {number} */ i) => ({ candle: at, kind: kind[i], side: side[i], trade: trade[i], trades: trades[i], made: made[i] }));
}

/** Markers of which no two entries and no two exits stand within `slot` candles: neighbours become one for several trades.
 * @param {any} markers @param {number} slot */
export function merged(markers, slot) {
  /** @type {Map<number, Told[]>} */
  const slots = new Map();
  for (const row of rowsOf(markers)) {
    const at = Math.floor(row.candle / slot);
    if (!slots.has(at)) slots.set(at, []);
    slots.get(at).push(row);
  }
  return [...slots].flatMap(([at, rows]) => {
    const isCrowded = rows.length > 2 || (rows.length === 2 && rows[0].kind === rows[1].kind);
    if (!isCrowded) return rows;
    // There is one position at a time, so the trades of neighbouring candles have neighbouring numbers.
    const first = Math.min(...rows.map(({ trade }) => trade));
    const last = Math.max(...rows.map(({ trade, trades }) => trade + trades - 1));
    const middle = Math.min(Math.floor((at + 0.5) * slot), rows.at(-1).candle); // apart from the next slot's
    return [{ ...rows[0], candle: middle, kind: "several", trade: first, trades: last - first + 1, made: null }];
  });
}

/** @param {number} n */
const tradesText = (n) => (n === 1 ? "1 trade" : `${count(n)} trades`);

/** Decimals of a tick. @param {number} tick */
function digitsOf(tick) {
  if (!(tick > 0)) return 2;
  const [, fraction = "", exponent = "0"] = /^\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(tick)) ?? [];
  return Math.min(10, Math.max(0, fraction.length - Number(exponent)));
}

/** A number of unknown size, in few digits. @param {number} value */
function shortly(value) {
  const size = Math.abs(value);
  if (size >= 1_000) return fixed(value, 0);
  return fixed(value, size >= 100 ? 1 : size >= 1 || size === 0 ? 2 : 4);
}
