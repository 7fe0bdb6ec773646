/* The line to the server: a websocket, and polling while it is down. The page is true with either, and says which.

   An own module instead of htmx's websocket extension: that one stays dead after close codes 1000 and 1001, knows no silence
   and cannot poll. Frames are plain: `<` is HTML whose parts replace the elements of the same id, `{` is data. */

const SILENCE_MS = 12_000;
const POLL_MS = 5_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
const FINAL_CODE = 4000; // from here on a close is an answer, not an accident
const NOT_LOGGED_IN = 4001;

const LABELS = { live: "Live", reconnecting: "Reconnecting…", offline: "Offline" };

/** Put the parts of a frame into the page; app.js keeps older revisions out.
 * @param {string} html @param {(part: HTMLElement) => void} [onUnknown] is told of parts that the page has no place for */
export function applyFrame(html, onUnknown) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const part of [...template.content.children]) {
    if (document.getElementById(part.id)) continue;
    part.remove();
    onUnknown?.(/** @type {HTMLElement} */ (part));
  }
  globalThis.htmx.swap(document.body, template.content, { swapStyle: "none" });
}

export class Live {
  /**
   * @param {object} options
   * @param {string} options.socketPath path of the websocket
   * @param {() => string | null} options.pollUrl where to ask while the socket is down; null: nothing to ask
   * @param {() => boolean} options.isOver whether nothing more can come
   * @param {(data: object) => void} [options.onData] takes data frames
   * @param {(isPoll: boolean) => void} [options.onChange] is told after parts were put in
   * @param {(part: HTMLElement) => void} [options.onUnknown] is told of parts that the page has no place for
   */
  constructor(options) {
    this.options = options;
    this.badge = document.querySelector("[data-testid=conn-status]");
    this.retryMs = FIRST_RETRY_MS;
    this.isStopped = false;
    this.pollTimer = 0;
  }

  start() {
    this.#connect();
    this.watchdog = setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.#connect());
    addEventListener("offline", () => this.#down("offline"));
    // A page kept for the Back button holds no socket; shown again it starts afresh.
    addEventListener("pagehide", () => this.#drop());
    addEventListener("pageshow", (event) => event.persisted && this.#connect());
  }

  #connect() {
    if (this.isStopped || this.options.isOver()) return this.#stop();
    this.#drop();
    clearTimeout(this.retryTimer);
    this.heardAt = performance.now();
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.options.socketPath}`);
    this.socket = socket;
    // A socket that was let go may still speak: nobody listens to it.
    socket.addEventListener("message", (event) => socket === this.socket && this.#hear(event.data));
    socket.addEventListener("close", (event) => socket === this.socket && this.#closed(event.code));
  }

  #drop() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  /** @param {string} text */
  #hear(text) {
    this.heardAt = performance.now();
    this.retryMs = FIRST_RETRY_MS;
    this.#stopPolling();
    this.#show("live");
    if (text.startsWith("{")) {
      const data = JSON.parse(text);
      if (data.type !== "beat") this.options.onData?.(data);
      return;
    }
    applyFrame(text, this.options.onUnknown);
    this.options.onChange?.(false);
    if (this.options.isOver()) this.#stop();
  }

  /** @param {number} code */
  #closed(code) {
    if (this.isStopped) return;
    if (code === NOT_LOGGED_IN) return location.reload(); // the server leads to the login, and back
    if (code >= FINAL_CODE) {
      if (!this.options.isOver()) this.#poll().finally(() => this.#stop());
      else this.#stop();
      return;
    }
    this.#down(navigator.onLine ? "reconnecting" : "offline");
    this.#retry();
  }

  #retry() {
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.#connect(), this.retryMs * (0.5 + Math.random() / 2));
    this.retryMs = Math.min(LONGEST_RETRY_MS, this.retryMs * 2);
  }

  /** A socket may be open and dead: silence counts, not its state. */
  #watch() {
    if (this.isStopped || performance.now() - this.heardAt < SILENCE_MS) return;
    this.#down("reconnecting");
    this.#connect();
  }

  /** @param {"reconnecting" | "offline"} status */
  #down(status) {
    if (this.isStopped) return;
    this.#show(status);
    if (this.pollTimer) return;
    this.pollTimer = setInterval(() => this.#poll(), POLL_MS);
    this.#poll();
  }

  #stopPolling() {
    clearInterval(this.pollTimer);
    this.pollTimer = 0;
  }

  async #poll() {
    const url = this.options.pollUrl();
    if (url === null) return;
    let response, text;
    try {
      response = await fetch(url, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(POLL_MS) });
      text = await response.text();
    } catch {
      if (this.pollTimer) this.#show("offline");
      return;
    }
    if (response.redirected || response.status === 401) return location.reload();
    if (this.pollTimer) this.#show("reconnecting");
    if (response.status !== 200) return;
    applyFrame(text, this.options.onUnknown);
    this.options.onChange?.(true);
    if (this.options.isOver()) this.#stop();
  }

  #stop() {
    this.isStopped = true;
    clearTimeout(this.retryTimer);
    clearInterval(this.watchdog);
    this.#stopPolling();
    this.#drop();
    if (this.badge) this.badge.hidden = true;
  }

  /** @param {"live" | "reconnecting" | "offline"} status */
  #show(status) {
    if (!this.badge || this.isStopped) return;
    this.badge.hidden = false;
    if (this.badge.dataset.status === status && this.badge.textContent === LABELS[status]) return;
    this.badge.dataset.status = status;
    this.badge.firstElementChild.textContent = LABELS[status];
  }
}
