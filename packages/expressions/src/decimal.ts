// Rounding of decimals as they are written: 1.005 is a little less in binary, and yet rounds to 1.01.

/** A decimal number: `digits` × 10^-places, with its sign apart. */
interface Rounded {
  readonly negative: boolean;
  readonly digits: bigint;
}

/** Rounds to `places` decimals (below zero: tens, hundreds, …), half away from zero. May be infinite near the limits. */
export function roundDecimal(value: number, places: number): number {
  if (Number.isInteger(value) && places >= 0) return value;
  const { negative, digits } = rounded(value, places);
  return Number(`${negative ? "-" : ""}${digits}e${-places}`);
}

/** As text with exactly `places` (0 or more) decimals. */
export function toFixedDecimal(value: number, places: number): string {
  const { negative, digits } = rounded(value, places);
  const text = String(digits).padStart(places + 1, "0");
  const whole = text.slice(0, text.length - places);
  const sign = negative && digits !== 0n ? "-" : "";
  return places === 0 ? sign + whole : `${sign}${whole}.${text.slice(text.length - places)}`;
}

function rounded(value: number, places: number): Rounded {
  const negative = value < 0;
  // The shortest digits that mean this number, as JSON writes it: d.ddd × 10^exponent.
  const [mantissa = "0", exponent = "0"] = Math.abs(value).toExponential().split("e");
  const written = mantissa.replace(".", "");
  const kept = Number(exponent) + 1 + places;
  if (kept < 0) return { negative, digits: 0n };
  if (kept >= written.length) return { negative, digits: BigInt(written.padEnd(kept, "0")) };
  const up = (written[kept] ?? "0") >= "5" ? 1n : 0n;
  return { negative, digits: BigInt(written.slice(0, kept) || "0") + up };
}
