// Rows as a CSV file (RFC 4180), with exact numbers.
import { toText } from "/assets/exact.js";
import { cell } from "/assets/format.js";

/** Hands the rows to the browser as a download. */
export function download(name, rows) {
  const lines = [rows.columns, ...rows.top(rows.count).shown.map(({ row }) => rows.columns.map(column => row[column]))];
  const text = lines.map(line => `${line.map(field).join(",")}\r\n`).join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function field(value) {
  if (value === null) {
    return "";
  }

  if (typeof value === "bigint") {
    return toText(value);
  }

  // A leading =, +, - or @ would run as a formula in a spreadsheet.
  const text = cell(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll("\"", "\"\"")}"` : safe;
}
