// The curves of a job, and the step that they all point at.
import { Chart, COLOURS, smoothed } from "./chart.js";
import { find, LATENCY } from "./dom.js";
import { CALLS, COUNT, NUMBER, REWARD, SECONDS, SHARE, SHORT_SECONDS } from "./format.js";

// --- what is drawn -------------------------------------------------------------------------

const figure = (key) => (row) => row[key] ?? null;
const share = (part, whole) => (row) => row[whole] ? row[part] / row[whole] : null;
const line = (name, value) => (rows) => ({
  name, points: rows.map((row) => [row.step, value(row)]).filter((point) => point[1] !== null),
});
/** As a line, but drawn as the mean of the steps around each, with the steps themselves as dots. */
const smooth = (name, value) => (rows) => ({
  ...line(name, value)(rows), groups: smoothed(rows.map((row) => [row.step, value(row)])),
});
const lines = (...made) => (rows) => made.map((make) => make(rows));

/** The counts of the names that have a colour of their own; the rest as `other`. */
function counted(named, own, other) {
  const counts = Object.fromEntries(own.map((name) => [name, 0]));
  for (const [name, count] of Object.entries(named)) {
    const kept = name in counts ? name : other;
    counts[kept] = (counts[kept] ?? 0) + count;
  }
  return counts;
}

/** The names that are counted, the most frequent where there are more than colours. */
function mainNames(rows, key) {
  const totals = {};
  for (const row of rows) {
    for (const [name, count] of Object.entries(row[key])) totals[name] = (totals[name] ?? 0) + count;
  }
  const names = Object.keys(totals).sort();
  if (names.length <= COLOURS) return names;
  return names.sort((one, other) => totals[other] - totals[one]).slice(0, COLOURS - 1).sort();
}

/** The counts at `key` by name, per rollout, each drawn on top of the ones before. */
const stack = (key, other) => (rows) => {
  const own = mainNames(rows, key);
  const counts = rows.map((row) => counted(row[key], own, other));
  const names = counts.some((count) => other in count) ? [...own, other] : own;
  const base = rows.map(() => 0);
  return names.map((name) => {
    const values = rows.map((row, place) =>
      [row.step, row.rollouts ? (counts[place][name] ?? 0) / row.rollouts : 0]);
    values.forEach((value, place) => { base[place] += value[1]; });
    return { name, values, stacked: true, points: values.map(([step], place) => [step, base[place]]) };
  });
};

/** Both phases, as the notebook's dashboard draws them. */
const phases = (train, valid) => lines(smooth("training", figure(train)), line("validation", figure(valid)));

const charts = [
  new Chart("Mean reward", phases("train", "valid"), REWARD, 1),
  new Chart("Tool calls per rollout", phases("calls", "valid_calls"), CALLS),
  new Chart("Turns per rollout", phases("turns", "valid_turns"), CALLS),
  new Chart("Reasoning tokens per rollout", phases("reasoning", "valid_reasoning"), COUNT),
  new Chart("Calls of each tool per rollout", stack("tools", "other tools"), CALLS),
  new Chart("Output tokens per rollout", lines(line("mean", figure("completion"))), COUNT),
  new Chart("Tokens per tool call", lines(line("mean", figure("per_call"))), COUNT),
  new Chart(`${LATENCY[0].toUpperCase()}${LATENCY.slice(1)} per rollout`, lines(line("mean", figure("rollout_s"))), SECONDS),
  new Chart("Latency per tool call", lines(line("mean", figure("tool_s"))), SHORT_SECONDS),
  new Chart("Errors and discards", lines(
    line("tool calls with an error", share("tool_errors", "tool_calls")),
    line("rollouts discarded", share("discarded", "rollouts"))), SHARE),
  new Chart("Time per step", lines(line("whole step", figure("step_s"))), SECONDS),
];
const health = [
  new Chart("Zero-variance groups", lines(line("of all groups", figure("flat"))), SHARE, 1),
  new Chart("How rollouts ended", stack("ends", "other reasons"), SHARE, 1),
];

/** What engines call their metrics of an update; any other is drawn under the engine's name. */
const UPDATE = {
  entropy: "Action entropy, nats",
  kl_to_base: "KL to the base, nats",
  gradient_norm: "Gradient norm",
  change_norm: "Change of the weights, norm",
  logprob_gap: "Log-probability gap of sampler and trainer, nats",
  logprob_gap_max: "Largest log-probability gap, nats",
  learning_rate: "Learning rate",
  sampled_tokens: "Sampled tokens",
  later_turns: "Turns after the first",
  extended_turns: "Turns that extend earlier tokens exactly",
  data: "Training sequences",
};
const ofUpdate = new Map(); // a chart for each metric that the engine reports

function addUpdateCharts(rows) {
  for (const name of rows.flatMap((row) => Object.keys(row.update))) {
    if (ofUpdate.has(name)) continue;
    const value = (row) => row.update[name] ?? null;
    const chart = new Chart(UPDATE[name] ?? name, lines(line("per update", value)), NUMBER);
    ofUpdate.set(name, chart);
    show(chart, "#health");
  }
}

const all = () => [...charts, ...health, ...ofUpdate.values()];

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
    `validation ${REWARD.text(row.valid)}, ${CALLS.text(row.calls)} tool calls per rollout`);
  for (const chart of all()) chart.point(step);
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
  addUpdateCharts(steps);
  for (const chart of all()) chart.draw(steps);
  point();
}

function show(chart, place) {
  find(place).append(chart.figure);
  chart.picture.addEventListener("pointermove", (event) => { // a finger that moves is scrolling
    if (event.pointerType !== "touch") preview(chart.stepAt(event));
  });
  chart.picture.addEventListener("pointerleave", () => preview(null));
  chart.picture.addEventListener("click", (event) => pin(chart.stepAt(event)));
}

for (const chart of charts) show(chart, "#charts");
for (const chart of health) show(chart, "#health");
cursor.addEventListener("input", () => pin(Number(cursor.value)));
