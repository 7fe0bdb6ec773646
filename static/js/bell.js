/* The bell: whoever asks for it is told outside of the page that the run has ended. Nobody is asked for permission before. */

/** @param {string} text */
const toast = (text) => document.body.dispatchEvent(new CustomEvent("toast", { detail: { value: text } }));

export class Bell {
  /** @param {boolean} isOver whether the run has ended already @param {string} icon address of the picture beside the text */
  constructor(isOver, icon) {
    this.icon = icon;
    this.button = /** @type {HTMLButtonElement | null} */ (document.querySelector("[data-bell]"));
    this.key = `notify ${location.pathname}`;
    if (isOver) this.#remember(false);
    if (!this.button || isOver || !globalThis.isSecureContext || !("Notification" in globalThis)) return;
    this.button.hidden = false;
    this.button.addEventListener("click", () => this.#toggle());
    this.#show(this.#isAsked() && Notification.permission === "granted");
  }

  /** Tell that the run has ended. @param {string} text nothing: there is nothing to tell */
  ring(text) {
    const isWanted = this.button?.getAttribute("aria-pressed") === "true";
    this.#remember(false);
    if (!isWanted || !text) return;
    try {
      const told = new Notification(text, { icon: this.icon, tag: location.pathname });
      told.addEventListener("click", () => globalThis.focus());
    } catch {
      toast(text); // some phones let only service workers notify
    }
  }

  async #toggle() {
    const isWanted = this.button.getAttribute("aria-pressed") !== "true";
    if (isWanted && (await Notification.requestPermission()) !== "granted") {
      return toast("This browser blocks notifications of this page. Its settings for the site can allow them.");
    }
    this.#remember(isWanted);
    this.#show(isWanted);
    toast(isWanted ? "You will be notified when it finishes." : "You will not be notified.");
  }

  /** @param {boolean} isOn */
  #show(isOn) {
    this.button.setAttribute("aria-pressed", String(isOn));
  }

  /** A reload keeps what was asked for; another tab does not notify twice. @param {boolean} isAsked */
  #remember(isAsked) {
    try {
      if (isAsked) sessionStorage.setItem(this.key, "on");
      else sessionStorage.removeItem(this.key);
    } catch {
      // Storage refused by the browser: then a reload forgets.
    }
  }

  #isAsked() {
    try {
      return sessionStorage.getItem(this.key) === "on";
    } catch {
      return false;
    }
  }
}
