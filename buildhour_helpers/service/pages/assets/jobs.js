// The list of jobs, live.
import { clock, element, fillTimes } from "./dom.js";

const body = document.querySelector("#jobs tbody");

function row(job) {
  const steps = job.total_steps ? `${job.step} of ${job.total_steps}` : `${job.step}`;
  return element("tr", {},
    element("th", { scope: "row" }, element("a", { href: `/finetune/${job.id}` }, job.id)),
    element("td", {}, element("span", { class: "status", "data-status": job.status }, job.status)),
    element("td", {}, steps),
    element("td", {}, job.model),
    element("td", {}, job.suffix || "–"),
    element("td", {}, element("time", {}, clock(job.created_at))));
}

fillTimes();
new EventSource("/stream").addEventListener("jobs", (event) => {
  const jobs = JSON.parse(event.data);
  const focused = document.activeElement?.getAttribute?.("href");
  body.replaceChildren(...jobs.map(row));
  if (focused) body.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  document.querySelector("#none").hidden = jobs.length > 0;
});
