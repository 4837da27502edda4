// "verify": asks the server to recount the view from the log and says plainly what came out.
import { parseExact, toNumber } from "/assets/exact.js";
import { clock, element, parsePosition, plainJson, whole } from "/assets/format.js";

const POLL_MS = 500;

export function watchRecount(button, dialog, address) {
  const result = dialog.querySelector("#recount-result");
  let running = null;

  button.addEventListener("click", async () => {
    dialog.showModal();
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    result.replaceChildren(element("p", "", "Recounting…"), element("progress"));
    try {
      const answer = await recount(address, signal, progress => {
        result.querySelector("progress").value = progress;
      });
      result.replaceChildren(...describe(answer));
    } catch (failure) {
      if (!signal.aborted) {
        result.replaceChildren(element("p", "verdict-bad", `The recount could not be made: ${failure.message}`));
      }
    }
  });

  // The recount itself goes on at the server; only its display ends.
  dialog.addEventListener("close", () => running?.abort());
}

/** A small log is answered at once; a large one with 202 and a place to ask. */
async function recount(address, signal, onProgress) {
  let response = await fetch(`${address}/recount`, { method: "POST", signal });
  let answer = await read(response);
  const place = response.headers.get("location") ?? (answer.id === undefined ? null : `/v1/recounts/${answer.id}`);
  while (answer.equal === undefined && place !== null) {
    onProgress(toNumber(answer.progress ?? 0n));
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
    response = await fetch(place, { signal });
    answer = await read(response);
    if (answer.state === "failed") {
      throw new Error(answer.detail ?? "the recount failed");
    }
  }

  return answer;
}

async function read(response) {
  const answer = parseExact(await response.text());
  if (!response.ok) {
    throw new Error([answer.code, answer.detail ?? answer.title].filter(Boolean).join(": ") || `HTTP ${response.status}`);
  }

  return answer;
}

function describe(answer) {
  const position = parsePosition(answer.position);
  const events = whole(toNumber(answer.events ?? 0n));
  const sentence = answer.equal
    ? element("p", "verdict-good", `✓ Equal. ${events} events were recounted, and every row agrees.`)
    : element("p", "verdict-bad", `✗ Not equal. ${events} events were recounted, and ${answer.differences.length === 1 ? "1 row differs" : `${answer.differences.length} rows differ`}.`);
  const parts = [sentence];
  if (answer.complete === false) {
    parts.push(element("p", "", `The log begins at ${answer.since}; what was before is taken as it was kept.`));
  }

  for (const difference of (answer.differences ?? []).slice(0, 20)) {
    parts.push(element("pre", "", plainJson(difference)));
  }

  parts.push(element("p", "explain", `At ${clock(Date.now())}, up to this position of ${position.stream}:`), positionTable(position));
  return parts;
}

function positionTable({ partitions, records }) {
  const line = (name, ...cells) => {
    const made = element("tr", "", ...cells.map((text, index) => element(name, index === 0 ? "" : "number", text)));
    if (name === "th") {
      [...made.cells].forEach(head => { head.scope = "col"; });
    }

    return made;
  };
  return element("div", "table", element("table", "",
    element("thead", "", line("th", "partition", "offsets recounted")),
    element("tbody", "", ...partitions.map(([partition, end]) => line("td", String(partition), `0 to ${whole(Math.max(0, end - 1))}`))),
    element("tfoot", "", line("td", "records, with markers", whole(records)))));
}
