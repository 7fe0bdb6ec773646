/* The twin of the server's number filters, for what charts and ticking clocks draw. */

const MINUS = "\u2212";
const DAYS_WITH_HOURS = 100; // durations of so many days and more are told without hours

/** @param {number} value @param {number} digits */
export function fixed(value, digits = 2) {
  const text = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const isZero = Number(text.replaceAll(",", "")) === 0;
  return value < 0 && !isZero ? MINUS + text : text;
}

/** A return: signed, in percent. @param {number} fraction */
export function signedPercent(fraction, digits = 2) {
  const text = fixed(fraction * 100, digits);
  return (fraction > 0 && /[1-9]/.test(text) ? "+" : "") + text + "%";
}

/** A whole number. @param {number} value */
export const count = (value) => fixed(value, 0);

/** A metric in its unit, as the server's figures are shown. @param {number | null} value @param {string} unit */
export function inUnit(value, unit, digits = 2) {
  if (value === null || value === undefined) return "—";
  if (unit === "fraction") return fixed(value * 100, digits) + "%";
  if (unit === "count") return fixed(value, Number.isInteger(value) ? 0 : 1);
  if (unit === "flag" && (value === 0 || value === 1)) return value ? "yes" : "no";
  if (unit === "days") return fixed(value, value < 10 ? 1 : 0) + " days";
  return fixed(value, digits);
}

/** A parameter's value as people write it. @param {number | string | boolean} value */
export function parameter(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return String(value);
  const text = Math.abs(value).toLocaleString("en-US", { maximumSignificantDigits: 10 });
  return value < 0 ? MINUS + text : text;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.max(10, Math.floor(seconds)); // 9.9 s is followed by 10 s: a clock never goes backwards
  if (whole < 60) return `${whole} s`;
  const pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${pad(whole % 60)}s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h ${pad(Math.floor((whole % 3600) / 60))}m`;
  const days = Math.floor(whole / 86400);
  return days < DAYS_WITH_HOURS ? `${days}d ${Math.floor((whole % 86400) / 3600)}h` : `${fixed(days, 0)}d`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** @param {number} epochSeconds */
export function day(epochSeconds) {
  const at = new Date(epochSeconds * 1000);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
}

/** @param {number} epochSeconds */
export function moment(epochSeconds) {
  const at = new Date(epochSeconds * 1000);
  return `${day(epochSeconds)} ${at.toISOString().slice(11, 16)}`;
}
