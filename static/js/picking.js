/* Choosing several runs: what is chosen is told, and asked about before it is cancelled or deleted. */

const MOST_COMPARED = 6;

const form = () => /** @type {HTMLFormElement | null} */ (document.getElementById("bulk"));
/** @returns {HTMLInputElement[]} */
const boxes = () => [...(form()?.querySelectorAll("input[name=r]") ?? [])];

/** Tell how many are chosen, and offer what at least one of them allows. */
function tell() {
  if (!form()) return;
  const picked = boxes().filter((box) => box.checked);
  const verbs = picked.map((box) => (/** @type {HTMLElement} */ (box.closest("tr"))).dataset.verbs.split(" "));
  const isAllowed = (/** @type {string} */ verb) => verbs.some((allowed) => allowed.includes(verb));
  form().classList.toggle("has-picked", picked.length > 0);
  form().querySelector("[data-picked]").textContent = picked.length ? `${picked.length} selected` : "";
  for (const verb of ["cancel", "delete"]) enable(`[value=${verb}]`, isAllowed(verb));
  for (const verb of ["finish", "retry", "resume"]) offer(`[value=${verb}]`, isAllowed(verb));
  enable("[data-compare]", picked.length >= 2 && picked.length <= MOST_COMPARED);
  const all = /** @type {HTMLInputElement} */ (form().querySelector("[data-pick-all]"));
  all.checked = picked.length > 0 && picked.length === boxes().length;
  all.indeterminate = picked.length > 0 && !all.checked;
}

/** @param {string} selector @param {boolean} isOn */
function enable(selector, isOn) {
  const button = /** @type {HTMLButtonElement | null} */ (form().querySelector(selector));
  if (button) button.disabled = !isOn;
}

/** Show what few runs allow only when it is possible. @param {string} selector @param {boolean} isPossible */
function offer(selector, isPossible) {
  const button = /** @type {HTMLButtonElement | null} */ (form().querySelector(selector));
  if (button) button.hidden = !isPossible;
}

/** @param {boolean} isOn */
function pickAll(isOn) {
  for (const box of boxes()) box.checked = isOn;
  tell();
}

/** Ask on this page what the form would ask on the next one. @param {SubmitEvent} event */
async function ask(event) {
  const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
  if (button?.name !== "action") return;
  event.preventDefault();
  const query = new URLSearchParams(boxes().filter((box) => box.checked).map((box) => ["r", box.value]));
  query.set("action", button.value);
  query.set("back", location.search.slice(1));
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("bulk-dialog"));
  await globalThis.htmx.ajax("GET", `${form().getAttribute("action")}?${query}`, { target: "#bulk-dialog", swap: "innerHTML", source: button });
  if (!dialog.firstElementChild) return;
  dialog.addEventListener("close", () => button.isConnected && button.focus(), { once: true });
  dialog.showModal();
}

export function startPicking() {
  document.addEventListener("change", (event) => {
    const box = /** @type {HTMLInputElement} */ (event.target);
    if (box.matches("[data-pick-all]")) pickAll(box.checked);
    else if (box.matches("#bulk input[name=r]")) tell();
  });
  document.addEventListener("click", (event) => {
    const at = /** @type {Element} */ (event.target);
    if (at.closest("[data-pick-none]")) pickAll(false);
    if (at.closest("[data-close-link]")) {
      event.preventDefault();
      at.closest("dialog").close();
    }
  });
  document.addEventListener("submit", (event) => event.target === form() && ask(/** @type {SubmitEvent} */ (event)));
  // A row's state decides what may be done with it; a swapped list has nothing chosen.
  document.body.addEventListener("htmx:afterSettle", tell);
  addEventListener("pageshow", tell);
  tell();
}
