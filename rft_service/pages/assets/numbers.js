// The numbers of the steps as a table, the newest first.
import { element, find, LATENCY, numberCell } from "./dom.js";
import { CALLS, COUNT, REWARD, SECONDS, SHARE, SHORT_SECONDS } from "./format.js";

const COLUMNS = [
  ["training reward", "train", REWARD], ["validation reward", "valid", REWARD],
  ["tool calls per rollout", "calls", CALLS], ["turns per rollout", "turns", CALLS],
  ["reasoning tokens per rollout", "reasoning", COUNT],
  ["output tokens per rollout", "completion", COUNT],
  [`${LATENCY} per rollout, s`, "rollout_s", SECONDS],
  ["latency per tool call, s", "tool_s", SHORT_SECONDS], ["tokens per tool call", "per_call", COUNT],
  ["tool errors", "tool_errors", COUNT], ["rollouts", "rollouts", COUNT],
  ["discarded", "discarded", COUNT], ["zero-variance groups, %", "flat", SHARE],
  ["time per step, s", "step_s", SECONDS],
];
const AT_ONCE = 20;
let steps = [];
let skipped = 0; // steps newer than the ones in the table

function row(step) {
  const cells = COLUMNS.map(([name, key, kind]) => {
    const made = numberCell(name, kind.number(step[key]));
    made.dataset.key = key;
    return made;
  });
  return element("tr", { "data-step": step.step }, element("th", { scope: "row" }, `${step.step}`), ...cells);
}

export function drawNumbers(rows) {
  steps = rows;
  const end = steps.length - skipped;
  find("#numbers tbody").replaceChildren(...steps.slice(Math.max(0, end - AT_ONCE), end).reverse().map(row));
  find("#newer-steps").disabled = skipped === 0;
  find("#older-steps").disabled = end - AT_ONCE <= 0;
}

function turn(by) {
  skipped = Math.max(0, Math.min(steps.length - 1, skipped + by));
  drawNumbers(steps);
}

find("#numbers thead").replaceChildren(element("tr", {}, element("th", { scope: "col" }, "step"),
  ...COLUMNS.map(([name]) => element("th", { scope: "col", class: "number" }, name))));
find("#older-steps").addEventListener("click", () => turn(AT_ONCE));
find("#newer-steps").addEventListener("click", () => turn(-AT_ONCE));
