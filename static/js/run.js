/* The page of one backtest: follows it while it lives, and turns into its report in place. */

import { EquityCharts } from "./charts.js";
import { followRun, header, isOver, PageState } from "./page_state.js";

const main = document.getElementById("main");
const charts = new EquityCharts(main.querySelector("[data-testid=equity-chart]"));

const state = new PageState(() => {
  charts.isFinal = header().dataset.state === "completed";
  charts.load();
});

/** @param {boolean} isPoll */
function changed(isPoll) {
  state.follow();
  if (isPoll && !isOver()) charts.load();
}

document.body.addEventListener("htmx:afterSettle", () => changed(false));
charts.isFinal = header().dataset.state === "completed";
const first = document.getElementById("chart-data");
if (first) charts.show(JSON.parse(first.textContent));
else charts.load();

followRun(changed, (data) => data.type === "chart" && !isOver() && charts.show(data.curve));
