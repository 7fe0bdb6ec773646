/* Data that follows the run: asked for when something newer is there, at most once a second, never twice at the same
   time, and not while nobody looks. */

const LEAST_MS = 1000;

export class Feed {
  /**
   * @param {object} options
   * @param {() => string} options.url
   * @param {(data: any) => void} options.onData
   * @param {() => boolean} [options.isShown] whether anybody can see it now
   * @param {(response: Response) => Promise<any>} [options.read]
   */
  constructor({ url, onData, isShown = () => true, read = (response) => response.json() }) {
    this.options = { url, onData, isShown, read };
    this.wanted = -1; // revision that there is
    this.had = -1; // revision that was asked for last
    this.isBusy = false;
    this.isStale = false;
    this.askedAt = -Infinity;
    document.addEventListener("visibilitychange", () => this.look());
  }

  /** Tell that the run has this revision now. @param {number} rev */
  follow(rev) {
    this.wanted = Math.max(this.wanted, rev);
    this.look();
  }

  /** Ask at once: a person has changed what is wanted. */
  refresh() {
    this.isStale = true;
    this.askedAt = -Infinity;
    this.look();
  }

  /** Ask, if it is time. */
  look() {
    const isNeeded = this.isStale || this.wanted > this.had;
    if (!isNeeded || this.isBusy || document.hidden || !this.options.isShown()) return;
    clearTimeout(this.timer);
    const wait = this.askedAt + LEAST_MS - performance.now();
    if (wait > 0) this.timer = setTimeout(() => this.look(), wait);
    else this.#ask();
  }

  async #ask() {
    const before = this.had;
    this.isBusy = true;
    this.isStale = false;
    this.had = this.wanted;
    this.askedAt = performance.now();
    try {
      const response = await fetch(this.options.url(), { headers: { "HX-Request": "true" } });
      if (!response.ok) throw new Error(String(response.status));
      const data = await this.options.read(response);
      if (!this.isStale) this.options.onData(data); // else a person wants something else by now
    } catch {
      this.had = before; // the next frame, or look, asks again; the page says itself when the server is away
    } finally {
      this.isBusy = false;
    }
    if (this.had >= this.wanted || this.isStale || this.had !== before) this.look();
  }
}
