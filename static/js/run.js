/* The page of one run: follows it while it lives, and turns into its report in place. */

import { EquityCharts } from "./charts.js";
import { Live } from "./live.js";
import { duration } from "./numbers.js";

const ANNOUNCE_MS = 15_000;
const ANNOUNCE_PERCENT = 10;

const main = document.getElementById("main");
const header = () => document.getElementById("run-header");
const isOver = () => ["completed", "failed", "cancelled"].includes(header().dataset.state);
const charts = new EquityCharts(main.querySelector("[data-testid=equity-chart]"));

let elapsed = { attempt: "", shown: 0, base: 0, at: 0 };
let announced = { at: performance.now(), percent: Number(header().dataset.percent) };
let wasOver = isOver();

/** Name the tab after the state, and draw it. */
function showState() {
  const { title, state } = header().dataset;
  document.title = title;
  const link = /** @type {HTMLLinkElement} */ (document.querySelector("[data-favicon]"));
  const icon = main.dataset.icons + (state === "pending" ? "running" : state) + ".svg";
  if (!link.href.endsWith(icon)) link.href = icon;
}

/** Tell screen readers now and then, not at each frame. */
function announce() {
  const { percent, announce: text } = header().dataset;
  const now = performance.now();
  const isDue = now - announced.at >= ANNOUNCE_MS || Number(percent) - announced.percent >= ANNOUNCE_PERCENT;
  if (!isDue && !(isOver() && !wasOver)) return;
  announced = { at: now, percent: Number(percent) };
  document.getElementById("run-announce").textContent = text;
}

/** Take the server's clock of this attempt; the page ticks on from it. */
function readClock() {
  const node = document.querySelector("[data-elapsed]");
  if (!node) return;
  const { elapsed: seconds, attempt } = /** @type {HTMLElement} */ (node).dataset;
  const shown = attempt === elapsed.attempt ? elapsed.shown : 0;
  elapsed = { attempt, shown, base: Number(seconds), at: performance.now() };
  tick();
}

function tick() {
  const node = document.querySelector("[data-elapsed]");
  if (!node || elapsed.at === 0) return;
  const isRunning = header().dataset.state === "running";
  const now = elapsed.base + (isRunning ? (performance.now() - elapsed.at) / 1000 : 0);
  elapsed.shown = Math.max(elapsed.shown, now); // a late frame never sets the clock back
  node.textContent = duration(elapsed.shown);
}

/** @param {boolean} isPoll */
function changed(isPoll) {
  showState();
  announce();
  readClock();
  if (isOver() && !wasOver) {
    wasOver = true;
    charts.isFinal = header().dataset.state === "completed";
    charts.load();
  } else if (isPoll && !isOver()) {
    charts.load();
  }
}

document.body.addEventListener("htmx:afterSettle", () => changed(false));
setInterval(tick, 200);
showState();
readClock();
charts.isFinal = header().dataset.state === "completed";
const first = document.getElementById("chart-data");
if (first) charts.show(JSON.parse(first.textContent));
else charts.load();

if (!isOver()) {
  const live = new Live({
    socketPath: main.dataset.socket,
    pollUrl: () => `${main.dataset.liveUrl}?rev=${header().dataset.rev}`,
    isOver,
    onData: (data) => data.type === "chart" && !isOver() && charts.show(data.curve),
    onChange: changed,
  });
  live.start();
}
