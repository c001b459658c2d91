// Curves as SVG. A line is drawn as the mean of some steps with a band from their lowest to their
// highest value: of five steps where it is smoothed, and of more in a long job, so that a chart has
// at most a few hundred points however many steps there are. The caption says which.
import { element } from "./dom.js";

export const COLOURS = 7; // in the style sheet, c0 and on

const WIDTH = 360, HEIGHT = 170, LEFT = 46, RIGHT = 8, TOP = 8, BOTTOM = 22;
const BUCKETS = 160;
const DOTS = 60; // up to so many steps, each has its dot
const WINDOW = 5; // steps that a smoothed line and its band look over

function svg(name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/** How many steps are drawn as one, so that there are at most BUCKETS. */
const drawnAsOne = (points) => Math.max(1, Math.ceil(points.length / BUCKETS));

function inBuckets(points) {
  const size = drawnAsOne(points);
  return Array.from({ length: Math.ceil(points.length / size) }, (_, place) =>
    points.slice(place * size, (place + 1) * size));
}

const middle = (list) => list[list.length >> 1];

/** Mean, lowest and highest. */
const spread = (values) =>
  [values.reduce((sum, value) => sum + value, 0) / values.length, Math.min(...values), Math.max(...values)];

/** [step, mean, lowest, highest] of each bucket. */
export const buckets = (points) =>
  inBuckets(points).map((part) => [middle(part)[0], ...spread(part.map((point) => point[1]))]);

/** [step, mean, lowest, highest] of the WINDOW steps around each, fewer at both ends, as in the
    notebook's dashboard (`figures.training.smoothed`); the value of a step may be null. */
export function smoothed(points) {
  const half = WINDOW >> 1;
  return points.flatMap(([step], index) => {
    const around = points.slice(Math.max(0, index - half), index + half + 1);
    const values = around.map((point) => point[1]).filter((value) => value !== null);
    return values.length ? [[step, ...spread(values)]] : [];
  });
}

/** One of the means in each bucket; its band goes from the lowest to the highest of all. */
const thinned = (groups) => inBuckets(groups).map((part) => [
  ...middle(part).slice(0, 2), Math.min(...part.map((one) => one[2])), Math.max(...part.map((one) => one[3])),
]);

/** A round number not below `value`, to end an axis with; its half is as short. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((part) => part * power).find((end) => end >= value * 0.999);
}

/** One chart: `series(steps)` gives [{name, points}], all figures of a kind; `top` is
    a fixed end of its axis. A series may be `stacked`, with its own numbers in `values`, or have
    `groups` that are drawn in place of its points (`smoothed`). */
export class Chart {
  constructor(title, series, kind, top = null) {
    Object.assign(this, { title, series, kind, top });
    this.picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    this.caption = element("figcaption");
    this.figure = element("figure", {}, element("h3", {}, title), this.picture, this.caption);
    this.mark = svg("line", { class: "mark", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
  }

  draw(steps) {
    this.drawn = this.series(steps);
    this.first = steps[0].step;
    this.last = steps.at(-1).step;
    const highest = Math.max(...this.drawn.map((one) =>
      one.points.reduce((most, point) => Math.max(most, point[1]), 0)));
    const lowest = Math.min(...this.drawn.map((one) =>
      one.points.reduce((least, point) => Math.min(least, point[1]), 0)));
    this.start = lowest < 0 ? -ceiling(-lowest) : 0;
    if (this.top && highest <= this.top) this.end = this.top;
    else this.end = highest > 0 ? ceiling(highest) : Number(lowest === 0);
    const parts = [...this.axes()];
    for (const [place, one] of [...this.drawn.entries()].reverse()) {
      if (one.points.length) parts.push(...this.curve(one, place));
    }
    this.picture.replaceChildren(...parts, this.mark);
    const first = (one) => (one.values ?? one.points)[0][1];
    const last = (one) => (one.values ?? one.points).at(-1)[1];
    const words = this.drawn.map((one) => one.points.length
      ? `${one.name} from ${this.kind.text(first(one))} to ${this.kind.text(last(one))}`
      : `${one.name}: none yet`);
    this.picture.setAttribute("aria-label",
      `${this.title}, steps ${this.first} to ${this.last}: ${words.join(", ")}`);
  }

  /** The value of every series at a step, in the caption, and a line at that step. */
  point(step) {
    const legend = this.drawn.map((one, place) => {
      const raw = one.values ?? one.points;
      const found = raw.find((each) => each[0] === step);
      return element("span", {}, element("i", { class: `key c${place}` }),
        `${one.name} ${this.kind.text(found?.[1])}`);
    });
    const notes = this.drawn.map(howDrawn).filter((note) => note !== "");
    this.caption.replaceChildren(...legend, ...notes.map((note) => element("small", {}, note)));
    const x = this.x(step);
    this.mark.setAttribute("x1", x);
    this.mark.setAttribute("x2", x);
    this.mark.setAttribute("visibility", "visible");
  }

  /** The step under a pointer. */
  stepAt(event) {
    const box = this.picture.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    const share = (x - LEFT) / (WIDTH - LEFT - RIGHT);
    const step = Math.round(this.first + share * (this.last - this.first));
    return Math.min(this.last, Math.max(this.first, step));
  }

  x(step) {
    if (this.last === this.first) return LEFT + (WIDTH - LEFT - RIGHT) / 2;
    return LEFT + ((step - this.first) / (this.last - this.first)) * (WIDTH - LEFT - RIGHT);
  }

  y(value) {
    const share = (Math.min(value, this.end) - this.start) / (this.end - this.start);
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
  }

  *axes() {
    for (const share of [0, 0.5, 1]) {
      const value = this.start + share * (this.end - this.start);
      const y = this.y(value);
      yield svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y });
      yield svg("text", { x: LEFT - 5, y: y + 4, "text-anchor": "end" }, this.kind.tick(value));
    }
    yield svg("text", { x: this.x(this.first), y: HEIGHT - 6 }, String(this.first));
    if (this.last > this.first) {
      const label = `step ${this.last}`;
      yield svg("text", { x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, label);
    }
  }

  *curve(one, place) {
    const colour = `c${place}`;
    const groups = one.groups ? thinned(one.groups) : buckets(one.points);
    const line = (index) => groups.map((g) => `${this.x(g[0]).toFixed(1)},${this.y(g[index]).toFixed(1)}`);
    if (one.stacked) {
      const ends = [`${this.x(groups.at(-1)[0])},${this.y(0)}`, `${this.x(groups[0][0])},${this.y(0)}`];
      yield svg("polygon", { class: `area ${colour}`, points: [...line(1), ...ends].join(" ") });
    } else {
      if (one.groups || groups.length < one.points.length) {
        const around = [...line(3), ...line(2).reverse()];
        yield svg("polygon", { class: `band ${colour}`, points: around.join(" ") });
      }
      yield svg("polyline", { class: `line ${colour}`, points: line(1).join(" ") });
    }
    if (hasDots(one)) {
      for (const [step, value] of one.points) {
        yield svg("circle", { class: `dot ${colour}`, cx: this.x(step), cy: this.y(value), r: 2.4 });
      }
    }
  }
}

const hasDots = (one) => one.points.length <= DOTS && (!one.stacked || one.points.length === 1);

/** What the line and the band of a series are, in the words of the notebook's dashboard; nothing
    where the line goes through every step. */
function howDrawn(one) {
  const size = one.groups ? WINDOW : drawnAsOne(one.points);
  if (one.stacked || size === 1) return "";
  const dots = hasDots(one) ? "; dots: each step" : "";
  return `${one.name}: line: mean of ${size} steps; band: their lowest and highest${dots}`;
}
