/* Parallel coordinates: an axis a parameter, a line a trial, its colour the objective. Dragging along an axis keeps the
   lines that cross it there; a click on it lets all through again. */

import { fixed, parameter } from "./numbers.js";
import { faded, fitted, FONT, heatScale, tokens } from "./palette.js";

const HEIGHT = 340;
const TOP = 34;
const BOTTOM = 22;
const SIDE = 56;
const NEAR_AXIS = 24;
const LEAST_BRUSH = 5;

export class ParallelCoordinates {
  /** @param {HTMLElement} figure @param {string} direction of the objective: what is best is drawn last and deepest */
  constructor(figure, direction) {
    this.isDown = direction === "minimize";
    this.place = /** @type {HTMLElement} */ (figure.querySelector("[data-parallel]"));
    this.caption = figure.querySelector("[data-caption]");
    this.clear = /** @type {HTMLButtonElement} */ (figure.querySelector("[data-clear]"));
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.brushes = new Map();
    this.data = null;
    this.canvas.addEventListener("pointerdown", (event) => this.#press(event));
    this.canvas.addEventListener("pointermove", (event) => this.#drag(event));
    this.canvas.addEventListener("pointerup", (event) => this.#release(event));
    this.clear.addEventListener("click", () => {
      this.brushes.clear();
      this.#draw();
    });
    document.addEventListener("theme-changed", () => this.#draw());
    new ResizeObserver(() => this.#draw()).observe(this.place);
  }

  /** @param {any} data as parallel.json gives it */
  show(data) {
    if (!data.lines.length || data.objective.min === null) return;
    this.data = data;
    this.axes = [...data.axes.map((axis) => this.#axis(axis)), { name: data.objective.label, place: this.#linear(data.objective.min, data.objective.max), ends: [data.objective.min, data.objective.max].map((value) => fixed(value)) }];
    this.places = data.lines.map((line) => line.map((value, index) => this.axes[index].place(value)));
    const last = this.axes.length - 1;
    this.order = data.lines.map((_, index) => index).filter((index) => data.lines[index][last] !== null);
    this.order.sort((a, b) => (this.isDown ? -1 : 1) * (data.lines[a][last] - data.lines[b][last]));
    this.depth = (/** @type {number} */ index) => (this.isDown ? 1 - this.places[index][last] : this.places[index][last]);
    if (!this.canvas.isConnected) this.place.replaceChildren(this.canvas);
    this.canvas.setAttribute("aria-label", `${data.caption} Axes: ${this.axes.map((axis) => axis.name).join(", ")}.`);
    this.#draw();
  }

  #axis({ name, kind, values, min, max }) {
    if (kind === "choice") {
      const index = new Map(values.map((value, at) => [String(value), values.length > 1 ? at / (values.length - 1) : 0.5]));
      return { name, place: (/** @type {any} */ value) => index.get(String(value)) ?? 0.5, marks: values.map((value) => [parameter(value), index.get(String(value))]) };
    }
    const [low, high] = values?.length ? [Math.min(...values), Math.max(...values)] : [min, max];
    return { name, place: this.#linear(low, high), ends: [parameter(low), parameter(high)] };
  }

  #linear(low, high) {
    return (/** @type {number} */ value) => (high > low ? (value - low) / (high - low) : 0.5);
  }

  #x(index) {
    const width = this.place.clientWidth - 2 * SIDE;
    return SIDE + (this.axes.length > 1 ? (index / (this.axes.length - 1)) * width : width / 2);
  }

  #y(share) {
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM);
  }

  #share(y) {
    return Math.min(1, Math.max(0, 1 - (y - TOP) / (HEIGHT - TOP - BOTTOM)));
  }

  #press(event) {
    if (!this.axes) return;
    const near = this.axes.findIndex((_, index) => Math.abs(this.#x(index) - event.offsetX) < NEAR_AXIS);
    if (near < 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { axis: near, from: event.offsetY };
  }

  #drag(event) {
    if (!this.drag) return;
    const ends = [this.#share(this.drag.from), this.#share(event.offsetY)];
    this.brushes.set(this.drag.axis, [Math.min(...ends), Math.max(...ends)]);
    this.#draw();
  }

  #release(event) {
    if (!this.drag) return;
    if (Math.abs(event.offsetY - this.drag.from) < LEAST_BRUSH) this.brushes.delete(this.drag.axis);
    this.drag = null;
    this.#draw();
  }

  #isKept(index) {
    for (const [axis, [low, high]] of this.brushes) {
      const at = this.places[index][axis];
      if (at < low - 1e-9 || at > high + 1e-9) return false;
    }
    return true;
  }

  #draw() {
    const width = this.place.clientWidth;
    if (!width || !this.data) return;
    this.canvas.style.width = "100%";
    const context = fitted(this.canvas, width, HEIGHT);
    const colours = tokens(["line-2", "text", "text-2", "text-3", "accent", "surface", "mark"]);
    const heat = heatScale();
    const kept = this.order.filter((index) => this.#isKept(index));
    const isKept = new Set(kept);
    context.lineWidth = 1;
    context.lineJoin = "round";
    context.strokeStyle = faded(colours["line-2"], 0.35);
    for (const index of this.order) if (!isKept.has(index)) this.#line(context, index);
    context.globalAlpha = kept.length > 800 ? 0.35 : kept.length > 200 ? 0.55 : 0.85;
    for (const index of kept) {
      context.strokeStyle = heat(this.depth(index));
      this.#line(context, index);
    }
    context.globalAlpha = 1;
    if (kept.length) {
      context.lineWidth = 2;
      context.strokeStyle = colours.mark;
      this.#line(context, kept.at(-1));
    }
    this.#drawAxes(context, colours);
    this.clear.hidden = !this.brushes.size;
    this.caption.textContent = this.brushes.size ? `${kept.length.toLocaleString("en-US")} of ${this.order.length.toLocaleString("en-US")} lines. ${this.data.caption}.` : `${this.data.caption}. Drag along an axis to keep the lines that cross it there.`;
  }

  #line(context, index) {
    const places = this.places[index];
    context.beginPath();
    for (let axis = 0; axis < places.length; axis += 1) context.lineTo(this.#x(axis), this.#y(places[axis]));
    context.stroke();
  }

  #drawAxes(context, colours) {
    context.font = FONT;
    context.textAlign = "center";
    for (const [index, axis] of this.axes.entries()) {
      const x = this.#x(index);
      context.strokeStyle = colours["text-3"];
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(x, TOP);
      context.lineTo(x, HEIGHT - BOTTOM);
      context.stroke();
      context.fillStyle = colours.text;
      context.textBaseline = "alphabetic";
      context.fillText(axis.name, x, 12);
      context.fillStyle = colours["text-3"];
      if (axis.ends) {
        context.fillText(axis.ends[1], x, 27);
        context.fillText(axis.ends[0], x, HEIGHT - 6);
      }
      for (const [text, share] of axis.marks ?? []) {
        context.textAlign = index ? "right" : "left";
        context.strokeStyle = colours.surface;
        context.lineWidth = 4;
        context.strokeText(text, x + (index ? -6 : 6), this.#y(share) + 4);
        context.fillText(text, x + (index ? -6 : 6), this.#y(share) + 4);
        context.textAlign = "center";
      }
      const brush = this.brushes.get(index);
      if (!brush) continue;
      context.fillStyle = faded(colours.accent, 0.22);
      context.strokeStyle = colours.accent;
      context.beginPath();
      context.rect(x - 6, this.#y(brush[1]), 12, this.#y(brush[0]) - this.#y(brush[1]));
      context.fill();
      context.stroke();
    }
  }
}
