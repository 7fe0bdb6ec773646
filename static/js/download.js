/* The page of one download: follows it while it lives, and turns into its outcome in place. */

import { Live } from "./live.js";
import { header, isOver, PageState } from "./page_state.js";

const main = document.getElementById("main");
const state = new PageState(() => {});
const changed = () => state.follow();

document.body.addEventListener("htmx:afterSettle", changed);
if (!isOver()) {
  new Live({
    socketPath: main.dataset.socket,
    pollUrl: () => `${main.dataset.liveUrl}?rev=${header().dataset.rev}`,
    isOver,
    onChange: changed,
  }).start();
}
