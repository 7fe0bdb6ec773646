/* The price chart of a page: loads the library when somebody comes to see it, and leads trades and gaps to their bars.

   A figure says all it needs: data-price-chart, data-url (JSON candles, see runs/backtests/price.py), data-library, data-tick. An
   element anywhere with data-bars="FIRST LAST" shows these bars at a click; an address ending in #bars=FIRST-LAST does at
   once. Bars count from 0 at the first one that is charted. */

import { PriceChart } from "./price_chart.js";

const ROOM_BELOW = "100px"; // a chart this near to the window is loaded

/** @type {Map<HTMLElement, Promise<PriceChart>>} */
const charts = new Map();

/** @param {HTMLElement} figure */
function chartOf(figure) {
  if (!charts.has(figure)) charts.set(figure, load(figure));
  return charts.get(figure);
}

/** @param {HTMLElement} figure */
async function load(figure) {
  const wait = figure.querySelector("[data-wait]");
  try {
    const library = await import(figure.dataset.library);
    return new PriceChart(figure, library);
  } catch (error) {
    if (wait) wait.textContent = "The chart could not be loaded. Reload the page to try again.";
    throw error;
  }
}

/** @param {string | undefined} text "12 40" or "12-40" */
function barsOf(text) {
  const found = /^(\d{1,9})[ -](\d{1,9})$/.exec(text ?? "");
  return found && [Number(found[1]), Number(found[2])];
}

/** @param {string | undefined} text @param {string} label what the bars are, for the caption */
async function show(text, label) {
  const figure = /** @type {HTMLElement | null} */ (document.querySelector("[data-price-chart]"));
  const bars = barsOf(text);
  if (!figure || !bars || !figure.checkVisibility()) return false;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  figure.scrollIntoView({ block: "center", behavior: isStill ? "auto" : "smooth" });
  (await chartOf(figure)).highlight(bars[0], bars[1], label);
  return true;
}

/** A click that marks text or follows another link is none on the row. @param {MouseEvent} event */
function clicked(event) {
  const at = /** @type {Element} */ (event.target);
  const place = /** @type {HTMLElement | null} */ (at.closest("[data-bars]"));
  if (!place || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const link = at.closest("a");
  if (link && !link.hasAttribute("data-to-chart")) return;
  if (!document.querySelector("[data-price-chart]") || getSelection()?.toString()) return;
  if (link) event.preventDefault();
  for (const peer of document.querySelectorAll("[data-bars][aria-current]")) peer.removeAttribute("aria-current");
  place.setAttribute("aria-current", "true");
  show(place.dataset.bars, place.dataset.label ?? "");
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      chartOf(/** @type {HTMLElement} */ (target));
    }
  },
  { rootMargin: ROOM_BELOW },
);
for (const figure of document.querySelectorAll("[data-price-chart]")) seen.observe(figure);
document.addEventListener("click", clicked);
show(location.hash.replace("#bars=", ""), "");
