// The rollouts of a job page by page, and the viewer of one or two of them.
import { cell, copy, element, find, numberCell, rowHead, say } from "./dom.js";
import { beginning, COUNT, REWARD } from "./format.js";
import { ask } from "./service.js";

const root = `/finetune/${find("#job").dataset.id}/rollouts`;
const AT_ONCE = 25; // rollouts that the service sends at once
const PHASES = { train: "training", valid: "validation" };
const said = find("#page-said");

// --- the list ------------------------------------------------------------------------------

let wanted = {};
let places = [0]; // where each page up to the one shown begins
let asked = 0; // answers that come after a later question are not shown
const chosen = new Set();

async function showPage(filter, begins) {
  const mine = ++asked;
  for (const name of ["step", "phase", "outcome"]) find("#filter").elements[name].value = filter[name] ?? "";
  const query = new URLSearchParams({ ...filter, after: begins.at(-1) });
  const body = await ask(`${root}?${query}`, said);
  if (!body || mine !== asked) return;
  wanted = filter;
  places = begins;
  find("#rollouts tbody").replaceChildren(...body.rollouts.map(row));
  find("#some-rollouts").hidden = body.rollouts.length === 0;
  const from = (places.length - 1) * AT_ONCE;
  say(said, body.rollouts.length
    ? `Rollouts ${from + 1} to ${from + body.rollouts.length}${body.has_more ? ", and more" : ""}`
    : "No rollouts");
  find("#previous").disabled = places.length < 2;
  find("#next").disabled = !body.has_more;
  find("#next").dataset.after = body.rollouts.at(-1)?.seq ?? 0;
  chosen.clear();
  showChosen();
  offer();
}

/** Show what the reader asked for; what is then said is read aloud, though it be the same again. */
function turnTo(filter, begins) {
  follows = false;
  said.textContent = "";
  return showPage(filter, begins);
}

export const showRollouts = (filter) => turnTo(filter, [0]);

function showChosen() {
  const words = ["Tick two rollouts to compare them.", "Tick one more to compare the two.", ""];
  say(find("#ticked"), words[chosen.size] ?? `${chosen.size} are ticked: two can be compared.`);
  find("#compare").disabled = chosen.size !== 2;
}

function row(rollout) {
  const name = `row ${rollout.row}, sample ${rollout.sample}`;
  const open = element("button", { type: "button", "data-open": rollout.trace_id }, name);
  open.addEventListener("click", () => view(rollout.trace_id));
  const box = element("input", { type: "checkbox", "aria-label": `Compare ${name}`, value: rollout.trace_id });
  box.addEventListener("change", () => {
    if (box.checked) chosen.add(box.value); else chosen.delete(box.value);
    showChosen();
  });
  const answer = rollout.answer ?? rollout.error ?? `no answer (${rollout.stop_reason.replaceAll("_", " ")})`;
  const tools = Object.entries(rollout.tools).map(([tool, count]) => `${tool}\u00a0${count}`).join(", ");
  return element("tr", {}, cell("compare", box), rowHead("rollout", open),
    numberCell("step", `${rollout.step}`), cell("phase", PHASES[rollout.phase]),
    cell("outcome", element("span", { class: "outcome", "data-outcome": rollout.outcome }, rollout.outcome)),
    numberCell("reward", REWARD.number(rollout.reward)),
    cell("question", beginning(rollout.question, 90) || "–"), cell("answer", beginning(answer, 200) || "(empty)"),
    cell("tools called", tools || "none"), numberCell("reasoning tokens", COUNT.number(rollout.reasoning_tokens)));
}

find("#filter").addEventListener("submit", (event) => {
  event.preventDefault();
  showRollouts(Object.fromEntries([...new FormData(event.target)].filter(([, value]) => value)));
});
find("#next").addEventListener("click", () => turnTo(wanted, [...places, Number(find("#next").dataset.after)]));
find("#previous").addEventListener("click", () => turnTo(wanted, places.slice(0, -1)));

// --- the newest step -----------------------------------------------------------------------

let newest = null;
let follows = true; // until the reader makes use of the list, which must not change under their hand

/** A step has come: its rollouts are shown, or offered to a reader who is busy with others. */
export function stepCame(step) {
  newest = step;
  if (follows) showPage({ ...wanted, step }, [0]); else offer();
}

function offer() {
  const button = find("#newest");
  button.hidden = follows || newest === null || Number(wanted.step) === newest;
  button.textContent = `Step ${newest} is ready: show its rollouts`;
}

for (const sign of ["focusin", "pointerdown"]) {
  find("#rollouts-part").addEventListener(sign, () => {
    if (!follows) return;
    follows = false;
    asked += 1; // what is on its way comes too late
    offer();
  });
}
find("#newest").addEventListener("click", async () => {
  await showRollouts({ ...wanted, step: newest });
  find("#rollouts-title").focus();
  follows = true;
});

// --- the viewer ----------------------------------------------------------------------------

const viewer = find("#viewer");

async function view(traceId, beside = null) {
  const query = beside ? `?beside=${encodeURIComponent(beside)}` : "";
  find("#viewer-said").textContent = "";
  const drawn = await ask(`${root}/${encodeURIComponent(traceId)}${query}`, find("#viewer-said"));
  find("#shown").innerHTML = drawn ?? ""; // drawn and escaped by the service
  viewer.showModal();
  viewer.scrollTop = 0;
}

find("#compare").addEventListener("click", () => view(...chosen));
find("#close").addEventListener("click", () => viewer.close());
find("#shown").addEventListener("click", (event) => {
  const button = event.target.closest(".copy-json");
  if (button) copy(button.dataset.json, find("#viewer-said"));
});
