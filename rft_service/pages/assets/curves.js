// The curves of a job, and the step that they all point at.
import { Chart, COLOURS, smoothed } from "./chart.js";
import { find } from "./dom.js";
import { CALLS, COUNT, REWARD, SECONDS, SHARE, SHORT_SECONDS } from "./format.js";

// --- what is drawn -------------------------------------------------------------------------

const figure = (key) => (row) => row[key] ?? null;
const share = (part, whole) => (row) => row[whole] ? row[part] / row[whole] : null;
const line = (name, value) => (rows) => ({
  name, points: rows.map((row) => [row.step, value(row)]).filter((point) => point[1] !== null),
});
/** As a line, but drawn as the mean of five steps, with the steps themselves as dots. */
const smooth = (name, value) => (rows) => {
  const one = line(name, value)(rows);
  return { ...one, values: one.points, ...smoothed(one.points) };
};
const lines = (...made) => (rows) => made.map((make) => make(rows));

/** The calls of a step by the tools that have a colour of their own; the rest as "other". */
function called(tools, own) {
  const counts = Object.fromEntries(own.map((name) => [name, 0]));
  for (const [name, count] of Object.entries(tools)) {
    const kept = name in counts ? name : "other tools";
    counts[kept] = (counts[kept] ?? 0) + count;
  }
  return counts;
}

/** The names of the tools called, the most called where there are more than colours. */
function mainTools(rows) {
  const totals = {};
  for (const row of rows) {
    for (const [name, count] of Object.entries(row.tools)) totals[name] = (totals[name] ?? 0) + count;
  }
  const names = Object.keys(totals).sort();
  if (names.length <= COLOURS) return names;
  return names.sort((one, other) => totals[other] - totals[one]).slice(0, COLOURS - 1).sort();
}

/** Calls per rollout by tool, each drawn on top of the ones before. */
function mix(rows) {
  const own = mainTools(rows);
  const counts = rows.map((row) => called(row.tools, own));
  const names = counts.some((count) => "other tools" in count) ? [...own, "other tools"] : own;
  const base = rows.map(() => 0);
  return names.map((name) => {
    const values = rows.map((row, place) =>
      [row.step, row.rollouts ? (counts[place][name] ?? 0) / row.rollouts : 0]);
    values.forEach((value, place) => { base[place] += value[1]; });
    return { name, values, stacked: true, points: values.map(([step], place) => [step, base[place]]) };
  });
}

const charts = [
  new Chart("Mean reward", lines(smooth("training", figure("train")), line("validation", figure("valid"))), REWARD, 1),
  new Chart("Tool calls per rollout", mix, CALLS),
  new Chart("Tokens per rollout", lines(smooth("reasoning", figure("reasoning")), smooth("all", figure("completion"))), COUNT),
  new Chart("Latency of a rollout, simulated", lines(line("mean", figure("rollout_s"))), SECONDS),
  new Chart("Latency of a tool call", lines(line("mean", figure("tool_s"))), SHORT_SECONDS),
  new Chart("Tokens per tool call", lines(line("mean", figure("per_call"))), COUNT),
  new Chart("Errors and discards", lines(
    line("tool calls with an error", share("tool_errors", "tool_calls")),
    line("rollouts discarded", share("discarded", "rollouts"))), SHARE),
  new Chart("Groups without variance", lines(line("of all groups", figure("flat"))), SHARE, 1),
  new Chart("Time of a step", lines(line("whole step", figure("step_s"))), SECONDS),
];

// --- the step ------------------------------------------------------------------------------

const cursor = find("#cursor");
let steps = [];
let pinned = null; // the step that the reader has chosen; null while it is the newest
let previewed = null; // the step under the mouse

export const stepShown = () => previewed ?? pinned ?? steps.at(-1).step;

function point() {
  const step = stepShown();
  const row = steps.find((one) => one.step === step);
  if (!row) return;
  cursor.value = step;
  find("#at").textContent = `${step}`;
  cursor.setAttribute("aria-valuetext", `step ${step}: training reward ${REWARD.text(row.train)}, ` +
    `validation ${REWARD.text(row.valid)}, ${CALLS.text(row.calls)} tool calls a rollout`);
  for (const chart of charts) chart.point(step);
}

function pin(step) {
  pinned = step === steps.at(-1).step ? null : step;
  point();
}

function preview(step) {
  previewed = step;
  if (steps.length) point();
}

export function drawCurves(rows) {
  steps = rows;
  find("#of-steps").hidden = false;
  cursor.disabled = find("#to-rollouts").disabled = false;
  cursor.min = steps[0].step;
  cursor.max = steps.at(-1).step;
  for (const chart of charts) chart.draw(steps);
  point();
}

for (const chart of charts) {
  find("#charts").append(chart.figure);
  chart.picture.addEventListener("pointermove", (event) => { // a finger that moves is scrolling
    if (event.pointerType !== "touch") preview(chart.stepAt(event));
  });
  chart.picture.addEventListener("pointerleave", () => preview(null));
  chart.picture.addEventListener("click", (event) => pin(chart.stepAt(event)));
}
cursor.addEventListener("input", () => pin(Number(cursor.value)));
