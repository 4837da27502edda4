// The overview: what the node holds and whether it keeps up, asked anew every second. Uses only what anybody can ask for:
//   GET /readyz                 200, or 503 with the reason
//   GET /v1/streams             {"streams":[{"name","phase","delivery","definition","totals":{verdict: count},"partitions":[…]}]}
//   GET /v1/views               {"views":[{"name","stream","sql","state","rows","position","age_ms","final","errors"}]}
import { bytes, clock, element, seconds, shortPosition, whole, write } from "/assets/format.js";
import { watchKeys } from "/assets/keys.js";

const REFRESH_MS = 1_000;
const BEHIND_MS = 2_000;
const HISTORY = 60; // rates kept per stream: the last minute

const at = id => document.getElementById(id);
const streamCards = new Map();
const viewLines = new Map();
const history = new Map(); // stream name → { at, records, rates }
let answeredAt = 0;

async function refresh() {
  try {
    const [ready, streams, views] = await Promise.all([readiness(), json("/v1/streams"), json("/v1/views")]);
    answeredAt = Date.now();
    streams.streams.forEach(measure);
    drawState(ready, streams.streams, views.views);
    drawStreams(streams.streams);
    drawViews(views.views);
    drawUse(streams.streams, views.views);
  } catch {
    say("lost", answeredAt === 0 ? "The server does not answer." : `The server does not answer. Last answer ${clock(answeredAt)}.`);
  }

  setTimeout(refresh, REFRESH_MS);
}

async function readiness() {
  const response = await fetch("/readyz", { cache: "no-store" });
  return { ready: response.ok, text: (await response.text()).trim().replace(/^not ready: /, "") };
}

async function json(path) {
  const response = await fetch(path, { cache: "no-store" });
  if (!response.ok && response.status !== 503) {
    throw new Error(`${path}: ${response.status}`);
  }

  return response.ok ? response.json() : { streams: [], views: [] };
}

/** Rate of a stream from two answers: how far its log ends moved. */
function measure(stream) {
  const now = performance.now();
  const records = stream.partitions.reduce((sum, partition) => sum + partition.log_end, 0);
  const past = history.get(stream.name) ?? { at: now, records, rates: [] };
  if (now > past.at) {
    past.rates.push(Math.max(0, records - past.records) * 1000 / (now - past.at));
    past.rates = past.rates.slice(-HISTORY);
  }

  history.set(stream.name, Object.assign(past, { at: now, records }));
}

// ---- the sentence

function say(kind, sentence) {
  at("state").dataset.state = kind;
  write(at("sentence"), sentence);
}

function drawState(ready, streams, views) {
  const troubles = [];
  for (const stream of streams) {
    for (const partition of stream.partitions.filter(each => each.state !== "serving")) {
      troubles.push(`Stream ${stream.name}, partition ${partition.partition} is ${partition.state}${partition.reason ? `: ${partition.reason}` : ""}`);
    }
  }

  for (const view of views) {
    if (view.state === "stopped") {
      troubles.push(`View ${view.name} stopped${view.stopped ? `: ${view.stopped}` : ""}`);
    }
  }

  const worst = views.filter(view => view.state === "live").reduce((most, view) => Math.max(most, view.age_ms), 0);
  if (!ready.ready) {
    say("warn", `Not ready: ${ready.text}`);
  } else if (troubles.length > 0) {
    say("warn", `${troubles.length === 1 ? "One thing needs" : `${troubles.length} things need`} attention.`);
  } else if (views.length === 0) {
    say("good", "Healthy. No view is defined yet.");
  } else if (worst > BEHIND_MS) {
    say("warn", `Behind: worst view ${seconds(worst)} behind.`);
  } else {
    say("good", `Healthy. Keeping up: worst view ${seconds(worst)} behind.`);
  }

  const list = at("troubles");
  list.hidden = troubles.length === 0;
  if (list.dataset.written !== troubles.join("\n")) {
    list.dataset.written = troubles.join("\n");
    list.replaceChildren(...troubles.map(trouble => element("li", "", trouble)));
  }
}

// ---- streams

function drawStreams(streams) {
  keep(streamCards, streams, at("streams"), makeCard);
  for (const stream of streams) {
    drawCard(streamCards.get(stream.name), stream);
  }

  empty(at("streams"), streams.length === 0, "No stream is defined yet.");
}

function makeCard(name) {
  const figures = ["events/s", "records", "on disk", "owners"].map(label => {
    const value = element("dd");
    return [label, value, element("div", "", element("dt", "", label), value)];
  });
  const card = {
    phase: element("span", "badge"),
    delivery: element("span", "quiet"),
    line: document.createElementNS("http://www.w3.org/2000/svg", "polyline"),
    figures: Object.fromEntries(figures.map(([label, value]) => [label, value])),
    verdicts: element("p", "verdicts"),
    partitions: element("tbody"),
    count: element("summary"),
  };
  const chart = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  chart.setAttribute("viewBox", `0 0 ${HISTORY - 1} 24`);
  chart.setAttribute("preserveAspectRatio", "none");
  chart.setAttribute("aria-hidden", "true");
  chart.classList.add("chart");
  chart.append(card.line);
  card.item = element("article", "card",
    element("header", "", element("h3", "", name), card.phase, card.delivery),
    element("dl", "small-figures", ...figures.map(([, , block]) => block)),
    chart, card.verdicts,
    element("details", "", card.count, element("div", "table", element("table", "",
      element("thead", "", headLine(["partition", "state", "log start", "log end", "on disk", "queued", "owners", "hot key"])), card.partitions))));
  return card;
}

function drawCard(card, stream) {
  const sum = field => stream.partitions.reduce((total, partition) => total + (partition[field] ?? 0), 0);
  const { rates } = history.get(stream.name);
  card.phase.dataset.state = stream.phase;
  write(card.phase, stream.reopened ? `${stream.phase}, reopened` : stream.phase);
  write(card.delivery, stream.delivery ?? "");
  write(card.figures["events/s"], whole(rates.at(-1) ?? 0));
  write(card.figures.records, whole(sum("log_end") - sum("log_start")));
  write(card.figures["on disk"], bytes(sum("log_bytes")));
  write(card.figures.owners, whole(sum("owners")));
  write(card.verdicts, Object.entries(stream.totals).filter(([, count]) => count > 0)
    .map(([verdict, count]) => `${verdict}\u00a0${whole(count)}`).join(" · ") || "no verdicts yet");

  const highest = Math.max(...rates, 1);
  card.line.setAttribute("points", rates.map((rate, index) =>
    `${HISTORY - rates.length + index},${(23 - rate / highest * 21).toFixed(2)}`).join(" "));

  const states = stream.partitions.map(partition => partition.state);
  const odd = states.filter(state => state !== "serving").length;
  write(card.count, `${states.length} ${states.length === 1 ? "partition" : "partitions"}${odd === 0 ? ", all serving" : `, ${odd} not serving`}`);
  drawLines(card.partitions, stream.partitions.map(partition => [
    String(partition.partition), partition.state, whole(partition.log_start), whole(partition.log_end), bytes(partition.log_bytes),
    bytes(partition.queued_bytes ?? 0), whole(partition.owners ?? 0), partition.hot_key ?? "–",
  ]), column => column > 1 && column < 7);
}

// ---- views

function drawViews(views) {
  empty(at("views"), views.length === 0, "No view is defined yet.");
  if (views.length === 0) {
    return;
  }

  if (!at("view-lines")) {
    const body = element("tbody");
    body.id = "view-lines";
    at("views").append(element("div", "table", element("table", "",
      element("thead", "", headLine(["view", "rows", "standing", "behind", "left out", "position", ""])), body)));
  }

  keep(viewLines, views, at("view-lines"), makeViewLine);
  for (const view of views) {
    const line = viewLines.get(view.name);
    write(line.rows, whole(view.rows ?? 0));
    const standing = view.state !== "live" ? view.state : view.final ? "final" : "provisional";
    line.standing.dataset.state = standing;
    write(line.standing, standing === "building" ? `building ${Math.round((view.progress ?? 0) * 100)} %` : standing);
    write(line.age, view.state === "live" ? seconds(view.age_ms) : "–");
    write(line.errors, whole(view.errors ?? 0));
    write(line.position, view.position ? shortPosition(view.position) : "–");
    line.name.title = view.sql;
  }
}

function makeViewLine(name) {
  const path = encodeURIComponent(name);
  const line = {
    name: link(`/live/${path}`, name),
    rows: element("td", "number"),
    standing: element("span", "badge"),
    age: element("td", "number"),
    errors: element("td", "number"),
    position: element("code"),
  };
  const json = link(`/v1/views/${path}`, "JSON");
  json.ariaLabel = `${name} as JSON`;
  const head = element("th", "", line.name);
  head.scope = "row";
  line.item = element("tr", "", head, line.rows, element("td", "", line.standing), line.age, line.errors,
    element("td", "", line.position), element("td", "", json));
  return line;
}

// ---- how to send and read

function drawUse(streams, views) {
  const view = views[0];
  const stream = streams.find(each => each.name === view?.stream) ?? streams[0];
  const box = at("use");
  const shown = `${stream?.name}\n${view?.name}`;
  if (box.dataset.shown === shown) {
    return;
  }

  box.dataset.shown = shown;
  const lines = [];
  if (stream !== undefined) {
    const events = `${location.origin}/v1/streams/${stream.name}/events`;
    lines.push(
      ["Send one event. Send it again: the answer says duplicate, and nothing moves.", `curl -d '${sampleEvent(stream, view)}' ${events}`],
      ["Send many, one to a line. Bad lines are named in the answer, the good ones are taken.", `curl -H 'content-type: application/x-ndjson' --data-binary @events.ndjson ${events}`]);
  }

  if (view !== undefined) {
    const address = `${location.origin}/v1/views/${view.name}`;
    lines.push(
      ["Read the rows.", `curl ${address}`],
      ["Follow them: a snapshot, then what changes.", `curl -N ${address}/live`],
      ["Count again from the log and compare.", `curl -X POST ${address}/recount`]);
  }

  box.replaceChildren(...lines.map(([words, command]) => {
    const parts = [element("p", "", words), element("pre", "", element("code", "", command))];
    if (navigator.clipboard) {
      const copy = element("button", "copy", "Copy");
      copy.type = "button";
      copy.ariaLabel = `Copy: ${words}`;
      copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(command);
        copy.textContent = "Copied";
        setTimeout(() => { copy.textContent = "Copy"; }, 1_500);
      });
      parts.push(copy);
    }

    return element("div", "command", ...parts);
  }));
}

/** An event that the stream takes: its id, its key, and the columns that the view groups by or adds up. */
function sampleEvent(stream, view) {
  const { definition } = stream;
  const event = {};
  const names = [definition.id, ...(definition.key ?? []), ...grouped(view), ...summed(view)].filter(Boolean);
  for (const path of new Set(names)) {
    const steps = path.split(".");
    let place = event;
    for (const step of steps.slice(0, -1)) {
      place = place[step] ??= {};
    }

    place[steps.at(-1)] ??= path === definition.id ? "e-1" : summed(view).includes(path) ? 1 : `some-${steps.at(-1)}`;
  }

  return JSON.stringify(event);
}

const NAME = /^[\p{L}_][\p{L}\p{N}_.]*$/u;

function grouped(view) {
  const list = /\bgroup\s+by\s+(.+?)(?:\s+having\b|\s+order\b|\s+limit\b|$)/isu.exec(view?.sql ?? "")?.[1] ?? "";
  return list.split(",").map(part => part.trim()).filter(part => NAME.test(part) && !part.startsWith("_"));
}

function summed(view) {
  return [...(view?.sql ?? "").matchAll(/\b(?:sum|avg|min|max)\s*\(\s*([^()]+?)\s*\)/gi)].map(([, path]) => path).filter(path => NAME.test(path));
}

// ---- elements that stay

/** Makes what is new, removes what is gone, in the order of the answer. Elements stay, so that focus and open details do too. */
function keep(made, answers, parent, make) {
  const names = answers.map(each => each.name);
  for (const [name, { item }] of made) {
    if (!names.includes(name)) {
      item.remove();
      made.delete(name);
    }
  }

  for (const name of names) {
    if (!made.has(name)) {
      made.set(name, make(name));
      parent.append(made.get(name).item);
    }
  }
}

function drawLines(body, lines, isNumber) {
  while (body.rows.length > lines.length) {
    body.lastChild.remove();
  }

  lines.forEach((cells, index) => {
    const line = body.rows[index] ?? body.appendChild(element("tr"));
    cells.forEach((text, column) => {
      const target = line.cells[column] ?? line.appendChild(element("td", isNumber(column) ? "number" : ""));
      write(target, text);
    });
  });
}

function empty(parent, isEmpty, words) {
  const note = parent.querySelector(":scope > .empty");
  if (isEmpty && note === null) {
    parent.replaceChildren(element("p", "empty", words));
    viewLines.clear();
  } else if (!isEmpty) {
    note?.remove();
  }
}

const NUMBERS = ["rows", "behind", "left out", "log start", "log end", "on disk", "queued", "owners"];

function headLine(names) {
  return element("tr", "", ...names.map(name => {
    const head = element(name === "" ? "td" : "th", NUMBERS.includes(name) ? "number" : "", name);
    if (name !== "") {
      head.scope = "col";
    }

    return head;
  }));
}

function link(address, text) {
  const made = element("a", "", text);
  made.href = address;
  return made;
}

watchKeys({
  "g o": ["go to the overview", () => location.assign("/")],
  "g l": ["go to the first view's live page", () => at("view-lines")?.querySelector("a").click()],
});
refresh();
