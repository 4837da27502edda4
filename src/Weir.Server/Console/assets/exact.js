// Exact decimals. The engine counts in billionths (128-bit integers scaled by 10^9); so does the page, as a BigInt, since a
// double loses the cents of a large sum. In rows a bigint is a number and nothing else is.

export const ONE = 1_000_000_000n;

/** JSON to objects, every number as billionths. Browsers that do not hand out the source text fall back to the double. */
export function parseExact(text) {
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" ? fromText(context?.source ?? String(value)) : value);
}

function fromText(text) {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) {
    // An exponent: never sent by the engine, but valid JSON.
    return BigInt(Math.round(Number(text) * 1e9));
  }

  const [, sign, whole, fraction = ""] = match;
  const billionths = BigInt(whole) * ONE + BigInt(fraction.padEnd(9, "0").slice(0, 9));
  return sign === "-" ? -billionths : billionths;
}

/** Billionths as canonical text: no exponent, no trailing zeros, no grouping. */
export function toText(value) {
  const magnitude = value < 0n ? -value : value;
  const fraction = (magnitude % ONE).toString().padStart(9, "0").replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${magnitude / ONE}${fraction === "" ? "" : `.${fraction}`}`;
}

/** How many digits after the point the value needs, 0 to 9. */
export function fractionDigits(value) {
  const text = toText(value);
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}

/** The nearest double, for lengths and shares, where nothing depends on the last digit. */
export function toNumber(value) {
  return Number(value) / 1e9;
}
