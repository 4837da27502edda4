// "verify": asks the server to recount the view from the log and says plainly what came out.
import { parseExact, toNumber } from "/assets/exact.js";
import { clock, element, parsePosition, plainJson, whole } from "/assets/format.js";

const POLL_MS = 500;
const MOST_DIFFERENCES = 20;

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

/** A small log is answered at once; a large one with an id to ask by until it is done. */
async function recount(address, signal, onProgress) {
  let answer = await read(await fetch(`${address}/recount`, { method: "POST", signal }));
  while (answer.state === "running") {
    onProgress(toNumber(answer.progress));
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
    answer = await read(await fetch(`/v1/recounts/${answer.id}`, { signal }));
  }

  if (answer.state === "failed") {
    throw new Error(`${answer.code}: ${answer.detail}`);
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
  const events = whole(toNumber(answer.events));
  const parts = [answer.equal
    ? element("p", "verdict-good", `✓ Equal. ${events} events were recounted, and every row agrees.`)
    : element("p", "verdict-bad", `✗ Not equal. ${events} events were recounted, and ${differing(toNumber(answer.different))}.`)];
  if (answer.live_errors !== undefined) {
    parts.push(element("p", "", `The recount leaves out ${whole(toNumber(answer.errors))} events, the live view ${whole(toNumber(answer.live_errors))}.`));
  }

  if (answer.differences.length > 0) {
    parts.push(table(["group", "recounted", "live"], answer.differences.slice(0, MOST_DIFFERENCES)
      .map(({ key, recount, live }) => [plainJson(key), recount === null ? "not there" : plainJson(recount), live === null ? "not there" : plainJson(live)])));
  }

  parts.push(element("p", "explain", `${verdicts(answer.verdicts)} Made at ${clock(Date.now())}, up to this position of ${position.stream}:`), positionTable(position));
  return parts;
}

function differing(rows) {
  return rows === 1 ? "1 row differs" : `${whole(rows)} rows differ`;
}

function verdicts(counts) {
  const words = Object.entries(counts).filter(([, count]) => count > 0n).map(([verdict, count]) => `${whole(toNumber(count))} ${verdict}`);
  return words.length === 0 ? "" : `${words.join(", ")}.`;
}

function positionTable({ partitions, records }) {
  return table(["partition", "offsets recounted"],
    [...partitions.map(([partition, end]) => [String(partition), end === 0 ? "none" : `0 to ${whole(end - 1)}`]),
      ["records, with markers", whole(records)]]);
}

function table(names, lines) {
  const heads = names.map(name => {
    const head = element("th", "", name);
    head.scope = "col";
    return head;
  });
  return element("div", "table", element("table", "",
    element("thead", "", element("tr", "", ...heads)),
    element("tbody", "", ...lines.map(cells => element("tr", "", ...cells.map(text => element("td", "", text)))))));
}
