// The few things that both pages need of the document.
import { clock, moment } from "./format.js";

export const find = (selector) => document.querySelector(selector);

/** What a model's latency is called: the simulated model's is computed, an engine's measured. */
export const LATENCY = find("header.top").dataset.simulated === "true" ? "simulated latency" : "model latency";

/** An element with attributes and children; a child that is a string becomes text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A cell with the name of its column, which a narrow window shows in front of it. */
export const cell = (label, ...children) => element("td", { "data-label": label }, ...children);
export const rowHead = (label, ...children) =>
  element("th", { scope: "row", "data-label": label }, ...children);

/** A cell with a number, whose digits stand under those of the others. */
export const numberCell = (label, text) => element("td", { "data-label": label, class: "number" }, text);

/** Say something in a live region, once: the same again would be read aloud again. */
export function say(region, text) {
  if (region.textContent !== text) region.textContent = text;
}

export async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied";
  } catch {
    said.textContent = "The browser does not allow it; select the text and copy it by hand";
  }
}

/** A date and time in the reader's time zone, which it names. */
export const time = (at) =>
  element("time", { datetime: new Date(at * 1000).toISOString() }, moment(at));

/** Times that the server wrote in UTC, in the reader's time zone. */
export function fillTimes(root = document) {
  for (const one of root.querySelectorAll("time[data-at]")) one.replaceWith(time(one.dataset.at));
}
