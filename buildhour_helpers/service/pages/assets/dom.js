// The few things that both pages need of the document.

/** An element with attributes and children; a child that is a string becomes text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.map((child) => child ?? "–"));
  return made;
}

/** A number for reading: few digits, a dash where there is none. */
export function shown(value, digits = 2) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 0.1 ? 3 : digits });
}

/** Seconds for reading. */
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

export function fillTimes(root = document) {
  for (const time of root.querySelectorAll("time[data-at]")) time.textContent = clock(time.dataset.at);
}
