// One job, live: state, curves, checkpoints, events, and its rollouts page by page.
import { Chart } from "./chart.js";
import { clock, duration, element, fillTimes, shown } from "./dom.js";

const find = (selector) => document.querySelector(selector);
const jobId = find("#job").dataset.id;
const root = `/finetune/${jobId}`;

// --- state and buttons ---------------------------------------------------------------------

const MAY = {
  pause: ["queued", "running"],
  resume: ["paused"],
  cancel: ["validating_files", "queued", "running", "paused"],
};

function showState(job) {
  const status = find("#status");
  if (status.textContent !== job.status) status.textContent = job.status;
  status.dataset.status = job.status;
  document.title = `${jobId}: ${job.status}`;
  const left = job.left_s === null ? "" : `, about ${duration(job.left_s)} left`;
  find("#far").textContent = job.total_steps ? `step ${job.step} of ${job.total_steps}${left}` : "";
  const progress = find("#progress");
  progress.max = job.total_steps || 1;
  progress.value = job.step;
  find("#tuned").textContent = job.fine_tuned_model ?? "–";
  find("#problem").textContent = job.error ?? "";
  find("#problem").hidden = !job.error;
  for (const button of document.querySelectorAll("[data-action]")) {
    button.disabled = !MAY[button.dataset.action].includes(job.status);
  }
}

async function act(button) {
  const { action } = button.dataset;
  if (action === "cancel" && !confirm("Cancel this job? It cannot be resumed.")) return;
  button.disabled = true;
  const answer = await fetch(`${root}/${action}`, { method: "POST" });
  const body = await answer.json();
  find("#said").textContent = answer.ok ? "" : body.error.message;
  if (!answer.ok) button.disabled = false;
}

for (const button of document.querySelectorAll("[data-action]")) {
  button.addEventListener("click", () => act(button));
}

// --- curves --------------------------------------------------------------------------------

const steps = [];
const known = (rows, name) => rows.filter((row) => row[name] !== null).map((row) => [row.step, row[name]]);
const line = (name, key) => (rows) => ({ name, points: known(rows, key) });
const lines = (...made) => (rows) => made.map((make) => make(rows));
const share = (name, key) => (rows) => ({
  name, points: rows.filter((row) => row.rollouts).map((row) => [row.step, row[key] / row.rollouts]),
});

/** Calls per rollout by tool, each drawn on top of the ones before. */
function mix(rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.tools)))].sort();
  const base = rows.map(() => 0);
  return names.map((name) => {
    const values = rows.map((row) => [row.step, row.rollouts ? (row.tools[name] ?? 0) / row.rollouts : 0]);
    values.forEach((value, place) => { base[place] += value[1]; });
    return { name, values, stacked: true, points: values.map(([step], place) => [step, base[place]]) };
  });
}

const charts = [
  new Chart("Mean reward", lines(line("train", "train"), line("validation", "valid")), { top: 1 }),
  new Chart("Tool calls per rollout", mix),
  new Chart("Tokens per rollout", lines(line("reasoning", "reasoning"), line("all", "completion"))),
  new Chart("Tokens per tool call", lines(line("tokens", "per_call"))),
  new Chart("Latency of a tool call", lines(line("mean", "tool_s")), { unit: " s" }),
  new Chart("Time of a step", lines(line("whole step", "step_s")), { unit: " s" }),
  new Chart("Errors and discards", lines(share("tool errors a rollout", "tool_errors"), share("discarded", "discarded"))),
  new Chart("Groups without variance", lines(line("share", "flat")), { top: 1 }),
];
const cursor = find("#cursor");

function point(step) {
  const row = steps.find((one) => one.step === step);
  if (!row) return;
  cursor.value = step;
  find("#at").textContent = `${step}`;
  cursor.setAttribute("aria-valuetext", `step ${step}: training reward ${shown(row.train)}, ` +
    `validation ${shown(row.valid)}, ${shown(row.calls)} tool calls a rollout`);
  for (const chart of charts) chart.point(step);
}

let isWaiting = false;
function addSteps(rows) {
  const last = steps.at(-1)?.step ?? 0;
  steps.push(...rows.filter((row) => row.step > last));
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => { isWaiting = false; drawAll(last); });
}

function drawAll(before) {
  const last = steps.at(-1).step;
  const follows = cursor.disabled || Number(cursor.value) === before;
  cursor.disabled = find("#to-rollouts").disabled = false;
  cursor.min = steps[0].step;
  cursor.max = last;
  for (const chart of charts) chart.draw(steps);
  point(follows ? last : Number(cursor.value));
  drawNumbers();
  if (!hasAsked) show({ step: last });
}

for (const chart of charts) {
  find("#charts").append(chart.figure);
  chart.picture.addEventListener("pointerdown", (event) => { if (steps.length) point(chart.stepAt(event)); });
  chart.picture.addEventListener("pointermove", (event) => { if (steps.length) point(chart.stepAt(event)); });
}
cursor.addEventListener("input", () => point(Number(cursor.value)));

// --- the numbers ---------------------------------------------------------------------------

const COLUMNS = [
  ["step", "step"], ["training reward", "train"], ["validation reward", "valid"],
  ["tool calls", "calls"], ["reasoning tokens", "reasoning"], ["tokens", "completion"],
  ["tool latency, s", "tool_s"], ["tool errors", "tool_errors"], ["discarded", "discarded"],
  ["rollouts", "rollouts"], ["without variance", "flat"], ["step, s", "step_s"],
];
const NUMBERS = 20;
let skipped = 0; // steps newer than the ones in the table

function drawNumbers() {
  const end = steps.length - skipped;
  const rows = steps.slice(Math.max(0, end - NUMBERS), end).reverse();
  find("#numbers thead").replaceChildren(element("tr", {},
    ...COLUMNS.map(([name]) => element("th", { scope: "col" }, name))));
  find("#numbers tbody").replaceChildren(...rows.map((row) => element("tr", { "data-step": row.step },
    ...COLUMNS.map(([, key], place) => place
      ? element("td", { "data-key": key, "data-value": row[key] }, shown(row[key], 3))
      : element("th", { scope: "row" }, `${row.step}`)))));
  find("#newer-steps").disabled = skipped === 0;
  find("#older-steps").disabled = end - NUMBERS <= 0;
}

function turn(by) {
  skipped = Math.max(0, Math.min(steps.length - 1, skipped + by));
  drawNumbers();
}
find("#older-steps").addEventListener("click", () => turn(NUMBERS));
find("#newer-steps").addEventListener("click", () => turn(-NUMBERS));

// --- checkpoints ---------------------------------------------------------------------------

async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied";
  } catch {
    said.textContent = "The browser does not allow it; select the text and copy it by hand";
  }
}

function showCheckpoints(checkpoints) {
  find("#no-checkpoints").hidden = checkpoints.length > 0;
  find("#checkpoints tbody").replaceChildren(...checkpoints.map((one) => {
    const said = element("span", { role: "status" });
    const button = element("button", { type: "button", "aria-label": `Copy the model name of step ${one.step}` }, "Copy name");
    button.addEventListener("click", () => copy(one.model, said));
    return element("tr", {}, element("th", { scope: "row" }, `${one.step}`),
      element("td", {}, shown(one.valid_reward, 3)), element("td", {}, element("code", {}, one.model)),
      element("td", {}, button, " ", said));
  }));
}

// --- events --------------------------------------------------------------------------------

const KEPT = 300; // events in the document at once; older ones are asked for again
const PAGE = 50; // events that the service sends at once
const events = find("#events");
let oldest = null;

function line_of(event) {
  const level = event.level === "info" ? "" : `${event.level}: `;
  return element("li", { class: `level-${event.level}`, "data-seq": event.seq },
    element("time", {}, clock(event.created_at)), level + event.message);
}

function addEvents(found) { // newest first
  const newest = Number(events.firstElementChild?.dataset.seq ?? 0);
  const fresh = found.filter((event) => event.seq > newest); // a stream cut short is sent again
  if (fresh.length === PAGE) events.replaceChildren(); // what lies between comes with the older ones
  events.prepend(...fresh.map(line_of));
  while (events.childElementCount > KEPT) events.lastElementChild.remove();
  oldest = Number(events.lastElementChild?.dataset.seq ?? 0);
  find("#older").hidden = events.childElementCount < PAGE;
}

find("#older").addEventListener("click", async () => {
  const found = await (await fetch(`${root}/log?before=${oldest}`)).json();
  events.append(...found.map(line_of));
  oldest = found.at(-1)?.seq ?? oldest;
  find("#older").hidden = found.length === 0;
});

// --- rollouts ------------------------------------------------------------------------------

let hasAsked = false;
let places = [0]; // where each page up to this one begins
let wanted = {};
const chosen = new Set();

async function show(filter) {
  hasAsked = true;
  wanted = filter;
  places = [0];
  find("#filter").elements.step.value = filter.step ?? "";
  await showPage();
}

async function showPage() {
  const query = new URLSearchParams({ ...wanted, after: places.at(-1) });
  const answer = await fetch(`${root}/rollouts?${query}`);
  const body = await answer.json();
  if (!answer.ok) {
    find("#page-said").textContent = body.error.message;
    return;
  }
  chosen.clear();
  find("#compare").disabled = true;
  find("#rollouts tbody").replaceChildren(...body.rollouts.map(row));
  const from = (places.length - 1) * 25;
  find("#page-said").textContent = body.rollouts.length
    ? `Rollouts ${from + 1} to ${from + body.rollouts.length}${body.has_more ? ", and more" : ""}`
    : "No rollouts";
  find("#previous").disabled = places.length < 2;
  find("#next").disabled = !body.has_more;
  find("#next").dataset.after = body.rollouts.at(-1)?.seq ?? 0;
}

function row(rollout) {
  const name = `row ${rollout.row}, sample ${rollout.sample}`;
  const open = element("button", { type: "button", "data-open": rollout.trace_id }, name);
  open.addEventListener("click", () => view(rollout.trace_id));
  const box = element("input", { type: "checkbox", "aria-label": `Compare ${name}`, value: rollout.trace_id });
  box.addEventListener("change", () => {
    if (box.checked) chosen.add(box.value); else chosen.delete(box.value);
    find("#compare").disabled = chosen.size !== 2;
  });
  const tools = Object.entries(rollout.tools).map(([tool, count]) => `${tool} ${count}`).join(", ");
  return element("tr", {}, element("td", {}, box), element("th", { scope: "row" }, open),
    element("td", {}, `${rollout.step}`), element("td", {}, rollout.phase === "valid" ? "validation" : "training"),
    element("td", {}, rollout.reward === null ? "discarded" : shown(rollout.reward)),
    element("td", {}, (rollout.answer ?? rollout.failure ?? rollout.stop_reason).slice(0, 200)),
    element("td", {}, tools || "none"), element("td", {}, shown(rollout.reasoning_tokens)));
}

find("#filter").addEventListener("submit", (event) => {
  event.preventDefault();
  show(Object.fromEntries([...new FormData(event.target)].filter(([, value]) => value)));
});
find("#next").addEventListener("click", () => { places.push(Number(find("#next").dataset.after)); showPage(); });
find("#previous").addEventListener("click", () => { places.pop(); showPage(); });
find("#to-rollouts").addEventListener("click", () => {
  show({ step: cursor.value });
  find("#rollouts-title").focus();
});

// --- the viewer ----------------------------------------------------------------------------

const viewer = find("#viewer");

async function view(traceId, beside = null) {
  const query = beside ? `?beside=${encodeURIComponent(beside)}` : "";
  const answer = await fetch(`${root}/rollouts/${encodeURIComponent(traceId)}${query}`);
  find("#viewer-said").textContent = "";
  find("#shown").innerHTML = answer.ok ? await answer.text() : ""; // drawn and escaped by the service
  if (!answer.ok) find("#viewer-said").textContent = (await answer.json()).error.message;
  viewer.showModal();
  viewer.scrollTop = 0;
}

find("#compare").addEventListener("click", () => view(...chosen));
find("#close").addEventListener("click", () => viewer.close());
find("#shown").addEventListener("click", (event) => {
  const button = event.target.closest(".copy-json");
  if (button) copy(button.dataset.json, find("#viewer-said"));
});

// --- live ----------------------------------------------------------------------------------

fillTimes();
const source = new EventSource(`${root}/stream`);
const on = (name, handle) => source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
on("job", showState);
on("steps", addSteps);
on("log", addEvents);
on("checkpoints", showCheckpoints);
on("end", () => source.close());
