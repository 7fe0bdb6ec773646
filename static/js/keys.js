/* Shortcuts: single keys outside of inputs, which can be switched off (WCAG 2.1.4). */

const PLACES = { "g r": "/runs", "n b": "/backtests/new", "n o": "/optimizations/new" };
const CHORD_MS = 1200;

function areOn() {
  try {
    return localStorage.getItem("shortcuts") !== "off";
  } catch {
    return true;
  }
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (target instanceof HTMLInputElement) return !/^(checkbox|radio|button|submit)$/.test(target.type);
  return target instanceof HTMLElement && (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Move the selection among the rows that lead somewhere. @param {number} step */
function moveRow(step) {
  const rows = [...document.querySelectorAll("tr[data-href]")].filter((row) => row.checkVisibility());
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const next = now < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, now + step));
  rows[now]?.removeAttribute("aria-selected");
  rows[next].setAttribute("aria-selected", "true");
  /** @type {HTMLElement} */ (rows[next].querySelector("a")).focus(); // from there Enter opens it
}

/** @param {string} selector Of what a key clicks, where the page has it. */
function click(selector) {
  /** @type {HTMLElement | null} */ (document.querySelector(selector))?.click();
}

/** @param {() => void} toggleTheme */
export function startShortcuts(toggleTheme) {
  const sheet = /** @type {HTMLDialogElement} */ (document.getElementById("shortcuts"));
  const box = /** @type {HTMLInputElement} */ (sheet.querySelector("[data-shortcuts-on]"));
  box.checked = areOn();
  box.addEventListener("change", () => localStorage.setItem("shortcuts", box.checked ? "on" : "off"));
  let first = "";
  let firstAt = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]") || (!areOn() && event.key !== "?")) return;
    const chord = performance.now() - firstAt < CHORD_MS ? `${first} ${event.key}` : "";
    first = event.key;
    firstAt = performance.now();
    if (PLACES[chord]) location.assign(PLACES[chord]);
    else if (event.key === "?") sheet.showModal();
    else if (event.key === "t") toggleTheme();
    else if (event.key === "j" || event.key === "k") moveRow(event.key === "j" ? 1 : -1);
    else if (event.key === "x") click("tr[aria-selected=true] input[type=checkbox]");
    else if (event.key === "c") click("[data-compare]:not([aria-disabled=true])");
    else if (event.key === "R") document.dispatchEvent(new CustomEvent("shortcut:new"));
    else if (event.key === "/") {
      const search = /** @type {HTMLInputElement | null} */ (document.querySelector("input[type=search]"));
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
    }
  });
}
