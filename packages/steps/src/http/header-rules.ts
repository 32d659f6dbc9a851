// Which headers a document may set, and what may stand in them. Pure.

const MOST_HEADERS = 100;
const MOST_HEADER_BYTES = 16 * 1024;

/** Those that frame the message or the connection: set by the client alone. */
const OWN_BY_CLIENT = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;

/** Why these headers cannot be sent, as a sentence without any value in it; null where they can. */
export function findHeaderProblem(headers: { readonly [name: string]: string }): string | null {
  const entries = Object.entries(headers);
  if (entries.length > MOST_HEADERS) return `There are ${entries.length} headers; ${MOST_HEADERS} at most can be sent.`;
  for (const [name, value] of entries) {
    const problem = findNameProblem(name) ?? findValueProblem(name, value);
    if (problem !== null) return problem;
  }
  const bytes = entries.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  return bytes > MOST_HEADER_BYTES
    ? `The headers take ${bytes} bytes; ${MOST_HEADER_BYTES} at most can be sent.`
    : null;
}

function findNameProblem(name: string): string | null {
  if (!TOKEN.test(name)) return `${JSON.stringify(name.slice(0, 100))} cannot be the name of a header.`;
  const lower = name.toLowerCase();
  if (!OWN_BY_CLIENT.has(lower) && !lower.startsWith("proxy-")) return null;
  return `The header ${lower} is set by the engine itself and cannot be given.`;
}

function findValueProblem(name: string, value: string): string | null {
  if (/[\r\n]/.test(value)) return `The header ${name} holds a line break.`;
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    return `The header ${name} holds a character that headers cannot carry (control characters, or beyond Latin-1).`;
  }
  return null;
}
