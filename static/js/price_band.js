/* A band behind some candles of a lightweight-charts series: what somebody asked to see. */

export class Band {
  constructor() {
    this.colour = "transparent";
    this.range = null;
    this.host = null;
    this.view = { zOrder: () => "bottom", renderer: () => this };
  }

  /** @param {number} first @param {number} last places of the first and the last candle */
  set(first, last) {
    this.range = [first, last];
    this.host?.requestUpdate();
  }

  /* What the library asks of a primitive, its view and its renderer. */

  attached(host) {
    this.host = host;
  }

  detached() {
    this.host = null;
  }

  paneViews() {
    return this.range ? [this.view] : [];
  }

  draw(target) {
    const timeScale = this.host.chart.timeScale();
    const { barSpacing } = timeScale.options();
    const [from, to] = this.range.map((candle) => timeScale.logicalToCoordinate(candle));
    if (from === null || to === null) return;
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      context.fillStyle = this.colour;
      const left = from - barSpacing / 2;
      context.fillRect(left, 0, Math.max(2, to + barSpacing / 2 - left), mediaSize.height);
    });
  }
}
