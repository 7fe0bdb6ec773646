/* What the page of every run keeps in step with its live header: tab title, favicon, announcements, the ticking clock. */

import { Bell } from "./bell.js";
import { Live } from "./live.js";
import { duration } from "./numbers.js";

const ANNOUNCE_MS = 15_000;
const ANNOUNCE_PERCENT = 10;
const ENDED = ["completed", "failed", "cancelled"];

const main = document.getElementById("main");
export const header = () => document.getElementById("run-header");
export const isOver = () => ENDED.includes(header().dataset.state);

/**
 * Follow the page's run until it ends.
 * @param {(isPoll: boolean) => void} onChange is called after the live parts were put in place
 * @param {(data: object) => void} [onData] takes data frames
 */
export function followRun(onChange, onData) {
  if (isOver()) return;
  const pollUrl = () => `${main.dataset.liveUrl}?rev=${header().dataset.rev}`;
  new Live({ socketPath: main.dataset.socket, pollUrl, isOver, onChange, onData }).start();
}

export class PageState {
  /** @param {() => void} onEnd is called once, when the run ends while the page is open */
  constructor(onEnd) {
    this.onEnd = onEnd;
    this.elapsed = { attempt: "", shown: 0, base: 0, at: 0 };
    this.announced = { at: performance.now(), percent: Number(header().dataset.percent) };
    this.wasOver = isOver();
    this.bell = new Bell(this.wasOver, `${main.dataset.icons}completed.svg`);
    setInterval(() => this.#tick(), 200);
    this.#showState();
    this.#readClock();
  }

  /** Follow the header after a frame. */
  follow() {
    this.#showState();
    this.#announce();
    this.#readClock();
    if (!isOver() || this.wasOver) return;
    this.wasOver = true;
    this.bell.ring(header().dataset.notice);
    this.onEnd();
  }

  /** Name the tab after the state, and draw it. */
  #showState() {
    const { title, state } = header().dataset;
    document.title = title;
    const link = /** @type {HTMLLinkElement} */ (document.querySelector("[data-favicon]"));
    const icon = main.dataset.icons + (state === "pending" ? "running" : state) + ".svg";
    if (!link.href.endsWith(icon)) link.href = icon;
  }

  /** Tell screen readers now and then, not at each frame. */
  #announce() {
    const { percent, announce: text } = header().dataset;
    const now = performance.now();
    const isDue = now - this.announced.at >= ANNOUNCE_MS || Number(percent) - this.announced.percent >= ANNOUNCE_PERCENT;
    if (!isDue && !(isOver() && !this.wasOver)) return;
    this.announced = { at: now, percent: Number(percent) };
    document.getElementById("run-announce").textContent = text;
  }

  /** Take the server's clock of this attempt; the page ticks on from it. */
  #readClock() {
    const node = /** @type {HTMLElement | null} */ (document.querySelector("[data-elapsed]"));
    if (!node) return;
    const { elapsed: seconds, attempt } = node.dataset;
    const shown = attempt === this.elapsed.attempt ? this.elapsed.shown : 0;
    this.elapsed = { attempt, shown, base: Number(seconds), at: performance.now() };
    this.#tick();
  }

  #tick() {
    const node = document.querySelector("[data-elapsed]");
    if (!node || this.elapsed.at === 0) return;
    const isRunning = header().dataset.state === "running";
    const now = this.elapsed.base + (isRunning ? (performance.now() - this.elapsed.at) / 1000 : 0);
    this.elapsed.shown = Math.max(this.elapsed.shown, now); // a late frame never sets the clock back
    node.textContent = duration(this.elapsed.shown);
  }
}
