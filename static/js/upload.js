/* Sending a file: how much of it is there, a way to stop, and the server's word on it. Without this the form posts. */

import { count } from "./numbers.js";

const MEGABYTE = 1024 * 1024;
const form = /** @type {HTMLFormElement} */ (document.getElementById("upload-form"));
const input = /** @type {HTMLInputElement} */ (form.querySelector("input[type=file]"));
const drop = /** @type {HTMLElement} */ (form.querySelector("[data-drop]"));
const area = /** @type {HTMLElement} */ (form.querySelector("[data-progress]"));
const bar = area.querySelector("progress");
const stop = /** @type {HTMLElement} */ (form.querySelector("[data-stop]"));
const send = /** @type {HTMLElement} */ (form.querySelector("[data-send]"));
const problems = document.getElementById("upload-problems");
const STATUS_EVERY = 25; // percent, for screen readers

/** @type {XMLHttpRequest | null} */
let request = null;
let spoken = 0;

/** @param {number} bytes */
const size = (bytes) => (bytes < MEGABYTE ? `${count(Math.ceil(bytes / 1024))} KB` : `${(bytes / MEGABYTE).toFixed(1)} MB`);

/** @param {string} words @param {number} percent */
function show(words, percent) {
  area.querySelector("[data-words]").textContent = words;
  area.querySelector("[data-percent]").textContent = `${percent}%`;
  bar.value = percent;
  if (percent >= spoken + STATUS_EVERY) {
    spoken = percent;
    area.querySelector("[data-status]").textContent = `${words} ${percent}%`;
  }
}

/** @param {boolean} isSending */
function turn(isSending) {
  area.hidden = !isSending;
  stop.hidden = !isSending;
  send.toggleAttribute("disabled", isSending);
  if (!isSending) request = null;
}

/** The server's own words, which it has escaped; whatever else answered is told by its status. @param {XMLHttpRequest} answer */
function tell(answer) {
  const isOurs = answer.getResponseHeader("Content-Type")?.startsWith("text/html");
  if (isOurs) problems.innerHTML = answer.responseText;
  else problems.textContent = answer.status ? `The server refused the file (${answer.status}).` : "The server cannot be reached.";
  problems.querySelector("[role=alert]")?.scrollIntoView({ block: "nearest" });
}

/** @param {SubmitEvent} event */
function submit(event) {
  event.preventDefault();
  if (request || !input.files.length) return;
  request = new XMLHttpRequest();
  const sent = request;
  problems.replaceChildren();
  spoken = 0;
  sent.upload.addEventListener("progress", (at) => {
    if (at.lengthComputable) show(`Sent ${size(at.loaded)} of ${size(at.total)}`, Math.floor((100 * at.loaded) / at.total));
  });
  sent.upload.addEventListener("load", () => show("Looking through the file…", 100));
  sent.addEventListener("load", () => {
    const next = sent.getResponseHeader("HX-Redirect");
    if (next) return location.assign(next);
    turn(false);
    tell(sent);
  });
  sent.addEventListener("error", () => {
    turn(false);
    tell(sent);
  });
  sent.open("POST", form.action);
  sent.setRequestHeader("HX-Request", "true");
  show("Sending", 0);
  turn(true);
  sent.send(new FormData(form));
}

form.addEventListener("submit", submit);
stop.addEventListener("click", () => {
  request?.abort();
  turn(false);
});
for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    const { files } = /** @type {DragEvent} */ (event).dataTransfer;
    if (name === "drop" && files.length) input.files = files;
  });
}
addEventListener("pageshow", () => turn(false));
