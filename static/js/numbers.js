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

/** A metric in its unit, as the server's figures are shown; the digits of its unit unless told.
 * @param {number | null} value @param {string} unit @param {number} [digits] */
export function inUnit(value, unit, digits) {
  if (value === null || value === undefined) return "—";
  if (unit === "fraction") return fixed(value * 100, digits ?? 2) + "%";
  if (unit === "count") return fixed(value, digits ?? (Number.isInteger(value) ? 0 : 1));
  if (unit === "flag" && (value === 0 || value === 1)) return value ? "yes" : "no";
  if (unit === "days") return fixed(value, digits ?? (value < 10 ? 1 : 0)) + " days";
  return fixed(value, digits ?? 2);
}

/** The fewest digits with which labels say exactly what they stand at; `most` where they never do.
 * @param {(number | null)[]} values of one axis @param {number} most */
export function exactDigits(values, most = 8) {
  const told = values.filter((value) => value !== null && value !== undefined);
  const steps = told.slice(1).map((value, index) => Math.abs(value - told[index])).filter((step) => step > 0);
  const allowed = Math.min(...(steps.length ? steps : told.map(Math.abs))) * 1e-6; // what arithmetic may be off
  for (let digits = 0; digits < most; digits += 1) {
    const unit = 10 ** digits;
    if (told.every((value) => Math.abs(value - Math.round(value * unit) / unit) <= allowed)) return digits;
  }
  return most;
}

/** The labels of an axis, each exact. @param {(number | null)[]} values @param {string} unit */
export function axisLabels(values, unit, most = 8) {
  const digits = exactDigits(unit === "fraction" ? values.map((value) => value * 100) : values, most);
  return values.map((value) => inUnit(value, unit, digits));
}

/** The labels of an axis of returns, each exact. @param {number[]} fractions */
export function percentLabels(fractions) {
  const digits = exactDigits(fractions.map((value) => value * 100));
  return fractions.map((value) => signedPercent(value, digits));
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
