/* The page of one optimization: follows it while it lives, and turns into its report in place. */

import { Feed } from "./feed.js";
import { Heatmap } from "./heatmap.js";
import { ObjectiveChart } from "./objective.js";
import { followRun, header, PageState } from "./page_state.js";
import { ParallelCoordinates } from "./parallel.js";
import { Slices } from "./slices.js";
import { fillEmpty, startTrials, tellNews } from "./trials.js";

const main = document.getElementById("main");
const base = main.dataset.url;
const { objective, units } = JSON.parse(document.getElementById("optimization-data").textContent);

/** @param {number} number of a trial, from 0 */
const open = (number) => location.assign(`${base}/trials/${number + 1}`);
/** @param {string} selector */
const find = (selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector));

/** @type {Feed[]} */
const feeds = [];

/** @param {ConstructorParameters<typeof Feed>[0]} options */
function feed(options) {
  const made = new Feed(options);
  feeds.push(made);
  return made;
}

const scatter = new ObjectiveChart(find("[data-objective]"), objective, open);
feed({ url: () => `${base}/objective.json`, onData: (data) => scatter.show(data) });

const heatFigure = find("[data-heatmap]");
if (heatFigure) {
  const heatmap = new Heatmap(heatFigure, open);
  const cells = feed({ url: () => `${base}/grid.json?${heatmap.query()}`, onData: (data) => heatmap.show(data) });
  const axes = /** @type {HTMLSelectElement[]} */ ([...heatFigure.querySelectorAll("[data-axis]")]);
  let before = axes.map((select) => select.value);
  heatFigure.addEventListener("change", (event) => {
    const changed = axes.indexOf(/** @type {HTMLSelectElement} */ (event.target));
    // One parameter on both axes shows nothing: the other axis takes what this one had.
    if (changed >= 0 && axes[0].value === axes[1].value) axes[1 - changed].value = before[changed];
    before = axes.map((select) => select.value);
    cells.refresh();
  });
  heatFigure.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("button[data-agg]");
    if (!button) return;
    for (const peer of button.parentElement.children) peer.setAttribute("aria-pressed", String(peer === button));
    cells.refresh();
  });
}

const parallelPanel = find("[data-panel=parallel]");
if (parallelPanel) {
  const parallel = new ParallelCoordinates(parallelPanel, objective.direction);
  feed({ url: () => `${base}/parallel.json`, onData: (data) => parallel.show(data), isShown: () => !parallelPanel.hidden });
}

const slicesPanel = find("[data-panel=slices]");
if (slicesPanel) {
  const slices = new Slices(slicesPanel, units);
  const points = feed({ url: () => `${base}/slices.json?${slices.query}`, onData: (data) => slices.show(data), isShown: () => !slicesPanel.hidden });
  slicesPanel.addEventListener("change", () => points.refresh());
}

const failures = find("#failures-list");
const errors = new Feed({
  url: () => failures.dataset.url,
  read: async (response) => response.text(),
  // Morphed, so that an open trace stays open while its group grows.
  onData: (html) => globalThis.Idiomorph.morph(failures, html, { morphStyle: "innerHTML" }),
});
let nFailed = Number(failures.dataset.failed);

/** Show one of the views of the trials. @param {HTMLElement} link */
function showTab(link) {
  const { tab } = link.dataset;
  for (const peer of document.querySelectorAll("[data-tab]")) {
    if (peer === link) peer.setAttribute("aria-current", "page");
    else peer.removeAttribute("aria-current");
  }
  for (const panel of document.querySelectorAll("[data-panel]")) {
    /** @type {HTMLElement} */ (panel).hidden = /** @type {HTMLElement} */ (panel).dataset.panel !== tab;
  }
  find(".tabs-tools").hidden = tab !== "trials";
  for (const one of feeds) one.look();
}

document.getElementById("run-trials").addEventListener("click", (event) => {
  const link = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("a[data-tab]"));
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  showTab(link);
});

const state = new PageState(() => {
  for (const one of feeds) one.refresh();
});

function changed() {
  state.follow();
  tellNews();
  fillEmpty();
  const { rev, failed } = header().dataset;
  for (const one of feeds) one.follow(Number(rev));
  if (Number(failed) === nFailed) return;
  nFailed = Number(failed);
  errors.refresh();
}

startTrials();
document.body.addEventListener("htmx:afterSettle", changed);
if (Number(header().dataset.processed)) for (const one of feeds) one.follow(Number(header().dataset.rev));

followRun(changed);
