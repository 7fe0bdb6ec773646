/* Every page: theme, dialogs, toasts, copying, asking first, shortcuts. The server holds the state. */

import { startShortcuts } from "./keys.js";

/** Show a short message, read out politely. @param {string} text */
export function toast(text, kind = "") {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("toast-template"));
  const node = /** @type {HTMLElement} */ (template.content.firstElementChild.cloneNode(true));
  node.querySelector("span").textContent = text;
  if (kind) node.classList.add(kind);
  node.querySelector("button").addEventListener("click", () => node.remove());
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), 8000);
}

export function toggleTheme() {
  const next = document.documentElement.dataset.shownTheme === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("theme", next);
  } catch {
    toast("This browser does not let the page remember the theme.");
  }
  globalThis.showTheme();
}

/** Ask first; one dialog serves every link of the page that discards something. @param {HTMLAnchorElement} link */
function openDialog(link) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("cancel-dialog"));
  const form = dialog.querySelector("form");
  const { title, text, textFrom, yes, no } = link.dataset;
  form.action = link.href;
  form.dataset.stay = String("cancel" in link.dataset); // a cancel changes the page in place, the rest leads on
  dialog.querySelector("h2").textContent = title;
  // What a live page would lose changes while it is open: the live header knows.
  dialog.querySelector("p").textContent = document.getElementById(textFrom)?.dataset.cancelText ?? text;
  dialog.querySelector("[data-no]").textContent = no;
  const button = dialog.querySelector("[data-yes]");
  button.textContent = yes;
  button.className = "cancel" in link.dataset || "danger" in link.dataset ? "btn danger-solid" : "btn primary";
  dialog.addEventListener("close", () => link.isConnected && link.focus(), { once: true });
  dialog.showModal();
}

/** @param {SubmitEvent} event */
async function confirmCancel(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.dataset.stay !== "true") return;
  event.preventDefault();
  form.closest("dialog").close();
  await globalThis.htmx.ajax("POST", form.getAttribute("action"), { source: form, target: "body", swap: "none" });
}

/** @param {HTMLElement} button */
async function copyFrom(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim() + "\n");
    toast("Copied.");
  } catch {
    toast("The browser did not allow copying.", "error");
  }
}

function listen() {
  document.addEventListener("click", (event) => {
    const at = /** @type {Element} */ (event.target);
    const cancel = /** @type {HTMLAnchorElement | null} */ (at.closest("a[data-cancel], a[data-ask]"));
    const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
    if (cancel && isPlain && document.getElementById("cancel-dialog")) {
      event.preventDefault();
      openDialog(cancel);
    }
    const poster = /** @type {HTMLElement | null} */ (at.closest("a[data-post]"));
    const postForm = /** @type {HTMLFormElement | null} */ (document.getElementById("post-form"));
    if (poster && isPlain && postForm) {
      event.preventDefault();
      postForm.action = poster.dataset.post;
      postForm.requestSubmit();
    }
    const opener = /** @type {HTMLElement | null} */ (at.closest("[data-open]"));
    if (opener) /** @type {HTMLDialogElement} */ (document.getElementById(opener.dataset.open)).showModal();
    const closer = at.closest("[data-close]");
    if (closer) closer.closest("dialog").close();
    const copier = /** @type {HTMLElement | null} */ (at.closest("[data-copy]"));
    if (copier) copyFrom(copier);
    if (at.closest("[data-theme-toggle]")) toggleTheme();
  });
  document.querySelector("#cancel-dialog form")?.addEventListener("submit", confirmCancel);
  document.body.addEventListener("toast", (event) => toast(/** @type {CustomEvent} */ (event).detail.value));
  document.body.addEventListener("htmx:responseError", (event) => {
    const { status } = /** @type {CustomEvent} */ (event).detail.xhr;
    toast(status === 404 || status === 403 ? "You may not do that." : `The server answered with an error (${status}).`, "error");
  });
  document.body.addEventListener("htmx:sendError", () => toast("The server cannot be reached.", "error"));
}

/** Bars of links that are wider than the window begin where one is. */
function showCurrent() {
  for (const current of document.querySelectorAll(":is(.nav, .tabs) > [aria-current]")) {
    const bar = current.parentElement;
    const [{ left, width }, place] = [current.getBoundingClientRect(), bar.getBoundingClientRect()];
    if (left < place.left || left + width > place.right) bar.scrollLeft += left + width / 2 - (place.left + place.right) / 2;
  }
}

/* A partial knows its revision: an older one never replaces a newer one, whichever way it came. */
function guardRevisions() {
  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = /** @type {CustomEvent} */ (event).detail;
    const incoming = fragment.firstElementChild?.dataset.rev;
    if (incoming !== undefined && target.dataset.rev !== undefined && Number(incoming) <= Number(target.dataset.rev)) {
      event.preventDefault();
    }
  });
  const { defaults } = globalThis.Idiomorph;
  defaults.ignoreActiveValue = true;
  // What a person opened, ticked or is at stays so through live updates.
  defaults.callbacks.beforeAttributeUpdated = (name, element) =>
    !(name === "open" && /^(DETAILS|DIALOG)$/.test(element.tagName)) &&
    !(name === "checked" && element.matches("[data-keep]")) &&
    !(name === "aria-selected" && element.matches("tr"));
}

listen();
showCurrent();
document.body.addEventListener("htmx:afterSettle", showCurrent);
guardRevisions();
startShortcuts(toggleTheme);
