// The page's copy of a view's rows: built from a snapshot, kept up to date by deltas of whole rows, and asked what to show.
import { label, plainJson } from "/assets/format.js";

const WINDOW_COLUMNS = ["window_start", "window_end"];

export class Rows {
  #byKey = new Map();
  #key = [];
  #columns = [];
  #order = [];

  /** Names of the columns that make up a group's key; empty for a view without groups. */
  get key() { return this.#key; }

  /** Names of all columns, in the view's order. */
  get columns() { return this.#columns; }

  /** Names of the columns that are not part of the key. */
  get values() { return this.#columns.filter(column => !this.#key.includes(column)); }

  get count() { return this.#byKey.size; }

  get all() { return [...this.#byKey.values()]; }

  /** Whether rows belong to windows of time. */
  get windowed() { return this.#key.some(column => WINDOW_COLUMNS.includes(column)); }

  /** Starts anew from a snapshot frame: columns, the names of the key's columns, the view's own order (`-votes,choice`), rows. */
  snapshot({ columns, key, order, rows }) {
    this.#byKey.clear();
    this.#columns = columns;
    this.#key = key;
    this.#order = (order ?? "").split(",").map(part => ({ column: part.replace(/^-/, ""), descending: part.startsWith("-") }))
      .filter(({ column }) => columns.includes(column));
    this.#put(rows);
  }

  /** Changed rows are whole and absolute, so applying a delta twice is harmless. Removed are keys, as lists of values. */
  delta({ rows, removed }) {
    removed.forEach(key => this.#byKey.delete(plainJson(key)));
    this.#put(rows);
  }

  keyOf(row) {
    return plainJson(this.#key.map(column => row[column]));
  }

  /**
   * The column that bars are drawn for: of the numeric ones, neither part of the key nor a window's end, the one that the view
   * orders by, else the last; null if there is none.
   */
  get measure() {
    const numeric = this.values.filter(column => !WINDOW_COLUMNS.includes(column) && this.#isNumeric(column));
    return this.#order.map(({ column }) => column).find(column => numeric.includes(column)) ?? numeric.at(-1) ?? null;
  }

  /** Sum of a column over all rows, exact. */
  sum(column) {
    let sum = 0n;
    for (const row of this.#byKey.values()) {
      sum += row[column] ?? 0n;
    }

    return sum;
  }

  /**
   * The first `limit` rows whose key contains the text `find` (any case; "" is in all), in the order that the view has, else
   * newest window first, then greatest measure. Ties are in the key's order, so that they do not dance.
   * @returns rows with their rank among all rows, from 1, and how many there are to be found
   */
  top(limit, find = "") {
    const orders = this.#order.length > 0 ? this.#order
      : [...WINDOW_COLUMNS.filter(column => this.#columns.includes(column)), this.measure].filter(Boolean)
        .map(column => ({ column, descending: true }));
    const wanted = find.toLowerCase();
    const found = [...this.#byKey].sort(([keyA, a], [keyB, b]) => {
      for (const { column, descending } of orders) {
        const order = compare(a[column], b[column], descending);
        if (order !== 0) {
          return order;
        }
      }

      return keyA < keyB ? -1 : 1;
    }).map(([, row], index) => ({ row, rank: index + 1 }))
      .filter(({ row }) => wanted === "" || this.#key.some(column => label(row[column]).toLowerCase().includes(wanted)));
    return { found: found.length, shown: found.slice(0, limit) };
  }

  #put(rows) {
    for (const row of rows) {
      this.#byKey.set(this.keyOf(row), row);
    }
  }

  #isNumeric(column) {
    let some = false;
    for (const row of this.#byKey.values()) {
      const value = row[column];
      if (typeof value === "bigint") {
        some = true;
      } else if (value !== null) {
        return false;
      }
    }

    return some;
  }
}

/** Order of two values of one column; null comes last in both directions, as in the view. */
function compare(a, b, descending) {
  if (a === b) {
    return 0;
  }

  if (a === null || b === null) {
    return a === null ? 1 : -1;
  }

  return (a < b ? -1 : 1) * (descending ? -1 : 1);
}
