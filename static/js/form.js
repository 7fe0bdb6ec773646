/* The form of a new backtest: messages belong to their fields, Ctrl+Enter runs, a second click does nothing. */

const form = /** @type {HTMLFormElement} */ (document.getElementById("backtest-form"));
let isSent = false;

/** A message that the server put beside a field marks the field; an empty one clears it. */
function markFields() {
  for (const message of form.querySelectorAll("[data-error-for]")) {
    const control = document.getElementById(/** @type {HTMLElement} */ (message).dataset.errorFor);
    if (!control) continue;
    if (message.textContent.trim()) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
}

form.addEventListener("submit", (event) => {
  if (isSent) return event.preventDefault();
  isSent = true;
  for (const button of document.querySelectorAll("button[form=backtest-form], #backtest-form button[type=submit]")) {
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
