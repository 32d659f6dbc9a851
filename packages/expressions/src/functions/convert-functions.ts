// Functions from one kind of value to another: text, numbers, JSON, encodings and digests.
import type { Json } from "@keelson/contracts";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { fromBase64, toBase64, toBase64Url } from "../base64.ts";
import { MAX_TEXT_UNITS } from "../frame.ts";
import { isTruthy, kindOf } from "../kinds.ts";
import { finite } from "../operators.ts";
import { jsonBytes, utf8Bytes } from "../sizes.ts";
import { textOf } from "../values.ts";
import type { Call } from "./call.ts";
import { define, type FunctionSpec } from "./define.ts";

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

export const CONVERT_FUNCTIONS: readonly FunctionSpec[] = [
  define(
    ["string", "number", "boolean"],
    "number(value)",
    { summary: "Of a decimal as text, or of a boolean (1 or 0).", example: 'number(" 4.50 ")', result: "4.5" },
    toNumber,
  ),
  define(
    "any",
    "string(value)",
    {
      summary: "As it is joined into text: null as nothing, objects as JSON.",
      example: "string(4.5)",
      result: '"4.5"',
    },
    (call) => written(call, (value) => textOf(value, MAX_TEXT_UNITS)),
  ),
  define(
    "any",
    "boolean(value)",
    { summary: 'False for null, 0, "" and false, else true.', example: 'boolean("")', result: "false" },
    (call) => isTruthy(call.value(0)),
  ),
  define(
    "any",
    "json(value)",
    { summary: "As JSON text.", example: "json({ a: [1] })", result: '"{\\"a\\":[1]}"' },
    (call) => written(call, (value) => JSON.stringify(value)),
  ),
  define(
    ["string"],
    "parseJson(string)",
    { summary: "The value of JSON text.", example: "parseJson('{\"a\":1}').a", result: "1" },
    parseJson,
  ),
  define(
    "any",
    "type(value)",
    { summary: "`null`, `boolean`, `number`, `string`, `array` or `object`.", example: "type([])", result: '"array"' },
    (call) => kindOf(call.value(0)),
  ),
  define(
    "any",
    "coalesce(values…)",
    { summary: "The first that is not null, else null.", example: 'coalesce(null, "", "x")', result: '""' },
    (call) => call.rest(0).find((value) => value !== null) ?? null,
  ),
  define(
    ["string"],
    "base64(string)",
    { summary: "Its UTF-8 in base64.", example: 'base64("user:pass")', result: '"dXNlcjpwYXNz"' },
    (call) => toBase64(utf8(call, 0)),
  ),
  define(
    ["string"],
    "base64Url(string)",
    { summary: "Its UTF-8 in base64 for URLs, without padding.", example: 'base64Url("a?b>")', result: '"YT9iPg"' },
    (call) => toBase64Url(utf8(call, 0)),
  ),
  define(
    ["string"],
    "base64Decode(string)",
    { summary: "The text of base64, of either alphabet.", example: 'base64Decode("aGk=")', result: '"hi"' },
    base64Decode,
  ),
  define(
    ["string", "number", "boolean"],
    "urlEncode(value)",
    { summary: "Safe as a part of a URL.", example: 'urlEncode("a b&c")', result: '"a%20b%26c"' },
    (call) => {
      const text = call.scalar(0).toWellFormed();
      call.frame.reserveText(utf8Bytes(text) * 3);
      return encodeURIComponent(text);
    },
  ),
  define(
    ["string"],
    "urlDecode(string)",
    { summary: "The text that `urlEncode` was given.", example: 'urlDecode("a%20b")', result: '"a b"' },
    (call) => {
      call.frame.reserveText(call.string(0).length);
      return attempt(() => decodeURIComponent(call.string(0))) ?? call.fail("this is no URL-encoded text");
    },
  ),
  define(
    ["string"],
    "sha256(string, encoding?)",
    {
      summary: 'The digest in hex, `"base64"` or `"base64url"`.',
      example: 'sha256("a", "base64")',
      result: '"ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="',
    },
    (call) => encoded(call, sha256(digestible(call, 0)), 1),
  ),
  define(
    ["string"],
    "hmacSha256(string, key, encoding?)",
    {
      summary: 'The keyed digest in hex, `"base64"` or `"base64url"`.',
      example: 'hmacSha256("a", "key").slice(0, 8)',
      result: '"780c3db4"',
    },
    (call) => encoded(call, hmac(sha256, digestible(call, 1), digestible(call, 0)), 2),
  ),
];

function toNumber(call: Call): number {
  const value = call.value(0);
  if (typeof value !== "string") return finite(Number(value));
  call.frame.spendText(value.length);
  const text = value.trim();
  return text.length <= 400 && DECIMAL.test(text)
    ? finite(Number(text))
    : call.fail("this string is no decimal number");
}

/** Pays for a value's JSON before it is written. */
function written(call: Call, write: (value: Json) => string): string {
  const value = call.value(0);
  if (typeof value === "object" && value !== null) call.frame.spend(Math.floor(jsonBytes(value, MAX_TEXT_UNITS) / 8));
  else if (typeof value === "string") call.frame.reserveText(value.length * 6);
  return write(value);
}

function parseJson(call: Call): Json {
  const text = call.string(0);
  call.frame.spend(10 + Math.floor(text.length / 4));
  // What parses is JSON, but for numbers such as 1e999, which jsonBytes refuses with too deep nesting.
  const parsed: Json | undefined = attempt<Json>(() => JSON.parse(text));
  if (parsed === undefined) return call.fail("this string is no JSON");
  jsonBytes(parsed, Number.POSITIVE_INFINITY);
  return parsed;
}

function base64Decode(call: Call): string {
  const text = call.string(0);
  call.frame.spend(20 + Math.floor(text.length / 8));
  const bytes = fromBase64(text) ?? call.fail("this string is no base64");
  const decoded = attempt(() => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  return decoded ?? call.fail("this base64 is not of UTF-8 text");
}

function utf8(call: Call, index: number): Uint8Array {
  const text = call.string(index);
  call.frame.reserveText(Math.ceil(utf8Bytes(text) / 3) * 4);
  call.frame.spend(Math.floor(text.length / 8));
  return new TextEncoder().encode(text);
}

/** Bytes of the argument at `index`, with the digest paid for. */
function digestible(call: Call, index: number): Uint8Array {
  const text = call.string(index);
  call.frame.spend(50 + Math.floor(text.length / 8));
  return new TextEncoder().encode(text);
}

function encoded(call: Call, bytes: Uint8Array, index: number): string {
  switch (call.string(index, "hex")) {
    case "hex":
      return bytesToHex(bytes);
    case "base64":
      return toBase64(bytes);
    case "base64url":
      return toBase64Url(bytes);
    default:
      return call.fail('its encoding is "hex", "base64" or "base64url"');
  }
}

/** The host's own message may quote data, so it goes no further. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
