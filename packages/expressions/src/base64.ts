// Base64 of bytes, both alphabets. The host's btoa and atob know strings alone, and take ten times as long.

const STANDARD = new TextEncoder().encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const FOR_URLS = new TextEncoder().encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
const PADDING = 0x3d;
const VALID = /^[\w+/-]*={0,2}$/;
/** The six bits of a character's code, of both alphabets. */
const SIX_BITS = new Uint8Array(128);
for (const alphabet of [STANDARD, FOR_URLS]) alphabet.forEach((code, bits) => (SIX_BITS[code] = bits));

export function toBase64(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PADDING);
  encode(bytes, STANDARD, out);
  return new TextDecoder().decode(out);
}

/** The alphabet for URLs, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  encode(bytes, FOR_URLS, out);
  return new TextDecoder().decode(out);
}

/** Bytes of base64 of either alphabet, with or without padding; null if it is none. */
export function fromBase64(text: string): Uint8Array | null {
  if (!VALID.test(text)) return null;
  const digits = text.replace(/={1,2}$/, "");
  const padded = digits.length !== text.length;
  if (digits.length % 4 === 1 || (padded && text.length % 4 !== 0)) return null;
  const out = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let bits = 0;
  let to = 0;
  for (let at = 0; at < digits.length; at += 1) {
    bits = ((bits << 6) | (SIX_BITS[digits.charCodeAt(at)] ?? 0)) & 0xffffff;
    const held = at % 4;
    if (held > 0) out[to++] = bits >> (6 - held * 2);
  }
  return out;
}

/** Writes as many characters as `out` has room for and `bytes` gives. */
function encode(bytes: Uint8Array, alphabet: Uint8Array, out: Uint8Array): void {
  const characters = Math.ceil((bytes.length * 4) / 3);
  for (let at = 0, to = 0; to < characters; at += 3) {
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let shift = 18; shift >= 0 && to < characters; shift -= 6) out[to++] = alphabet[(bits >> shift) & 63] ?? 0;
  }
}
