/* Classic and blocking on purpose: the theme must stand before the first paint, or the page flashes. */
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("theme");
    } catch {
      chosen = null; // storage refused by the browser: follow the system
    }
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
    else delete root.dataset.theme;
    root.dataset.shownTheme = root.dataset.theme ?? (system.matches ? "dark" : "light");
    document.dispatchEvent(new Event("theme-changed"));
  };
  root.dataset.script = "";
  system.addEventListener("change", show);
  addEventListener("storage", show);
  globalThis.showTheme = show;
  show();
})();
