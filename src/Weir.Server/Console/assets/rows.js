// The page's copy of a view's rows: built from a snapshot, kept up to date by deltas of whole rows, and asked what to show.
import { plainJson } from "/assets/format.js";
import { parseExact } from "/assets/exact.js";

const WINDOW_COLUMNS = ["window_start", "window_end"];

export class Rows {
  #byKey = new Map();
  #key = null;
  #columns = [];

  /** Names of the columns that make up a group's key; empty for a view without groups. */
  get key() { return this.#key ?? []; }

  /** Names of all columns, in the view's order. */
  get columns() { return this.#columns; }

  /** Names of the other columns, in the view's order. */
  get values() { return this.#columns.filter(column => !this.key.includes(column)); }

  get count() { return this.#byKey.size; }

  get all() { return [...this.#byKey.values()]; }

  snapshot(rows, key) {
    this.#byKey.clear();
    this.#columns = Object.keys(rows[0] ?? {});
    this.#key = key ?? guessKey(rows, this.#columns);
    this.#put(rows);
  }

  /** Changed rows are whole and absolute, so applying a delta twice is harmless. */
  delta(rows, removed) {
    if (this.#columns.length === 0 && rows.length > 0) {
      this.#columns = Object.keys(rows[0]);
      this.#key ??= guessKey(rows, this.#columns);
    }

    for (const key of removed) {
      this.#byKey.delete(plainJson(typeof key === "string" ? parseExact(key) : key));
    }

    this.#put(rows);
  }

  keyOf(row) {
    return plainJson(this.key.map(column => row[column]));
  }

  /** The column that bars are drawn for: the last numeric one that is not part of the key; null if there is none. */
  get measure() {
    return this.values.findLast(column => !WINDOW_COLUMNS.includes(column) && this.#isNumeric(column)) ?? null;
  }

  /** Sum of a column over all rows, exact. */
  sum(column) {
    let sum = 0n;
    for (const row of this.#byKey.values()) {
      sum += row[column] ?? 0n;
    }

    return sum;
  }

  /** The `limit` rows with the greatest value of a column, greatest first, ties in the key's order, so that they do not dance. */
  top(column, limit) {
    const ranked = [...this.#byKey].sort(([keyA, a], [keyB, b]) =>
      compare(b[column], a[column]) || (keyA < keyB ? -1 : 1));
    return ranked.slice(0, limit).map(([, row]) => row);
  }

  /** Rows as a table shows them: newest window first, then greatest measure, then the key. */
  listed(limit) {
    const orders = [...WINDOW_COLUMNS.filter(column => this.#columns.includes(column)), this.measure].filter(Boolean);
    const ranked = [...this.#byKey].sort(([keyA, a], [keyB, b]) => {
      for (const column of orders) {
        const order = compare(b[column], a[column]);
        if (order !== 0) {
          return order;
        }
      }

      return keyA < keyB ? -1 : 1;
    });
    return ranked.slice(0, limit).map(([, row]) => row);
  }

  get windowed() {
    return WINDOW_COLUMNS.some(column => this.#columns.includes(column));
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
      } else if (value !== null && value !== undefined) {
        return false;
      }
    }

    return some;
  }
}

/** A server that does not name the key: the columns that are not numbers, else all but the last; none for a single row of figures. */
function guessKey(rows, columns) {
  const text = columns.filter(column => rows.some(row => typeof row[column] !== "bigint" && row[column] !== null));
  return text.length > 0 ? text : rows.length > 1 ? columns.slice(0, -1) : [];
}

/** Order of two values of one column; null is least. */
function compare(a, b) {
  if (a === b) {
    return 0;
  }

  if (a === null || a === undefined) {
    return -1;
  }

  if (b === null || b === undefined) {
    return 1;
  }

  return a < b ? -1 : 1;
}
