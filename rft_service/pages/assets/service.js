// What the pages ask of the service, and what they say when it does not answer.
import { find, say } from "./dom.js";

const AGAIN_MS = 1000;

/** What the service answers: JSON read, HTML as text. Null where it refuses or does not answer;
    then `said` tells why. */
export async function ask(path, said, options = {}) {
  try {
    const answer = await fetch(path, options);
    const isJson = answer.headers.get("content-type").startsWith("application/json");
    const body = await (isJson ? answer.json() : answer.text());
    if (answer.ok) return body;
    say(said, body.error.message);
  } catch {
    say(said, "The service does not answer. Is it still running?");
  }
  return null;
}

/** Hear the events of a stream, by name, for as long as the page is open.

    A stream that ends is no loss: each ends now and then, and the browser comes back by itself. It
    is one where coming back fails too; a browser that then gives up is sent again. */
export function listen(path, handlers) {
  const source = new EventSource(path);
  let breaks = 0;
  source.addEventListener("open", () => { breaks = 0; tell(false); });
  source.addEventListener("error", () => {
    breaks += 1;
    const hasGivenUp = source.readyState === EventSource.CLOSED;
    if (breaks > 1 || hasGivenUp) tell(true);
    if (hasGivenUp) setTimeout(() => listen(path, handlers), AGAIN_MS);
  });
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handle(JSON.parse(event.data), source));
  }
}

function tell(isLost) {
  say(find("#connection"), isLost ? "Connection lost, trying again. What stands here may be old." : "");
  document.body.classList.toggle("lost", isLost);
}
