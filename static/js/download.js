/* The page of one download: follows it while it lives, and turns into its outcome in place. */

import { followRun, PageState } from "./page_state.js";

const state = new PageState(() => {});
const changed = () => state.follow();

document.body.addEventListener("htmx:afterSettle", changed);
followRun(changed);
