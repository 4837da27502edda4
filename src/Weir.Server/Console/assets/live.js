// The live results page: one view, followed by its feed, drawn at most once per animation frame.
import { download } from "/assets/csv.js";
import { parseExact, toNumber } from "/assets/exact.js";
import { Feed } from "/assets/feed.js";
import { clock, element, figure, parsePosition, seconds, shortPosition, whole, write } from "/assets/format.js";
import { watchKeys } from "/assets/keys.js";
import { watchRecount } from "/assets/recount.js";
import { Rows } from "/assets/rows.js";
import { Bars, Figures, Table } from "/assets/shapes.js";
import { Summary } from "/assets/summary.js";
import { Total } from "/assets/total.js";

const MOST_ROWS = 50;
const BEHIND_MS = 2_000;
// A frame holds what arrived within the publish interval before it.
const PUBLISH_INTERVAL_MS = 100;
// A view that is not final sends a frame at least this often, also when nothing changes.
const BEAT_MS = 1_000;
const RATE_WINDOW_MS = 2_000;

const name = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const address = `/v1/views/${encodeURIComponent(name)}`;
const at = id => document.getElementById(id);

const rows = new Rows();
const total = new Total(at("total"), at("total-figure"));
const summary = new Summary(at("summary"));
const shapes = { bars: new Bars(), figures: new Figures(), table: new Table() };
const state = {
  connection: "connecting", // live, reconnecting, paused (nobody looks), missing
  frame: {}, // what the newest frame said beside the rows
  updatedAt: 0,
  heardAt: 0, // when the server last gave a sign of life, by the page's own clock
  asked: false, // whether the definitions were asked for
  trouble: null, // why there is nothing to show yet
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
  disconnected(trouble) {
    state.connection = "reconnecting";
    state.trouble = trouble;
    schedule();
  },
  paused() {
    state.connection = "paused";
  },
  missing() {
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

  state.asked = true;
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
    drawNothing(`There is no view named ${name} on this server.`);
  } else if (state.updatedAt === 0) {
    drawNothing(state.trouble ?? "");
  } else if (state.asked) {
    const measure = rows.measure;
    const adds = measure !== null && addsUp(measure, state.sql);
    drawTotal(measure, adds);
    drawBadge();
    drawNotes();
    drawRows(measure, adds);
    drawFooter();
    summary.show(rows, measure, adds, state.frame.final);
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
        write(at("chip-text"), "stopped");
        break;
      }

      if (state.frame.final) {
        chip.dataset.state = "live";
        write(at("chip-text"), "live · up to date");
        break;
      }

      const age = ageMs();
      chip.dataset.state = age > BEHIND_MS ? "behind" : "live";
      write(at("chip-text"), `${age > BEHIND_MS ? "" : "live · "}${seconds(age)} behind · ${whole(rate())} events/s`);
      break;
    }
    case "reconnecting":
      chip.dataset.state = "lost";
      write(at("chip-text"), state.updatedAt === 0 ? "reconnecting" : `reconnecting, last update ${clock(state.updatedAt)}`);
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

/**
 * Whether a sum over the rows means something: counts and sums add up, averages and extremes do not, and neither does a view
 * that leaves rows out.
 */
function addsUp(measure, sql) {
  if (/\b(having|limit)\b/i.test(sql ?? "")) {
    return false;
  }

  const column = measure.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const written = new RegExp(`(\\w+)\\s*\\([^()]*\\)\\s+as\\s+"?${column}"?(?![\\p{L}\\p{N}_])`, "iu").exec(sql ?? "");
  const aggregate = written?.[1] ?? measure;
  return !/^(avg|min|max|first|latest|uniques)(?![a-z0-9])/i.test(aggregate);
}

function drawTotal(measure, adds) {
  const visible = adds && rows.key.length > 0;
  at("total").hidden = !visible;
  if (visible) {
    const sum = rows.sum(measure);
    total.show(sum);
    write(at("total-unit"), measure);
    document.title = `${figure(sum)} ${measure} · ${name}`;
  } else {
    document.title = `${name} · Weir`;
  }
}

function drawBadge() {
  const badge = at("badge");
  badge.hidden = false;
  badge.dataset.state = state.frame.final ? "final" : "provisional";
  write(at("badge"), state.frame.final ? "Final" : "Provisional");
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
    const note = element("li", "", text);
    note.dataset.kind = kind;
    if (kind === "errors") {
      const link = element("a", "", "which ones");
      link.href = `${address}/errors`;
      note.append(" · ", link);
    }

    return note;
  }));
}

function drawRows(measure, adds) {
  const results = at("results");
  if (rows.count === 0) {
    results.replaceChildren(element("p", "empty", state.frame.final ? "Closed without a row." : "Nothing counted yet. The first row will show here by itself."));
    at("more").hidden = true;
    return;
  }

  const bars = measure !== null && (!rows.windowed || rows.key.length === 1);
  const shape = rows.key.length === 0 ? shapes.figures : bars ? shapes.bars : shapes.table;
  if (results.firstChild !== shape.element) {
    results.replaceChildren(shape.element);
  }

  const find = at("find-line").hidden ? "" : at("find").value.trim();
  const { shown, found } = rows.top(MOST_ROWS, find);
  shape.draw(rows, shown, measure, adds);
  at("find-line").hidden = rows.count <= MOST_ROWS && find === "";
  at("more").hidden = found === shown.length && found > 0;
  write(at("more"), found === 0 ? `No row has ${find} in its name.` : `and ${whole(found - shown.length)} more`);
}

/** Instead of rows: why there are none. */
function drawNothing(words) {
  if (at("results").textContent !== words) {
    at("results").replaceChildren(element("p", "empty", words));
  }

  at("csv").hidden = at("verify").hidden = true;
}

function drawFooter() {
  const { position, final } = state.frame;
  at("csv").hidden = at("verify").hidden = false;
  at("position").parentElement.hidden = false;
  at("position").title = position;
  write(at("position"), shortPosition(position));
  const promise = { "exactly-once": "counted exactly once", "at-least-once": "counted at least once", "at-most-once": "counted at most once" };
  write(at("delivery"), state.stream.delivery in promise ? `${promise[state.stream.delivery]} ·` : "");
  at("definition").hidden = state.sql === null;
  write(at("sql"), state.sql ?? "");
  document.body.classList.toggle("final", Boolean(final));
}

// ---- controls

at("find").addEventListener("input", schedule);
watchKeys({
  "/": ["find a row, where there are many", () => at("find").focus()],
  "f": ["full screen, and back", () => at("fullscreen").click()],
  "v": ["verify", () => at("verify").click()],
  "g o": ["go to the overview", () => location.assign("/")],
});

write(at("title"), name);

at("fullscreen").hidden = !document.fullscreenEnabled;
at("fullscreen").addEventListener("click", () =>
  document.fullscreenElement === null ? document.documentElement.requestFullscreen() : document.exitFullscreen());
document.addEventListener("fullscreenchange", () =>
  write(at("fullscreen"), document.fullscreenElement === null ? "Full screen" : "Leave full screen"));

at("csv").addEventListener("click", () => download(name, rows));
watchRecount(at("verify"), at("recount"), address);
