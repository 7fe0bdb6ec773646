/* Runs in a page before anything of its own: notes when each wanted thing was painted, in milliseconds from the start of
   the navigation, and gathers what the browser itself measured. See paint.py.

   A frame's callbacks run before the frame is painted, those of the next frame after that. So what is there in one
   callback has been painted by the time of the next one; this tells at most two frames too much, never too little. */

(wanted, patience) => {
  const LEAST_COLOUR = 64; // how far apart the channels of a coloured pixel are, of 255; paper, grid and text are grey
  const LEAST_PIXELS = 50;
  const drawn = new WeakSet(); // canvases that were drawn upon since they were looked at

  /* A canvas says nothing when it is drawn upon, and what was drawn first is an empty grid: pixels are read, but only of
     canvases that have changed, so that looking costs next to nothing. */
  const { prototype } = CanvasRenderingContext2D;
  for (const name of ["fill", "stroke", "fillRect", "drawImage"]) {
    const draw = prototype[name];
    prototype[name] = function (...given) {
      drawn.add(this.canvas);
      return draw.apply(this, given);
    };
  }

  /** @param {HTMLCanvasElement} canvas */
  function hasCurve(canvas) {
    if (!drawn.delete(canvas) || !canvas.width || !canvas.height) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let n = 0;
    for (let at = 0; at < data.length && n < LEAST_PIXELS; at += 4) {
      const [red, green, blue] = [data[at], data[at + 1], data[at + 2]];
      const isColoured = Math.max(red, green, blue) - Math.min(red, green, blue) >= LEAST_COLOUR;
      if (isColoured && data[at + 3] > 127) n += 1;
    }
    return n === LEAST_PIXELS;
  }

  /** An element is there when it is in the page; a canvas when a curve is on it. @param {string} selector */
  function isThere(selector) {
    const found = [...document.querySelectorAll(selector)];
    return found.some((element) => !(element instanceof HTMLCanvasElement) || hasCurve(element));
  }

  const firstPaint = new Promise((done) => {
    new PerformanceObserver((entries) => {
      for (const { name, startTime } of entries.getEntries()) if (name === "first-contentful-paint") done(startTime);
    }).observe({ type: "paint", buffered: true });
  });

  const painted = {};
  const allPainted = new Promise((done) => {
    const missing = new Set(Object.keys(wanted));
    function look() {
      for (const name of missing) {
        if (!isThere(wanted[name])) continue;
        missing.delete(name);
        requestAnimationFrame(() => {
          painted[name] = performance.now();
          if (Object.keys(painted).length === Object.keys(wanted).length) done();
        });
      }
      if (missing.size) requestAnimationFrame(look);
    }
    requestAnimationFrame(look);
  });

  const tooLate = new Promise((_, fail) => {
    const missing = () => Object.keys(wanted).filter((name) => !(name in painted));
    setTimeout(() => fail(new Error(`Not painted within ${patience} ms: ${missing().join(", ") || "anything"}`)), patience);
  });

  const told = async () => {
    await allPainted;
    const first = await firstPaint;
    const [page] = performance.getEntriesByType("navigation");
    const size = ({ name, decodedBodySize, encodedBodySize }) => [new URL(name).pathname, decodedBodySize, encodedBodySize];
    const fetched = performance.getEntriesByType("resource").filter(({ initiatorType }) => initiatorType === "fetch");
    return { painted, first, answered: page.responseStart - page.requestStart, bytes: page.decodedBodySize, fetched: fetched.map(size) };
  };
  globalThis.benchPaint = Promise.race([told(), tooLate]);
  globalThis.benchPaint.catch(() => {}); // it is told to who asks
}
