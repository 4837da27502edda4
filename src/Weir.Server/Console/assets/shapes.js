// The three ways a view is drawn: bars (groups with a figure), big figures (no groups), a table (everything else). A window's
// end follows from its start and is left out.
// Each keeps its elements between frames, so that bars move instead of being redrawn.
import { fractionDigits, toNumber } from "/assets/exact.js";
import { cell, element, figure, label, percent, write } from "/assets/format.js";

const COLOURS = 12;
// A choice that is called blue is not drawn in orange: places in the palette by name.
const NAMED_COLOURS = {
  blue: 0, azure: 0, orange: 1, coral: 1, green: 2, emerald: 2, purple: 3, violet: 3, lilac: 3, pink: 4, magenta: 4, teal: 5, cyan: 5, turquoise: 5,
  yellow: 6, amber: 6, gold: 6, ochre: 6, indigo: 7, lime: 8, olive: 8, jade: 8, red: 9, ruby: 9, plum: 10, mauve: 10, grey: 11, gray: 11, silver: 11, black: 11,
};
const MOVE_MS = 450;

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

function digitsOf(rows, column) {
  return rows.reduce((most, row) => typeof row[column] === "bigint" ? Math.max(most, fractionDigits(row[column])) : most, 0);
}

/** Bars by rank. A bar keeps its colour when ranks change. */
export class Bars {
  element = element("ol", "bars");
  #bars = new Map();
  #colours = new Map();

  constructor() {
    this.element.role = "list"; // Safari takes a list without bullets for no list
  }

  /** @param listed rows with their ranks */
  draw(rows, listed, measure, shares) {
    const shown = listed.map(({ row }) => row);
    const total = toNumber(rows.sum(measure));
    const longest = Math.max(...shown.map(row => toNumber(row[measure] ?? 0n)), 0);
    const digits = digitsOf(shown, measure);
    const others = rows.values.filter(column => column !== measure && column !== "window_end");
    this.#assignColours(shown.map(row => rows.keyOf(row)));

    const before = this.#tops();
    const order = listed.map(({ row, rank }) => {
      const key = rows.keyOf(row);
      const bar = this.#bars.get(key) ?? this.#make(key);
      const value = toNumber(row[measure] ?? 0n);
      write(bar.rank, String(rank));
      write(bar.label, rows.key.map(column => label(row[column])).join(" · "));
      write(bar.aside, others.map(column => `${column} ${cell(row[column])}`).join(" · "));
      write(bar.count, figure(row[measure], digits));
      write(bar.share, shares && total > 0 ? percent(value / total) : "");
      bar.item.style.setProperty("--length", longest > 0 && value > 0 ? `${value / longest * 100}%` : "0%");
      return bar.item;
    });

    this.element.classList.toggle("few", order.length <= 8);
    this.element.classList.toggle("no-share", !shares);
    this.element.classList.toggle("windows", rows.windowed);
    this.#place(order, before);
  }

  #make(key) {
    const bar = {
      rank: element("span", "rank"),
      label: element("span", "label"),
      aside: element("span", "aside"),
      count: element("span", "count"),
      share: element("span", "share"),
    };
    bar.rank.ariaHidden = "true";
    const track = element("span", "track", element("span", "fill"));
    bar.item = element("li", "bar", bar.rank, element("span", "name", bar.label, bar.aside), track, bar.count, bar.share);
    bar.item.style.setProperty("--colour", `var(--series-${this.#colours.get(key)})`);
    this.#bars.set(key, bar);
    return bar;
  }

  /** A colour depends on the keys alone where it can: two people who look at the same page see the same colours. */
  #assignColours(keys) {
    const wanting = keys.filter(key => !this.#colours.has(key)).sort();
    const taken = new Set(this.#colours.values());
    const give = (key, colour) => {
      this.#colours.set(key, colour);
      taken.add(colour);
    };

    for (const key of wanting) {
      const named = NAMED_COLOURS[key.slice(2, -2).toLowerCase()]; // of ["Blue"]
      if (named !== undefined && !taken.has(named)) {
        give(key, named);
      }
    }

    for (const key of wanting.filter(key => !this.#colours.has(key))) {
      let colour = hash(key) % COLOURS;
      while (taken.size < COLOURS && taken.has(colour)) {
        colour = (colour + 1) % COLOURS;
      }

      give(key, colour);
    }
  }

  #tops() {
    return new Map([...this.element.children].map(item => [item, item.getBoundingClientRect().top]));
  }

  /** Puts the items in the order of rank, which is also the order of reading, and lets those that moved glide there. */
  #place(order, before) {
    const current = [...this.element.children];
    if (current.length === order.length && order.every((item, index) => item === current[index])) {
      return;
    }

    for (const [key, bar] of this.#bars) {
      if (!order.includes(bar.item)) {
        bar.item.remove();
        this.#bars.delete(key);
        this.#colours.delete(key);
      }
    }

    order.forEach((item, index) => {
      if (this.element.children[index] !== item) {
        this.element.insertBefore(item, this.element.children[index] ?? null);
      }
    });

    if (reducedMotion.matches) {
      return;
    }

    // All tops are read before the first animation starts: one layout, not one per bar.
    const moves = order.filter(item => before.has(item))
      .map(item => {
        item.getAnimations().filter(animation => animation.id === "move").forEach(animation => animation.cancel());
        return [item, before.get(item) - item.getBoundingClientRect().top];
      });
    for (const [item, distance] of moves) {
      if (Math.abs(distance) >= 1) {
        item.animate([{ transform: `translateY(${distance}px)` }, { transform: "none" }],
          { id: "move", duration: MOVE_MS, easing: "cubic-bezier(.2,.8,.2,1)" });
      }
    }
  }
}

/** A view without groups: each column a figure. */
export class Figures {
  element = element("dl", "figures");
  #values = new Map();

  draw(rows) {
    const row = rows.all[0] ?? {};
    for (const column of rows.values) {
      if (!this.#values.has(column)) {
        const value = element("dd");
        this.#values.set(column, value);
        this.element.append(element("div", "", element("dt", "", column), value));
      }

      const value = this.#values.get(column);
      write(value, cell(row[column]));
      value.style.setProperty("--digits", Math.max(6, value.textContent.length));
    }
  }
}

/** Everything else: a plain table. */
export class Table {
  #head = element("tr");
  #body = element("tbody");
  #columns = "";
  element = element("div", "table", element("table", "", element("thead", "", this.#head), this.#body));

  constructor() {
    // A wide table scrolls sideways inside its frame, which the keyboard must reach.
    this.element.tabIndex = 0;
    this.element.role = "region";
    this.element.ariaLabel = "Rows";
  }

  draw(rows, listed) {
    const shown = listed.map(({ row }) => row);
    const columns = rows.columns.filter(column => column !== "window_end" || !rows.columns.includes("window_start"));
    const digits = columns.map(column => digitsOf(shown, column));
    this.#drawHead(columns, columns.map(column => !rows.key.includes(column) && shown.every(row => typeof row[column] !== "string")));

    while (this.#body.rows.length > shown.length) {
      this.#body.lastChild.remove();
    }

    shown.forEach((row, index) => {
      const line = this.#body.rows[index] ?? this.#body.appendChild(element("tr"));
      columns.forEach((column, place) => {
        const value = row[column];
        const number = typeof value === "bigint" && !rows.key.includes(column);
        const target = line.cells[place] ?? line.insertCell();
        write(target, number ? figure(value, digits[place]) : label(value));
        target.className = number ? "number" : "";
      });
    });
  }

  #drawHead(columns, numbers) {
    const names = columns.join("\n");
    if (this.#columns === names) {
      return;
    }

    this.#columns = names;
    this.#body.replaceChildren();
    this.#head.replaceChildren(...columns.map((column, place) => {
      const head = element("th", numbers[place] ? "number" : "", column);
      head.scope = "col";
      return head;
    }));
  }
}

/** FNV-1a, 32 bits. */
function hash(text) {
  let state = 0x811c9dc5;
  for (const character of text) {
    state = Math.imul(state ^ character.codePointAt(0), 0x01000193) >>> 0;
  }

  return state;
}
