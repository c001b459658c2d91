// One job, live: its state, checkpoints and events; curves, numbers and rollouts have their own files.
import { drawCurves, stepShown } from "./curves.js";
import { cell, copy, element, fillTimes, find, numberCell, rowHead, say, time } from "./dom.js";
import { clock, duration, REWARD } from "./format.js";
import { drawNumbers } from "./numbers.js";
import { showRollouts, stepCame } from "./rollouts.js";
import { ask, listen } from "./service.js";

const jobId = find("#job").dataset.id;
const root = `/finetune/${jobId}`;

// --- state and buttons ---------------------------------------------------------------------

const MAY = {
  pause: ["queued", "running"],
  resume: ["paused"],
  cancel: ["validating_files", "queued", "running", "paused"],
};
const BEFORE_THE_FIRST_STEP = {
  paused: "Paused before the first step.",
  failed: "The job failed before its first step.",
  cancelled: "The job was cancelled before its first step.",
};
const WITHOUT_CHECKPOINT = {
  succeeded: "None is left.",
  failed: "None: the job failed before its first validation.",
  cancelled: "None: the job was cancelled before its first validation.",
};

function showState(job) {
  say(find("#status"), job.status);
  find("#status").dataset.status = job.status;
  document.title = `${jobId}: ${job.status}`;
  find("#far").textContent = job.total_steps ? `step ${job.step} of ${job.total_steps}` : "";
  find("#left").textContent = job.left_s === null ? "" : `, about ${duration(job.left_s)} left`;
  find("#progress").max = job.total_steps || 1;
  find("#progress").value = job.step;
  find("#tuned").textContent = job.fine_tuned_model ?? "–";
  if (job.finished_at) find("#finished").replaceChildren(time(job.finished_at));
  find("#problem").textContent = job.why ?? "";
  find("#problem").hidden = !job.why;
  find("#no-steps").textContent = job.step ? "" : BEFORE_THE_FIRST_STEP[job.status] ?? "Waiting for the first step.";
  find("#no-checkpoints").textContent = WITHOUT_CHECKPOINT[job.status] ?? "None yet: one is made at each validation.";
  for (const button of document.querySelectorAll("[data-action]")) {
    button.disabled = !MAY[button.dataset.action].includes(job.status);
  }
}

async function act(button) {
  const { action } = button.dataset;
  if (action === "cancel" && !confirm("Cancel this job? It cannot be resumed.")) return;
  button.disabled = true; // the new state, once it comes, says which may be pressed
  find("#said").textContent = "";
  const answer = await ask(`${root}/${action}`, find("#said"), { method: "POST" });
  if (!answer) button.disabled = false;
}

for (const button of document.querySelectorAll("[data-action]")) {
  button.addEventListener("click", () => act(button));
}

// --- steps ---------------------------------------------------------------------------------

const steps = [];
let isWaiting = false;

function addSteps(rows) {
  const last = steps.at(-1)?.step ?? 0; // a stream cut short is sent again
  steps.push(...rows.filter((row) => row.step > last));
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    drawCurves(steps);
    drawNumbers(steps);
    stepCame(steps.at(-1).step);
  });
}

find("#to-rollouts").addEventListener("click", () => {
  showRollouts({ step: stepShown() });
  find("#rollouts-title").focus();
});

// --- checkpoints ---------------------------------------------------------------------------

function showCheckpoints(checkpoints) {
  find("#no-checkpoints").hidden = checkpoints.length > 0;
  find("#some-checkpoints").hidden = checkpoints.length === 0;
  find("#checkpoints tbody").replaceChildren(...checkpoints.map((one) => {
    const said = element("span", { role: "status" });
    const button = element("button", { type: "button", "aria-label": `Copy the model name of step ${one.step}` }, "Copy name");
    button.addEventListener("click", () => copy(one.model, said));
    return element("tr", {}, rowHead("step", `${one.step}`),
      numberCell("validation reward", REWARD.number(one.valid_reward)),
      cell("model", element("code", {}, one.model)), cell("copy", button, " ", said));
  }));
}

// --- events --------------------------------------------------------------------------------

const KEPT = 300; // events in the document at once; older ones are asked for again
const PAGE = 50; // events that the service sends at once
const events = find("#events");
let oldest = null;

function lineOf(event) {
  const level = event.level === "info" ? "" : `${event.level}: `;
  return element("li", { class: `level-${event.level}`, "data-seq": event.seq },
    element("time", {}, clock(event.created_at)), level + event.message);
}

function addEvents(found) { // newest first
  const newest = Number(events.firstElementChild?.dataset.seq ?? 0);
  const fresh = found.filter((event) => event.seq > newest); // a stream cut short is sent again
  if (fresh.length === PAGE) events.replaceChildren(); // what lies between comes with the older ones
  events.prepend(...fresh.map(lineOf));
  while (events.childElementCount > KEPT) events.lastElementChild.remove();
  oldest = Number(events.lastElementChild?.dataset.seq ?? 0);
  find("#older").hidden = events.childElementCount < PAGE;
}

find("#older").addEventListener("click", async () => {
  find("#older-said").textContent = "";
  const found = await ask(`${root}/log?before=${oldest}`, find("#older-said"));
  if (!found) return;
  events.append(...found.map(lineOf));
  oldest = found.at(-1)?.seq ?? oldest;
  find("#older").hidden = found.length === 0;
});

// --- live ----------------------------------------------------------------------------------

fillTimes();
listen(`${root}/stream`, {
  job: showState,
  steps: addSteps,
  log: addEvents,
  checkpoints: showCheckpoints,
  end: (_, source) => source.close(),
});
