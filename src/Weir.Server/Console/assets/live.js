// The live results page: one view, followed by its feed, drawn at most once per animation frame.
import { parseExact, toNumber, toText } from "/assets/exact.js";
import { Feed } from "/assets/feed.js";
import { cell, clock, figure, parsePosition, percent, seconds, shortPosition, whole } from "/assets/format.js";
import { watchRecount } from "/assets/recount.js";
import { Rows } from "/assets/rows.js";
import { Bars, Figures, MOST_ROWS, Table } from "/assets/shapes.js";

const BEHIND_MS = 2_000;
// A frame holds what arrived within the publish interval before it.
const PUBLISH_INTERVAL_MS = 100;
// A view that is not final sends a frame at least this often, also when nothing changes.
const BEAT_MS = 1_000;
const RATE_WINDOW_MS = 2_000;
const SUMMARY_INTERVAL_MS = 8_000;
const TICK_MS = 250;

const name = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const address = `/v1/views/${encodeURIComponent(name)}`;
const at = id => document.getElementById(id);
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

const rows = new Rows();
const shapes = { bars: new Bars(), figures: new Figures(), table: new Table() };
const state = {
  connection: "connecting", // live, reconnecting, paused (nobody looks), missing
  frame: {}, // what the newest frame said beside the rows
  drawn: false,
  updatedAt: 0,
  heardAt: 0, // when the server last gave a sign of life, by the page's own clock
  sql: null,
  stream: {},
  positions: [], // { at, records } of the last two seconds
};

// ---- the feed

new Feed(`${address}/live`, {
  connected() {
    state.positions = [];
    state.heardAt = performance.now();
    state.connection = "live";
    schedule();
  },
  disconnected() {
    state.connection = "reconnecting";
    schedule();
  },
  paused() {
    state.connection = "paused";
  },
  refused() {
    state.connection = "missing";
    schedule();
  },
  frame(event, data) {
    if (event !== "snapshot" && event !== "delta") {
      return; // bye: the stream ends next, which says the same
    }

    const frame = parseExact(data);
    if (event === "snapshot") {
      rows.snapshot(frame);
    } else {
      rows.delta(frame);
    }

    const { stream, records } = parsePosition(frame.position);
    if (event === "snapshot" || frame.final !== state.frame.final) {
      loadDefinitions(stream);
    }

    state.frame = { position: frame.position, final: frame.final, errors: frame.errors, stopped: frame.stopped };
    state.updatedAt = Date.now();
    state.heardAt = performance.now();
    state.positions.push({ at: performance.now(), records });
    schedule();
  },
}).run();

/** The view's SQL, and what the stream promises and whether it was reopened: what the frames do not carry. The page works without them. */
async function loadDefinitions(stream) {
  try {
    const [{ views }, { streams }] = await Promise.all(["/v1/views", "/v1/streams"].map(async path => (await fetch(path)).json()));
    state.sql = views.find(view => view.name === name)?.sql ?? null;
    state.stream = streams.find(each => each.name === stream) ?? {};
  } catch {
    // The server went away meanwhile; the snapshot after reconnecting asks again.
  }

  schedule();
}

// ---- drawing

let scheduled = false;
function schedule() {
  if (!scheduled) {
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      draw();
    });
  }
}

// Age and rate change without frames as well.
setInterval(schedule, 500);

function draw() {
  drawChip();
  if (state.connection === "missing") {
    show("title", name);
    drawMissing();
    return;
  }

  if (state.updatedAt === 0) {
    return;
  }

  const measure = rows.measure;
  const adds = measure !== null && addsUp(measure, state.sql);
  drawTotal(measure, adds);
  drawBadge();
  drawNotes();
  drawRows(measure, adds);
  drawFooter();
  summarise(measure, adds);
}

function show(id, text) {
  const target = at(id);
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

function drawChip() {
  const chip = at("chip");
  switch (state.connection) {
    case "live": {
      if (state.updatedAt === 0) {
        break;
      }

      if (state.frame.stopped) {
        chip.dataset.state = "behind";
        show("chip-text", "stopped");
        break;
      }

      if (state.frame.final) {
        chip.dataset.state = "live";
        show("chip-text", "live · up to date");
        break;
      }

      const age = ageMs();
      chip.dataset.state = age > BEHIND_MS ? "behind" : "live";
      show("chip-text", `${age > BEHIND_MS ? "" : "live · "}${seconds(age)} behind · ${whole(rate())} events/s`);
      break;
    }
    case "reconnecting":
      chip.dataset.state = "lost";
      show("chip-text", state.updatedAt === 0 ? "reconnecting" : `reconnecting, last update ${clock(state.updatedAt)}`);
      break;
    case "missing":
      chip.hidden = true;
      break;
  }
}

/** How old the rows may be: a frame is as old as the publish interval, and one that is due and did not come makes them older. */
function ageMs() {
  return PUBLISH_INTERVAL_MS + Math.max(0, performance.now() - state.heardAt - BEAT_MS);
}

/** Events per second, from how far the position moved within the last two seconds. */
function rate() {
  const now = performance.now();
  while (state.positions.length > 1 && state.positions[1].at < now - RATE_WINDOW_MS) {
    state.positions.shift();
  }

  const first = state.positions[0];
  const last = state.positions.at(-1);
  return first === undefined || now - first.at < 200 ? 0 : (last.records - first.records) * 1000 / (now - first.at);
}

/** Whether a sum over all rows means something: counts and sums add up, averages and extremes do not. */
function addsUp(measure, sql) {
  const column = measure.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const written = new RegExp(`(\\w+)\\s*\\([^()]*\\)\\s+as\\s+"?${column}"?(?![\\p{L}\\p{N}_])`, "iu").exec(sql ?? "");
  const aggregate = written?.[1] ?? measure;
  return !/^(avg|min|max|first|latest|uniques)(?![a-z0-9])/i.test(aggregate);
}

let ticker = 0;
let ticking = { from: 0, to: 0n, started: 0 };

function drawTotal(measure, adds) {
  const visible = adds && rows.key.length > 0;
  at("total").hidden = !visible;
  if (!visible) {
    document.title = `${name} · Weir`;
    return;
  }

  const total = rows.sum(measure);
  show("total-unit", measure);
  if (total !== ticking.to || !state.drawn) {
    ticking = { from: state.drawn ? tickedValue() : toNumber(total), to: total, started: performance.now() };
    at("total").style.setProperty("--digits", Math.max(6, figure(total).length));
    cancelAnimationFrame(ticker);
    tick();
    document.title = `${figure(total)} ${measure} · ${name}`;
  }

  state.drawn = true;
}

function tickedValue() {
  const progress = Math.min(1, (performance.now() - ticking.started) / TICK_MS);
  return ticking.from + (toNumber(ticking.to) - ticking.from) * progress;
}

/** The total runs up to the new value within a quarter of a second and ends on exactly that. */
function tick() {
  if (reducedMotion.matches || document.hidden || performance.now() - ticking.started >= TICK_MS) {
    show("total-figure", figure(ticking.to));
    return;
  }

  show("total-figure", whole(tickedValue()));
  ticker = requestAnimationFrame(tick);
}

function drawBadge() {
  const badge = at("badge");
  badge.hidden = false;
  badge.dataset.state = state.frame.final ? "final" : "provisional";
  show("badge", state.frame.final ? "Final" : "Provisional");
}

function drawNotes() {
  const errors = toNumber(state.frame.errors ?? 0n);
  const notes = [];
  if (state.frame.stopped) {
    notes.push(["stopped", `Stopped at this position: ${state.frame.stopped}`]);
  }

  if (state.stream.reopened) {
    notes.push(["reopened", "Reopened after it had been final"]);
  }

  if (errors > 0) {
    notes.push(["errors", `${whole(errors)} ${errors === 1 ? "event" : "events"} could not be evaluated and ${errors === 1 ? "is" : "are"} left out`]);
  }

  const list = at("notes");
  const written = notes.map(([, text]) => text).join("\n");
  if (list.dataset.written === written) {
    return;
  }

  list.dataset.written = written;
  list.hidden = notes.length === 0;
  list.replaceChildren(...notes.map(([kind, text]) => {
    const note = document.createElement("li");
    note.dataset.kind = kind;
    note.append(text);
    if (kind === "errors") {
      const link = document.createElement("a");
      link.href = `${address}/errors`;
      link.textContent = "which ones";
      note.append(" · ", link);
    }

    return note;
  }));
}

function drawRows(measure, adds) {
  const results = at("results");
  if (rows.count === 0) {
    results.replaceChildren(Object.assign(document.createElement("p"), {
      className: "empty", textContent: state.frame.final ? "Closed without a row." : "Nothing counted yet. The first row will show here by itself.",
    }));
    at("more").hidden = true;
    return;
  }

  const shape = rows.key.length === 0 ? shapes.figures : measure === null || rows.windowed ? shapes.table : shapes.bars;
  if (results.firstChild !== shape.element) {
    results.replaceChildren(shape.element);
  }

  shape.draw(rows, measure, adds);
  at("more").hidden = rows.count <= MOST_ROWS;
  show("more", `and ${whole(rows.count - MOST_ROWS)} more`);
}

function drawMissing() {
  at("results").replaceChildren(Object.assign(document.createElement("p"), {
    className: "empty", textContent: `There is no view named ${name} on this server.`,
  }));
  at("csv").hidden = true;
  at("verify").hidden = true;
  document.title = `No such view · Weir`;
}

function drawFooter() {
  const { position, final } = state.frame;
  at("position").parentElement.hidden = false;
  at("position").title = position;
  show("position", shortPosition(position));
  const promise = { "exactly-once": "counted exactly once", "at-least-once": "counted at least once", "at-most-once": "counted at most once" };
  show("delivery", state.stream.delivery in promise ? `${promise[state.stream.delivery]} ·` : "");
  at("definition").hidden = state.sql === null;
  show("sql", state.sql ?? "");
  document.body.classList.toggle("final", Boolean(final));
}

/** One sentence for those who listen instead of look, at most every few seconds and only when it has changed. */
let summarisedAt = -SUMMARY_INTERVAL_MS;
function summarise(measure, adds) {
  const now = performance.now();
  const finished = state.frame.final && at("summary").dataset.final !== "true";
  if (now - summarisedAt < SUMMARY_INTERVAL_MS && !finished) {
    return;
  }

  summarisedAt = now;
  at("summary").dataset.final = String(Boolean(state.frame.final));
  const standing = state.frame.final ? "Final. " : "";
  if (rows.key.length === 0 || rows.windowed || measure === null) {
    show("summary", `${standing}${rows.key.length > 0 ? `${rows.count} rows.` : rows.values.map(column => `${column}: ${cell(rows.all[0]?.[column])}`).join(", ")}`);
    return;
  }

  const [leader] = rows.top(1);
  if (leader === undefined) {
    return;
  }

  const label = rows.key.map(column => cell(leader[column])).join(", ");
  const total = rows.sum(measure);
  show("summary", adds && total > 0n
    ? `${standing}${label} leads with ${toText(leader[measure] ?? 0n)} of ${toText(total)} ${measure}, ${percent(toNumber(leader[measure] ?? 0n) / toNumber(total))}.`
    : `${standing}${label} leads with ${measure} ${cell(leader[measure])}.`);
}

// ---- controls

show("title", name);

at("fullscreen").hidden = !document.fullscreenEnabled;
at("fullscreen").addEventListener("click", () =>
  document.fullscreenElement === null ? document.documentElement.requestFullscreen() : document.exitFullscreen());
document.addEventListener("fullscreenchange", () =>
  show("fullscreen", document.fullscreenElement === null ? "Full screen" : "Leave full screen"));

at("csv").addEventListener("click", () => {
  const columns = rows.columns;
  const lines = [columns, ...rows.top(rows.count).map(row => columns.map(column => row[column]))].map(line => line.map(csvField).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
});

function csvField(value) {
  const text = typeof value === "bigint" ? toText(value) : value === null || value === undefined ? "" : cell(value);
  // A leading =, +, - or @ would run as a formula in a spreadsheet; numbers are safe and stay numbers.
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll("\"", "\"\"")}"` : safe;
}

watchRecount(at("verify"), at("recount"), address);
