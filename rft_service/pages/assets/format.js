// Figures and times as they are read; a dash where there is none.

/** A kind of figure: how many digits of it tell something, its unit, and what it is counted in. */
function kind(digits, unit = "", times = 1) {
  const written = (value, options) => value === null || value === undefined
    ? null : (value * times).toLocaleString("en", options);
  const fixed = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return {
    /** Without its unit: for a table, whose head has it. */
    number: (value) => written(value, fixed) ?? "–",
    text: (value) => (written(value, fixed) ?? "–") + (written(value) ? unit : ""),
    /** A round value on an axis. */
    tick: (value) => written(value, { maximumSignificantDigits: 3 }) + unit,
  };
}

export const REWARD = kind(3);
export const CALLS = kind(2);
export const COUNT = kind(0);
export const SHARE = kind(1, "%", 100);
/** A number of any size, such as a norm: three digits that tell something, or 1.0e-5. */
function significant(value) {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}
export const NUMBER = { number: significant, text: significant, tick: significant };
export const SECONDS = kind(1, " s");
export const SHORT_SECONDS = kind(3, " s");

/** Seconds to come, roughly. */
export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** A time of day, with its date where that is another day. */
export function clock(at) {
  const when = new Date(at * 1000);
  const today = when.toDateString() === new Date().toDateString();
  return today ? when.toLocaleTimeString() : when.toLocaleString();
}

/** A date and time with the time zone; Sweden writes them as ISO 8601 does, so that they sort. */
export const moment = (at) => new Date(at * 1000).toLocaleString("sv-SE", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

/** As much of a text as fits, cut between words where it has any. */
export function beginning(text, most) {
  if (text.length <= most) return text;
  const cut = text.slice(0, most + 1);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(" "), 0)) || text.slice(0, most)}…`;
}
