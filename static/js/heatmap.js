/* A metric over two parameters: one cell a pair of values, one hue, deeper is better. Own canvas, reachable by keyboard. */

import { axisLabels, count, inUnit, parameter } from "./numbers.js";
import { header } from "./page_state.js";
import { fitted, FONT, heatScale, tokens } from "./palette.js";

const HEIGHT = 310;
const TOP = 8;
const BOTTOM = 26;
const LEGEND = { bar: 28, least: 62, most: 104 }; // the bar with its margins, and with its labels
const WORST_SHARE = 0.05;
const LABEL_GAP = 8;
const TABLE_DIGITS = 2;
const [PENDING, VALUE, EXCLUDED, FAILED] = [0, 1, 2, 3];
const STATE_WORDS = ["pending", "", "excluded by the rules", "failed", "undefined"];
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Heatmap {
  /** @param {HTMLElement} figure @param {(number: number) => void} open is told the trial of a chosen cell */
  constructor(figure, open) {
    this.figure = figure;
    this.place = /** @type {HTMLElement} */ (figure.querySelector("[data-place]"));
    this.readout = /** @type {HTMLElement} */ (figure.querySelector("[data-readout]"));
    this.title = figure.querySelector("[data-title]");
    this.open = open;
    this.grid = null;
    this.at = null;
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-roledescription", "heatmap");
    this.canvas.dataset.testid = "heatmap-canvas";
    this.#listen();
  }

  /** What the selects say: the query of the data. */
  query() {
    const value = (/** @type {string} */ name) => /** @type {HTMLSelectElement} */ (this.figure.querySelector(name)).value;
    const pressed = /** @type {HTMLElement | null} */ (this.figure.querySelector("[data-agg][aria-pressed=true]"));
    const asked = { x: value("[data-axis=x]"), y: value("[data-axis=y]"), metric: value("[data-metric]"), agg: pressed?.dataset.agg ?? "best" };
    this.agg = asked.agg;
    return new URLSearchParams(asked).toString();
  }

  /** @param {any} grid as grid.json gives it */
  show(grid) {
    this.grid = grid;
    if (!this.canvas.isConnected) this.place.replaceChildren(this.canvas);
    const values = grid.cells.flatMap((row, y) => row.filter((value, x) => grid.state[y][x] === VALUE && value !== null));
    const sorted = Float64Array.from(values).sort();
    // A few ruinous trials would leave one shade to all the others: the worst ones share the end of the scale.
    const cut = Math.floor(sorted.length * WORST_SHARE);
    const isLowBest = grid.objective && grid.direction === "minimize";
    this.low = sorted.length ? sorted[isLowBest ? 0 : cut] : Infinity;
    this.high = sorted.length ? sorted[sorted.length - 1 - (isLowBest ? cut : 0)] : -Infinity;
    const word = this.agg === "mean" ? "Mean" : "Best";
    const others = grid.over.length ? `${word} over ${grid.over.join(", ")} · ` : "";
    this.title.textContent = `${grid.label} by ${grid.x.name} × ${grid.y.name}`;
    this.caption = `${others}${count(values.length)} of ${count(grid.x.values.length * grid.y.values.length)} cells have a value`;
    this.canvas.setAttribute("aria-label", `${this.title.textContent}. Arrow keys move among the cells, Enter opens the trial.`);
    this.#showKey();
    this.#draw();
    this.#read();
  }

  /** Explain the marks that the map has, and no others. */
  #showKey() {
    const kinds = new Set(this.grid.state.flat());
    const isOver = header().dataset.state !== "pending" && header().dataset.state !== "running";
    const shown = { "best-mark": Boolean(this.grid.best), hatched: kinds.has(EXCLUDED), pending: kinds.has(PENDING), "failed-mark": kinds.has(FAILED) };
    for (const [name, isThere] of Object.entries(shown)) /** @type {HTMLElement} */ (this.figure.querySelector(`.heat-key .${name}`)).hidden = !isThere;
    this.words = [isOver ? "not run" : "pending", ...STATE_WORDS.slice(1)];
    this.figure.querySelector(".heat-key .pending").textContent = this.words[PENDING];
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointermove", (event) => this.#move(this.#cellAt(event)));
    canvas.addEventListener("pointerleave", () => document.activeElement !== canvas && this.#move(null));
    canvas.addEventListener("click", (event) => {
      this.#move(this.#cellAt(event));
      this.#choose();
    });
    canvas.addEventListener("focus", () => {
      this.readout.setAttribute("aria-live", "polite");
      if (canvas.matches(":focus-visible")) this.#move(this.at ?? this.grid?.best ?? [0, 0]);
    });
    canvas.addEventListener("blur", () => {
      this.readout.setAttribute("aria-live", "off");
      this.#move(null);
    });
    canvas.addEventListener("keydown", (event) => {
      const step = MOVES[event.key];
      if (event.key === "Enter") this.#choose();
      if (!step || !this.grid) return;
      event.preventDefault();
      const [x, y] = this.at ?? [0, 0];
      const limit = (/** @type {number} */ value, /** @type {any[]} */ values) => Math.min(values.length - 1, Math.max(0, value));
      this.#move([limit(x + step[0], this.grid.x.values), limit(y + step[1], this.grid.y.values)]);
    });
    document.addEventListener("theme-changed", () => this.grid && this.#draw());
    new ResizeObserver(() => this.grid && this.#draw()).observe(this.place);
  }

  #choose() {
    const number = this.at && this.grid?.trial[this.at[1]][this.at[0]];
    if (number !== null && number !== undefined) this.open(number);
  }

  /** @param {[number, number] | null} cell */
  #move(cell) {
    if (String(cell) === String(this.at)) return;
    this.at = cell;
    this.#draw();
    this.#read();
  }

  /** @param {PointerEvent | MouseEvent} event @returns {[number, number] | null} */
  #cellAt(event) {
    if (!this.box) return null;
    const { left, width, height, nX, nY } = this.box;
    const x = Math.floor(((event.offsetX - left) / width) * nX);
    const y = nY - 1 - Math.floor(((event.offsetY - TOP) / height) * nY);
    return x >= 0 && x < nX && y >= 0 && y < nY ? [x, y] : null;
  }

  #read() {
    const { grid } = this;
    if (!grid) return;
    this.canvas.classList.toggle("at-point", this.at !== null && grid.trial[this.at[1]]?.[this.at[0]] != null);
    if (!this.at || this.at[0] >= grid.x.values.length || this.at[1] >= grid.y.values.length) {
      this.readout.textContent = this.caption;
      return;
    }
    const [x, y] = this.at;
    const state = grid.state[y][x];
    const number = grid.trial[y][x];
    const value = state === VALUE ? `${grid.label} ${inUnit(grid.cells[y][x], grid.unit)}` : this.words[state];
    const trial = number === null ? "" : ` · trial ${count(number + 1)}`;
    this.readout.textContent = `${grid.x.name} ${parameter(grid.x.values[x])}, ${grid.y.name} ${parameter(grid.y.values[y])} · ${value}${trial}`;
  }

  /** How deep the colour of a value is: the best is deepest. @param {number} value */
  #depth(value) {
    const share = this.high > this.low ? Math.min(1, Math.max(0, (value - this.low) / (this.high - this.low))) : 1;
    return this.grid.direction === "minimize" ? 1 - share : share;
  }

  #draw() {
    const width = this.place.clientWidth;
    if (!width || !this.grid) return;
    this.canvas.style.width = "100%";
    const context = fitted(this.canvas, width, HEIGHT);
    const colours = tokens(["line", "line-2", "text", "text-3", "mark", "neg", "surface", "surface-3"]);
    const heat = heatScale();
    context.font = FONT;
    const { x, y } = this.grid;
    const labels = y.values.map(parameter);
    const left = Math.min(90, Math.max(...labels.map((text) => context.measureText(text).width))) + LABEL_GAP + 4;
    const marks = this.#marks();
    const legend = Math.min(LEGEND.most, Math.max(LEGEND.least, LEGEND.bar + Math.ceil(Math.max(...marks.map(([text]) => context.measureText(text).width)))));
    const box = { left, width: width - left - legend, height: HEIGHT - TOP - BOTTOM, nX: x.values.length, nY: y.values.length };
    this.box = box;
    this.#drawCells(context, box, colours, heat);
    this.#drawLabels(context, box, colours, labels);
    this.#drawLegend(context, width - legend, colours, heat, marks, legend);
  }

  #drawCells(context, box, colours, heat) {
    const { cells, state, best } = this.grid;
    const [w, h] = [box.width / box.nX, box.height / box.nY];
    const gap = Math.min(w, h) >= 9 ? 1.5 : Math.min(w, h) >= 5 ? 1 : 0;
    const radius = Math.min(w, h) >= 9 ? 2 : 0;
    const rectangle = (/** @type {number} */ column, /** @type {number} */ row, grown = 0) => {
      context.beginPath();
      const at = [box.left + column * w + gap / 2 - grown, TOP + (box.nY - 1 - row) * h + gap / 2 - grown];
      context.roundRect(at[0], at[1], Math.max(w - gap, 0.8) + 2 * grown, Math.max(h - gap, 0.8) + 2 * grown, radius + grown / 2);
    };
    const hatch = this.#hatch(context, colours["line-2"]);
    context.lineWidth = 1;
    for (let row = 0; row < box.nY; row += 1) {
      for (let column = 0; column < box.nX; column += 1) {
        const kind = state[row][column];
        rectangle(column, row);
        if (kind === VALUE) {
          context.fillStyle = heat(this.#depth(cells[row][column]));
          context.fill();
        } else if (kind === EXCLUDED) {
          context.fillStyle = hatch;
          context.fill();
        } else if (kind === FAILED) {
          this.#cross(context, box.left + (column + 0.5) * w, TOP + (box.nY - 0.5 - row) * h, Math.min(w, h) * 0.22, colours.neg);
        } else if (kind === PENDING) {
          context.strokeStyle = colours.line;
          if (gap) context.stroke();
        } else {
          context.fillStyle = colours["surface-3"];
          context.fill();
        }
      }
    }
    const rings = [[best, colours.surface, 5], [best, colours.mark, 2.5], [this.at, colours.text, 1.5]];
    for (const [cell, colour, line] of rings) {
      if (!cell || cell[0] >= box.nX || cell[1] >= box.nY) continue;
      context.strokeStyle = colour;
      context.lineWidth = line;
      rectangle(cell[0], cell[1], 1);
      context.stroke();
    }
  }

  #cross(context, x, y, size, colour) {
    const arm = Math.max(1.2, Math.min(5, size));
    context.strokeStyle = colour;
    context.lineWidth = arm > 3 ? 1.6 : 1;
    context.beginPath();
    context.moveTo(x - arm, y - arm);
    context.lineTo(x + arm, y + arm);
    context.moveTo(x + arm, y - arm);
    context.lineTo(x - arm, y + arm);
    context.stroke();
    context.lineWidth = 1;
  }

  #hatch(context, colour) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const pen = tile.getContext("2d");
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const shift of [-6, 0, 6]) {
      pen.moveTo(shift - 1, 7);
      pen.lineTo(shift + 7, -1);
    }
    pen.stroke();
    return context.createPattern(tile, "repeat");
  }

  #drawLabels(context, box, colours, rows) {
    context.fillStyle = colours["text-3"];
    context.textBaseline = "middle";
    context.textAlign = "right";
    const h = box.height / box.nY;
    const everyRow = Math.max(1, Math.ceil(26 / h));
    for (let row = 0; row < box.nY; row += everyRow) {
      context.fillText(rows[row], box.left - LABEL_GAP, TOP + (box.nY - 0.5 - row) * h, box.left - LABEL_GAP - 2);
    }
    const columns = this.grid.x.values.map(parameter);
    const w = box.width / box.nX;
    const widest = Math.max(...columns.map((text) => context.measureText(text).width)) + 16;
    const everyColumn = Math.max(1, Math.ceil(widest / w));
    context.textAlign = "center";
    for (let column = 0; column < box.nX; column += everyColumn) {
      context.fillText(columns[column], box.left + (column + 0.5) * w, HEIGHT - BOTTOM + 14);
    }
  }

  /** The ends and the middle of the scale, as the table of trials tells them, and where they stand: 1 is at the top. */
  #marks() {
    const values = Number.isFinite(this.low) ? [this.high, (this.high + this.low) / 2, this.low] : [];
    return axisLabels(values, this.grid.unit, TABLE_DIGITS).map((text, index) => [text, 1 - index / 2]);
  }

  #drawLegend(context, left, colours, heat, marks, width) {
    if (!marks.length) return;
    const [x, height] = [left + 14, HEIGHT - TOP - BOTTOM];
    const isUp = this.grid.direction !== "minimize";
    for (let line = 0; line < height; line += 1) {
      const share = 1 - line / (height - 1);
      context.fillStyle = heat(isUp ? share : 1 - share);
      context.fillRect(x, TOP + line, 9, 1.5);
    }
    context.fillStyle = colours["text-3"];
    context.textAlign = "left";
    context.textBaseline = "middle";
    for (const [text, share] of marks) context.fillText(text, x + 14, TOP + 4 + (1 - share) * (height - 8), width - LEGEND.bar);
  }
}
