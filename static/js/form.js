/* The form of a new run: messages belong to their fields, Ctrl+Enter runs, a second click does nothing. */

const form = /** @type {HTMLFormElement} */ (document.getElementById("run-form"));
let isSent = false;
const LONGEST_ADDRESS = 8_000;
/** Fields that the page's address does not repeat: a token, and what only matters without scripts. */
const UNTOLD = ["csrfmiddlewaretoken", "ask", "known"];

/** Let the page's address tell what is typed: a browser that comes back restores no field that a picker has brought. */
function remember() {
  const typed = [...new FormData(form)].filter(([name]) => !UNTOLD.includes(name));
  const address = `${location.pathname}?${new URLSearchParams(/** @type {[string, string][]} */ (typed))}`;
  if (address.length <= LONGEST_ADDRESS) history.replaceState(history.state, "", address);
}

/** A message that the server put beside a field marks the field; an empty one clears it. */
function markFields() {
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  for (const message of form.querySelectorAll("[data-error-for]")) {
    if (!message.textContent.trim()) continue;
    document.getElementById(/** @type {HTMLElement} */ (message).dataset.errorFor)?.setAttribute("aria-invalid", "true");
  }
}

// A picker brings the fields of what was picked, checked; a check of its own would only overtake them.
document.addEventListener("input", (event) => {
  if (/** @type {HTMLElement} */ (event.target).matches("select[hx-post]")) event.stopPropagation();
}, true);

form.addEventListener("submit", (event) => {
  if (isSent) return event.preventDefault();
  isSent = true;
  remember();
  for (const button of document.querySelectorAll("button[form=run-form], #run-form button[type=submit]")) {
    button.setAttribute("aria-disabled", "true");
  }
});

// Back from the run's page: the form is whole again.
addEventListener("pageshow", () => {
  isSent = false;
  for (const button of document.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (!isSent) form.requestSubmit(/** @type {HTMLElement} */ (document.querySelector("[data-run]")));
  }
});

document.body.addEventListener("htmx:afterSettle", markFields);
