// How figures and names are written, the same on every page.
import { ONE, toText } from "/assets/exact.js";

const THIN_SPACE = "\u202f";

/** Groups of three digits: 18 204. Digits after the point are padded to `digits`, so that a column lines up. */
export function figure(value, digits = 0) {
  if (value === null || value === undefined) {
    return "–";
  }

  const [whole, fraction = ""] = toText(value).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE).replace("-", "−");
  return digits === 0 && fraction === "" ? grouped : `${grouped}.${fraction.padEnd(digits, "0")}`;
}

/** A whole number that is not exact by nature (a rate, a count of rows). */
export function whole(number) {
  return figure(BigInt(Math.round(number)) * ONE);
}

/** A share, 0 to 1. What is more than nothing is never shown as nothing. */
export function percent(ratio) {
  return ratio > 0 && ratio < 0.0005 ? `<0.1${THIN_SPACE}%` : `${(ratio * 100).toFixed(1)}${THIN_SPACE}%`;
}

export function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

export function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit++;
  }

  return `${unit === 0 ? count : count.toFixed(1)} ${units[unit]}`;
}

export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString("en-GB");
}

/** One value of a row, as text. */
export function cell(value) {
  switch (typeof value) {
    case "bigint": return figure(value);
    case "string": return value;
    case "boolean": return value ? "true" : "false";
    default: return value === null || value === undefined ? "–" : plainJson(value);
  }
}

/** A value that names a group: a year is 2009 and not 2 009, a window begins at 2015-05-17 10:05Z. */
export function label(value) {
  if (typeof value === "bigint") {
    return toText(value);
  }

  const time = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::00)?(:\d\d[\d.]*)?Z$/.exec(value ?? "");
  return time === null ? cell(value) : `${time[1]} ${time[2]}${time[3] ?? ""}Z`;
}

/** JSON with exact numbers written back as numbers. */
export function plainJson(value) {
  if (typeof value === "bigint") {
    return toText(value);
  }

  if (Array.isArray(value)) {
    return `[${value.map(plainJson).join(",")}]`;
  }

  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}:${plainJson(part)}`).join(",")}}`;
  }

  return JSON.stringify(value ?? null);
}

/** `votes:0=1841,1=1790` as { stream, partitions: [[0, 1841], [1, 1790]], records }. Ends are exclusive. */
export function parsePosition(text) {
  const colon = text.lastIndexOf(":");
  const partitions = text.slice(colon + 1).split(",").filter(part => part.includes("="))
    .map(part => part.split("=").map(Number));
  return {
    stream: text.slice(0, colon),
    partitions,
    records: partitions.reduce((sum, [, end]) => sum + end, 0),
  };
}

/** A position of many partitions, cut for reading; the whole one is in the recount dialog. */
export function shortPosition(text) {
  const { stream, partitions } = parsePosition(text);
  const shown = partitions.slice(0, 4).map(([partition, end]) => `${partition}=${end}`).join(",");
  return `${stream}:${shown}${partitions.length > 4 ? `,… (${partitions.length} partitions)` : ""}`;
}

/** Writes only what changed: most of a page stays as it is from frame to frame. */
export function write(target, text) {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

/** Makes an element: name, class, text or children. */
export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) {
    made.className = className;
  }

  made.append(...children);
  return made;
}
