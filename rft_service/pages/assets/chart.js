// Curves as SVG. Long jobs are drawn in buckets: the mean as a line, least to greatest as a band,
// so that a chart has at most a few hundred points however many steps there are.
import { element } from "./dom.js";

export const COLOURS = 7; // in the style sheet, c0 and on

const WIDTH = 360, HEIGHT = 170, LEFT = 46, RIGHT = 8, TOP = 8, BOTTOM = 22;
const BUCKETS = 160;
const DOTS = 60; // up to so many steps, each has its dot

function svg(name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

const SMOOTHED = "line: mean of 5 steps; band: their lowest and highest; dots: each step";

/** The edges of a band in at most BUCKETS groups. */
function spread(around) {
  const size = Math.ceil(around.length / BUCKETS);
  const groups = [];
  for (let start = 0; start < around.length; start += size) {
    const part = around.slice(start, start + size);
    groups.push([part[part.length >> 1][0], 0, Math.min(...part.map((one) => one[2])), Math.max(...part.map((one) => one[3]))]);
  }
  return groups;
}

/** Points [step, value] in at most BUCKETS groups: [step, mean, least, greatest]. */
export function buckets(points) {
  const size = Math.ceil(points.length / BUCKETS);
  const groups = [];
  for (let start = 0; start < points.length; start += size) {
    const part = points.slice(start, start + size);
    const values = part.map((point) => point[1]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    groups.push([part[part.length >> 1][0], mean, Math.min(...values), Math.max(...values)]);
  }
  return groups;
}

const WINDOW = 5; // steps

/** Points as means of WINDOW neighbouring steps (fewer at both ends), and the lowest and highest of
    them: as the notebook's dashboard draws them. */
export function smoothed(points) {
  const half = WINDOW >> 1;
  const around = points.map(([step], place) => {
    const values = points.slice(Math.max(0, place - half), place + half + 1).map((point) => point[1]);
    return [step, values.reduce((sum, value) => sum + value, 0) / values.length, Math.min(...values), Math.max(...values)];
  });
  return { points: around.map(([step, mean]) => [step, mean]), around };
}

/** A round number not below `value`, to end an axis with. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((part) => part * power).find((end) => end >= value * 0.999);
}

/** One chart: `series(steps)` gives [{name, points, stacked}], all figures of a kind; `top` is a
    fixed end of its axis. */
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
      (one.values ?? one.points).concat(one.points).reduce((most, point) => Math.max(most, point[1]), 0))) || 1;
    this.end = this.top && highest <= this.top ? this.top : ceiling(highest);
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
    if (this.drawn.some((one) => one.around)) legend.push(element("small", {}, SMOOTHED));
    this.caption.replaceChildren(...legend);
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
    return HEIGHT - BOTTOM - (Math.min(value, this.end) / this.end) * (HEIGHT - TOP - BOTTOM);
  }

  *axes() {
    for (const share of [0, 0.5, 1]) {
      const y = this.y(share * this.end);
      yield svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y });
      yield svg("text", { x: LEFT - 5, y: y + 4, "text-anchor": "end" }, this.kind.tick(share * this.end));
    }
    yield svg("text", { x: this.x(this.first), y: HEIGHT - 6 }, String(this.first));
    if (this.last > this.first) {
      const label = `step ${this.last}`;
      yield svg("text", { x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, label);
    }
  }

  *curve(one, place) {
    const colour = `c${place}`;
    const groups = buckets(one.points);
    const line = (index) => groups.map((g) => `${this.x(g[0]).toFixed(1)},${this.y(g[index]).toFixed(1)}`);
    if (one.stacked) {
      const ends = [`${this.x(groups.at(-1)[0])},${this.y(0)}`, `${this.x(groups[0][0])},${this.y(0)}`];
      yield svg("polygon", { class: `area ${colour}`, points: [...line(1), ...ends].join(" ") });
    } else {
      const edges = one.around ? spread(one.around) : groups;
      if (one.around || groups.length < one.points.length) {
        const edge = (index) => edges.map((g) => `${this.x(g[0]).toFixed(1)},${this.y(g[index]).toFixed(1)}`);
        const around = [...edge(3), ...edge(2).reverse()];
        yield svg("polygon", { class: `band ${colour}`, points: around.join(" ") });
      }
      yield svg("polyline", { class: `line ${colour}`, points: line(1).join(" ") });
    }
    if (one.points.length <= DOTS && (!one.stacked || one.points.length === 1)) {
      for (const [step, value] of one.around ? one.values : one.points) {
        yield svg("circle", { class: `dot ${colour}`, cx: this.x(step), cy: this.y(value), r: 2.4 });
      }
    }
  }
}
