// One pass over JSON text that finds what JSON.parse lets through or refuses without a position: broken grammar, nesting too
// deep, keys that occur twice or may not occur, strings that PostgreSQL cannot store, numbers beyond double precision's range.

/** What is wrong, and at which index of the text. */
export interface JsonFault {
  readonly message: string;
  readonly index: number;
}

export interface JsonScanOptions {
  /** Deepest nesting of arrays and objects; a scalar has depth 0. */
  readonly maxDepth: number;
  readonly forbiddenKeys: ReadonlySet<string>;
}

/** The first fault in the text, or null where JSON.parse may be trusted with it. */
export function findJsonFault(text: string, options: JsonScanOptions): JsonFault | null {
  const cursor: Cursor = { text, at: 0, options };
  try {
    skipSpace(cursor);
    scanValue(cursor, 0);
    skipSpace(cursor);
    if (cursor.at < text.length) fail(cursor, "There is more after the end of the value.");
    return null;
  } catch (error) {
    if (error instanceof Fault) return { message: error.message, index: error.index };
    throw error;
  }
}

interface Cursor {
  readonly text: string;
  readonly options: JsonScanOptions;
  at: number;
}

class Fault extends Error {
  readonly index: number;
  constructor(message: string, index: number) {
    super(message);
    this.index = index;
  }
}

function fail(cursor: Cursor, message: string, index = cursor.at): never {
  throw new Fault(index >= cursor.text.length ? "The text ends too early." : message, index);
}

function scanValue(cursor: Cursor, depth: number): void {
  switch (cursor.text[cursor.at]) {
    case "{":
      return scanObject(cursor, nested(cursor, depth));
    case "[":
      return scanArray(cursor, nested(cursor, depth));
    case '"':
      scanString(cursor);
      return;
    default:
      return scanScalar(cursor);
  }
}

function nested(cursor: Cursor, depth: number): number {
  const { maxDepth } = cursor.options;
  return depth < maxDepth ? depth + 1 : fail(cursor, `It is nested more than ${maxDepth} levels deep.`);
}

function scanObject(cursor: Cursor, depth: number): void {
  const keys = new Set<string>();
  cursor.at++;
  skipSpace(cursor);
  if (take(cursor, "}")) return;
  do {
    skipSpace(cursor);
    const start = cursor.at;
    if (cursor.text[start] !== '"') fail(cursor, "A key in double quotes is expected.");
    const key = scanString(cursor);
    if (keys.has(key)) fail(cursor, "The key occurs twice in its object.", start);
    if (cursor.options.forbiddenKeys.has(key)) fail(cursor, `The key "${key}" is not allowed.`, start);
    keys.add(key);
    skipSpace(cursor);
    if (!take(cursor, ":")) fail(cursor, "A colon is expected after a key.");
    skipSpace(cursor);
    scanValue(cursor, depth);
    skipSpace(cursor);
  } while (take(cursor, ","));
  if (!take(cursor, "}")) fail(cursor, "A comma or the object's end is expected.");
}

function scanArray(cursor: Cursor, depth: number): void {
  cursor.at++;
  skipSpace(cursor);
  if (take(cursor, "]")) return;
  do {
    skipSpace(cursor);
    scanValue(cursor, depth);
    skipSpace(cursor);
  } while (take(cursor, ","));
  if (!take(cursor, "]")) fail(cursor, "A comma or the array's end is expected.");
}

/** Passes over a string and gives its value. */
function scanString(cursor: Cursor): string {
  const { text } = cursor;
  const start = cursor.at;
  let escaped = false;
  for (cursor.at++; text[cursor.at] !== '"'; cursor.at++) {
    // NaN past the end: no comparison holds, and `fail` names the end.
    if (!(text.charCodeAt(cursor.at) >= 0x20)) fail(cursor, "A control character in a string must be escaped.");
    if (text[cursor.at] !== "\\") continue;
    escaped = true;
    cursor.at++;
    if (text[cursor.at] === "u") {
      if (!/^[0-9a-fA-F]{4}$/.test(text.slice(cursor.at + 1, cursor.at + 5)))
        fail(cursor, "Four hex digits are expected.");
      cursor.at += 4;
    } else if (!'"\\/bfnrt'.includes(text[cursor.at] ?? " ")) fail(cursor, "This escape does not exist.");
  }
  cursor.at++;
  // Text that was decoded from UTF-8 has neither a lone surrogate nor, unescaped, a NUL.
  const value: string = escaped ? JSON.parse(text.slice(start, cursor.at)) : text.slice(start + 1, cursor.at - 1);
  if (escaped && value.includes("\u0000")) fail(cursor, "The string contains NUL, which cannot be stored.", start);
  if (escaped && !value.isWellFormed()) fail(cursor, "The string contains half of a surrogate pair.", start);
  return value;
}

const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function scanScalar(cursor: Cursor): void {
  SCALAR.lastIndex = cursor.at;
  const token = SCALAR.exec(cursor.text)?.[0];
  if (token === undefined) fail(cursor, "A value is expected.");
  if (token.length > 300 || /\d[eE]/.test(token)) refuseInfinite(cursor, token);
  cursor.at += token.length;
}

function refuseInfinite(cursor: Cursor, token: string): void {
  if (!Number.isFinite(Number(token))) fail(cursor, "The number is too large.");
}

function take(cursor: Cursor, char: string): boolean {
  if (cursor.text[cursor.at] !== char) return false;
  cursor.at++;
  return true;
}

function skipSpace(cursor: Cursor): void {
  for (;;) {
    const code = cursor.text.charCodeAt(cursor.at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    cursor.at++;
  }
}
