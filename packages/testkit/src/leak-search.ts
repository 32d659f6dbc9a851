// Finds tests' secrets in whatever was written, as they are and in every form that they may have taken on the way.
import { secretsToFind } from "./canary.ts";

export interface Leak {
  /** Where it stands, as in `keelson.step_runs, row 3`. */
  readonly place: string;
  /** As in `base64`. */
  readonly form: string;
  /** Printable text around it, the secret itself left out. */
  readonly around: string;
}

export interface LeakSearch {
  /** At most one leak for each form. */
  find(place: string, written: string | Uint8Array): Leak[];
  /** Of the longest form: how much two pieces of one text must share. */
  readonly overlap: number;
}

interface Form {
  readonly name: string;
  readonly bytes: Buffer;
}

/** So many bytes are looked up at once. */
const GRAM = 4;
const SHORTEST = 8;
const AROUND = 60;

let made: { readonly count: number; readonly search: LeakSearch } | undefined;

/** For all secrets that this process has made or noted. */
export function leakSearch(): LeakSearch {
  const secrets = secretsToFind();
  if (made?.count !== secrets.length) made = { count: secrets.length, search: createLeakSearch(secrets) };
  return made.search;
}

/** Secrets have 8 characters or more. */
export function createLeakSearch(secrets: readonly string[]): LeakSearch {
  // Some forms are one and the same: the first name is the plainest.
  const byBytes = new Map(
    secrets
      .flatMap(formsOf)
      .reverse()
      .map((form) => [form.bytes.toString("latin1"), form]),
  );
  const forms = [...byBytes.values()].filter(({ bytes }) => bytes.length >= SHORTEST);
  const shortest = Math.min(...forms.map(({ bytes }) => bytes.length));
  // Every form holds so many grams in a row, so that looking at one in so many finds it.
  const step = shortest - GRAM + 1;
  const grams = new Map<number, { readonly form: Form; readonly offset: number }[]>();
  for (const form of forms) {
    for (let offset = 0; offset < step; offset++) {
      const gram = form.bytes.readUInt32LE(offset);
      grams.set(gram, [...(grams.get(gram) ?? []), { form, offset }]);
    }
  }
  const mayBe = new Uint8Array(1 << 16);
  for (const gram of grams.keys()) mayBe[hash(gram)] = 1;

  return {
    overlap: Math.max(...forms.map(({ bytes }) => bytes.length)),
    find(place, written) {
      const text = typeof written === "string" ? Buffer.from(written) : asBuffer(written);
      const leaks = new Map<string, Leak>();
      for (let at = 0; at + GRAM <= text.length; at += step) {
        const gram = text.readUInt32LE(at);
        if (mayBe[hash(gram)] === 0) continue;
        for (const { form, offset } of grams.get(gram) ?? []) {
          const start = at - offset;
          const end = start + form.bytes.length;
          if (start < 0 || end > text.length || text.compare(form.bytes, 0, form.bytes.length, start, end) !== 0)
            continue;
          leaks.set(form.name, { place, form: form.name, around: around(text, start, end) });
        }
      }
      return [...leaks.values()];
    },
  };
}

/** Throws with the places, where there are any. */
export function failOnLeaks(leaks: readonly Leak[]): void {
  if (leaks.length === 0) return;
  const lines = leaks.slice(0, 20).map(({ place, form, around }) => `  ${place} (${form}): ${around}`);
  throw new Error(`A secret was written in the clear (I8), ${leaks.length} times:\n${lines.join("\n")}`);
}

/** For what is at hand as text: an answer, a log. */
export function assertNoSecrets(place: string, written: string | Uint8Array): void {
  failOnLeaks(leakSearch().find(place, written));
}

function hash(gram: number): number {
  return (Math.imul(gram, 0x9e3779b1) >>> 16) & 0xffff;
}

/** Of a text, and of the bytes that it is base64 of; each also as hex, the way PostgreSQL shows bytea. */
function formsOf(secret: string): Form[] {
  const text = Buffer.from(secret);
  const forms = [...encodings(text, ""), ...unicode(secret)];
  if (/^(?:[A-Za-z0-9+/]{4}){3,}$/.test(secret)) {
    const bytes = Buffer.from(secret, "base64");
    forms.push({ name: "decoded from base64", bytes }, ...encodings(bytes, "decoded, then "));
  }
  const inBytea = forms.map(({ name, bytes }) => ({
    name: `${name}, in bytea`,
    bytes: Buffer.from(bytes.toString("hex")),
  }));
  return [{ name: "plain", bytes: text }, ...forms, ...inBytea];
}

function encodings(bytes: Buffer, before: string): Form[] {
  const hex = bytes.toString("hex");
  const form = (name: string, text: string): Form => ({ name: before + name, bytes: Buffer.from(text) });
  const percent = (text: string): string => text.replace(/../g, "%$&");
  const forms = [
    form("hex", hex),
    form("hex", hex.toUpperCase()),
    form("URL-encoded", percent(hex)),
    form("URL-encoded", percent(hex.toUpperCase())),
    form("list of bytes", bytes.join(",")),
  ];
  // Base64 of a longer text in which it stands: what is the same whatever stands before and after it.
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    const inner = encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    forms.push(form("base64", inner));
    const url = inner.replaceAll("+", "-").replaceAll("/", "_");
    if (url !== inner) forms.push(form("base64url", url));
  }
  return forms;
}

function unicode(text: string): Form[] {
  const escaped = (slash: string): string =>
    text.replace(/[^]/g, (char) => `${slash}u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const json = JSON.stringify(text).slice(1, -1);
  const url = encodeURIComponent(text);
  return [
    // Each text that holds another one's text doubles its backslashes.
    ...[1, 2, 4, 8].map((depth) => ({ name: "JSON-escaped", bytes: Buffer.from(escaped("\\".repeat(depth))) })),
    { name: "UTF-16", bytes: Buffer.from(text, "utf16le") },
    ...(json === text ? [] : [{ name: "JSON-escaped", bytes: Buffer.from(json) }]),
    ...(url === text ? [] : [{ name: "URL-encoded", bytes: Buffer.from(url) }]),
  ];
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function around(text: Buffer, start: number, end: number): string {
  const shown = (from: number, to: number): string =>
    text.toString("latin1", Math.max(0, from), Math.min(text.length, to)).replace(/[^\x20-\x7e]+/g, " ");
  return `…${shown(start - AROUND, start)}[the secret]${shown(end, end + AROUND)}…`;
}
