// One sentence for those who listen instead of look: at most every few seconds, only when it has changed, and at once when final.
import { toNumber, toText } from "/assets/exact.js";
import { cell, label, percent, write } from "/assets/format.js";

const INTERVAL_MS = 8_000;

export class Summary {
  #element;
  #writtenAt = -INTERVAL_MS;
  #wasFinal = false;

  constructor(element) {
    this.#element = element;
  }

  show(rows, measure, adds, final) {
    const now = performance.now();
    if (now - this.#writtenAt < INTERVAL_MS && final === this.#wasFinal) {
      return;
    }

    this.#writtenAt = now;
    this.#wasFinal = final;
    write(this.#element, `${final ? "Final. " : ""}${sentence(rows, measure, adds)}`);
  }
}

function sentence(rows, measure, adds) {
  if (rows.count === 0) {
    return "No rows yet.";
  }

  const { row: first } = rows.top(1).shown[0];
  if (rows.key.length === 0) {
    return `${rows.values.map(column => `${column}: ${cell(first[column])}`).join(", ")}.`;
  }

  if (measure === null || rows.windowed) {
    return `${rows.count} rows.`;
  }

  const name = rows.key.map(column => label(first[column])).join(", ");
  const value = first[measure] ?? 0n;
  const total = adds ? rows.sum(measure) : 0n;
  return total > 0n
    ? `${name} is first with ${toText(value)} of ${toText(total)} ${measure}, ${percent(toNumber(value) / toNumber(total))}.`
    : `${name} is first with ${measure} ${toText(value)}.`;
}
