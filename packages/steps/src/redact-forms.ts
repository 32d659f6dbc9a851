// The shapes in which a secret can come back: as it is, escaped, URL-encoded, in base64. Pure.

/** Every text that gives the secret away, longest first, without repeats. */
export function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, "utf8");
  const plain = [secret, secret.toWellFormed(), ...urlForms(secret.toWellFormed())];
  const forms = new Set([...plain.flatMap(escapedForms), ...base64Forms(bytes)]);
  return [...forms].sort((a, b) => b.length - a.length);
}

function urlForms(secret: string): string[] {
  const component = encodeURIComponent(secret);
  const forms = [
    component,
    component.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
    encodeURI(secret),
    new URLSearchParams([["", secret]]).toString().slice(1),
    inUrl((url) => (url.pathname = `/${secret}`)).pathname.slice(1),
    inUrl((url) => (url.search = `?${secret}`)).search.slice(1),
  ];
  const lowerHex = forms.map((form) => form.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()));
  // A path of dots and slashes is shortened by the URL parser: what is left need not be the secret's any more.
  return [...forms, ...lowerHex].filter((form) => form.length >= secret.length);
}

function inUrl(change: (url: URL) => void): URL {
  const url = new URL("http://host/");
  change(url);
  return url;
}

/** As it stands within JSON text, and within JSON text that is itself a string of JSON. */
function escapedForms(text: string): string[] {
  const once = escapeJson(text);
  const ascii = escapeNonAscii(once);
  const slashes = once.replaceAll("/", "\\/");
  return [
    text,
    once,
    ascii,
    slashes,
    escapeNonAscii(slashes),
    escapeJson(once),
    escapeJson(ascii),
    escapeJson(slashes),
  ];
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function escapeNonAscii(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Base64 in all three alignments: alone, and in the midst of other bytes (as in `user:secret`). Of an embedded one,
 * the characters that depend on its neighbours are left out; they give away no more than four bits at either end.
 */
function base64Forms(bytes: Buffer): string[] {
  const alone = [bytes.toString("base64"), bytes.toString("base64url")];
  const embedded = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  const urlSafe = embedded.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  const inUrls = [...alone, ...embedded].map(encodeURIComponent);
  const escaped = [...alone, ...embedded].map((text) => text.replaceAll("/", "\\/"));
  return [...alone, ...embedded, ...urlSafe, ...inUrls, ...escaped];
}
