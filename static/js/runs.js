/* The list of runs: its rows follow their runs; new ones are told and never pushed under the cursor. */

import { Live } from "./live.js";

const table = document.getElementById("runs");
const viewer = table?.dataset;

/** Hide Cancel where the server would refuse it. */
function hideForeignCancel() {
  if (viewer.staff === "true") return;
  for (const link of table.querySelectorAll("a[data-cancel]")) {
    const row = /** @type {HTMLElement} */ (link.closest("tr"));
    /** @type {HTMLElement} */ (link).hidden = row.dataset.user !== viewer.viewer;
  }
}

const unseen = new Set();

/** A frame may bring a run that this page does not show: a newer one is told where it would stand.
 * @param {HTMLElement} row */
function countNew(row) {
  const newest = /** @type {HTMLElement} */ (table.querySelector("tr")).dataset.number;
  if (viewer.isNewest !== "true" || Number(row.dataset.number) <= Number(newest)) return;
  unseen.add(row.id);
  const note = document.getElementById("new-runs");
  note.hidden = false;
  note.querySelector("a").textContent = unseen.size === 1 ? "1 new run" : `${unseen.size} new runs`;
}

/** @returns {string | null} */
function pollUrl() {
  const active = [...table.querySelectorAll("tr[data-state=pending], tr[data-state=running]")];
  if (!active.length) return null;
  return `${viewer.liveUrl}?${new URLSearchParams(active.map((row) => ["id", row.id.slice(4)]))}`;
}

if (table) {
  hideForeignCancel();
  document.body.addEventListener("htmx:afterSettle", hideForeignCancel);
  new Live({ socketPath: "/ws/runs", pollUrl, isOver: () => false, onChange: hideForeignCancel, onUnknown: countNew }).start();
}
