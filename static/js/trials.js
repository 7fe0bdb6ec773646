/* The table of trials: what is new is told and held until it is asked for; the rest is done by the server. */

import { count } from "./numbers.js";
import { header } from "./page_state.js";

const table = () => document.getElementById("trials");
const filter = () => /** @type {HTMLInputElement} */ (document.querySelector("#trials-filter input[type=search]"));

/** Tell how many trials the table does not show yet. */
export function tellNews() {
  const processed = Number(header().dataset.processed);
  const nNew = Math.max(0, processed - Number(table().dataset.known));
  const link = /** @type {HTMLAnchorElement} */ (document.getElementById("trials-news"));
  link.hidden = nNew === 0;
  link.textContent = `${count(nNew)} new`;
  const badge = document.querySelector("[data-testid=n-trials]");
  if (badge) badge.textContent = count(processed);
}

/** While nothing is shown, nothing can move: the first rows come by themselves. */
export function fillEmpty() {
  const link = document.getElementById("trials-news");
  if (!link.hidden && table().querySelector("[data-empty]") && !isLoading) load();
}

let isLoading = false;

/** Load the newest rows, in the order and with the filter that are shown. */
export async function load() {
  const link = /** @type {HTMLAnchorElement} */ (document.getElementById("trials-news"));
  isLoading = true;
  try {
    await globalThis.htmx.ajax("GET", link.getAttribute("href"), { source: link, target: "#trials", swap: "outerHTML" });
  } finally {
    isLoading = false;
  }
}

/* What is ticked stays ticked while one sorts, filters and turns pages. */
const MOST_COMPARED = 6;
const ticked = new Set();

/** @param {string} text */
const toast = (text) => document.body.dispatchEvent(new CustomEvent("toast", { detail: { value: text } }));

function showTicked() {
  for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (table().querySelectorAll("input[name=r]"))) box.checked = ticked.has(box.value);
  const button = document.querySelector("[data-compare]");
  const isEnough = ticked.size >= 2 && ticked.size <= MOST_COMPARED;
  button.setAttribute("aria-disabled", String(!isEnough));
  button.querySelector("[data-ticked]").textContent = ticked.size ? ` ${ticked.size}` : "";
}

function startTicks() {
  const form = /** @type {HTMLFormElement} */ (document.getElementById("compare-form"));
  for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (table().querySelectorAll("input[name=r]:checked"))) ticked.add(box.value);
  document.getElementById("run-trials").addEventListener("change", (event) => {
    const box = /** @type {HTMLInputElement} */ (event.target);
    if (!box.matches("input[name=r]")) return;
    if (box.checked) ticked.add(box.value);
    else ticked.delete(box.value);
    if (ticked.size > MOST_COMPARED) toast(`At most ${MOST_COMPARED} can be compared; ${ticked.size} are ticked.`);
    showTicked();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (ticked.size < 2) toast("Tick at least two trials.");
    else if (ticked.size > MOST_COMPARED) toast(`Tick at most ${MOST_COMPARED} trials.`);
    else location.assign(`${form.getAttribute("action")}?${new URLSearchParams([...ticked].map((one) => ["r", one]))}`);
  });
  showTicked();
}

/** What was swapped in decides the links and marks around it. */
function settle() {
  const { query } = table().dataset;
  for (const link of document.querySelectorAll("a[data-export]")) {
    /** @type {HTMLAnchorElement} */ (link).href = `${document.getElementById("main").dataset.url}/${/** @type {HTMLElement} */ (link).dataset.export}${query ? `?${query}` : ""}`;
  }
  if (document.getElementById("trials-error")) filter().setAttribute("aria-invalid", "true");
  else filter().removeAttribute("aria-invalid");
  showTicked();
  tellNews();
}

export function startTrials() {
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (/** @type {CustomEvent} */ (event).detail.elt?.id === "trials") settle();
  });
  document.getElementById("run-trials").addEventListener("click", (event) => {
    if (/** @type {Element} */ (event.target).closest("[data-clear-filter]")) filter().value = "";
  });
  document.addEventListener("shortcut:new", () => document.getElementById("trials-news").hidden || load());
  startTicks();
  tellNews();
}
