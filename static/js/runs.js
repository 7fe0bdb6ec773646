/* The list of runs: its rows follow their runs, new ones are told and held until they are asked for, several are chosen. */

import { Live } from "./live.js";
import { startPicking } from "./picking.js";

const NEWS_MS = 2_000;

/* The list is swapped whole when somebody filters, sorts or turns the page: nothing here may keep an element of it. */
const table = () => document.getElementById("runs");

/** Hide Cancel where the server would refuse it. */
function hideForeignCancel() {
  const { staff, viewer } = table()?.dataset ?? { staff: "true" };
  if (staff === "true") return;
  for (const link of table().querySelectorAll("a[data-cancel]")) {
    const row = /** @type {HTMLElement} */ (link.closest("tr"));
    /** @type {HTMLElement} */ (link).hidden = row.dataset.user !== viewer;
  }
}

/* The server knows which new runs pass the filters, and how many runs each tab has: it is asked now and then, for both. */
let newsTimer = 0;
let newsAt = -NEWS_MS;

function askNews() {
  if (newsTimer || !table()) return;
  const wait = Math.max(0, newsAt + NEWS_MS - performance.now());
  newsTimer = setTimeout(async () => {
    newsTimer = 0;
    newsAt = performance.now();
    const { newsUrl, newest } = table()?.dataset ?? {};
    if (!newsUrl) return;
    const url = `${newsUrl}&after=${newest}`;
    await globalThis.htmx.ajax("GET", url, { target: "#run-news", swap: "outerHTML", source: "#run-news" });
  }, wait);
}

/** A frame may bring a run that this page does not show. @param {HTMLElement} row */
function countNew(row) {
  if (table() && Number(row.dataset.number) > Number(table().dataset.newest)) askNews();
}

const states = new Map();

/** A run that came to another state is counted under another tab. @param {boolean} isPoll */
function changed(isPoll) {
  hideForeignCancel();
  let hasMoved = isPoll;
  for (const row of table()?.querySelectorAll("tr[data-state]") ?? []) {
    const { state } = /** @type {HTMLElement} */ (row).dataset;
    hasMoved ||= states.has(row.id) && states.get(row.id) !== state;
    states.set(row.id, state);
  }
  if (hasMoved) askNews();
}

/** @returns {string | null} */
function pollUrl() {
  if (!table()) return null;
  const active = [...table().querySelectorAll("tr[data-state=pending], tr[data-state=running]")];
  return `${table().dataset.liveUrl}?${new URLSearchParams(active.map((row) => ["id", row.id.slice(4)]))}`;
}

/** Show the new runs: only when somebody asks for them does a row move. */
function loadNews() {
  /** @type {HTMLElement | null} */ (document.querySelector("[data-load-news]"))?.click();
}

if (document.getElementById("run-list")) {
  changed(false);
  startPicking();
  document.body.addEventListener("htmx:afterSettle", () => changed(false));
  document.addEventListener("shortcut:new", loadNews);
  new Live({ socketPath: "/ws/runs", pollUrl, isOver: () => false, onChange: changed, onUnknown: countNew }).start();
}
