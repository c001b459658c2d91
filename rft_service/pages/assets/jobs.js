// The list of jobs, live.
import { cell, element, fillTimes, find, rowHead, time } from "./dom.js";
import { listen } from "./service.js";

const body = find("#jobs tbody");

function row(job) {
  const steps = job.total_steps ? `${job.step} of ${job.total_steps}` : `${job.step}`;
  return element("tr", {},
    rowHead("job", element("a", { href: `/finetune/${job.id}` }, job.id)),
    cell("status", element("span", { class: "status", "data-status": job.status }, job.status),
      ...(job.error ? [element("span", { class: "why" }, job.error)] : [])),
    cell("step", steps),
    cell("model", job.model),
    cell("suffix", job.suffix || "–"),
    cell("created", time(job.created_at)),
    cell("finished", job.finished_at ? time(job.finished_at) : "–"));
}

function show(jobs) {
  const focused = document.activeElement?.getAttribute?.("href");
  body.replaceChildren(...jobs.map(row));
  if (focused) body.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  find("#none").hidden = jobs.length > 0;
}

fillTimes();
listen("/stream", { jobs: show });
