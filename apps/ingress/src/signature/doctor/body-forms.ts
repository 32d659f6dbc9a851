// A body as it may have been before something between the producer and here wrote it anew.

export type BodyForm = "raw" | "compact" | "indented" | "trimmed" | "line";

/** Larger ones are not parsed and written anew. */
const MAX_REWRITTEN_BYTES = 256 * 1024;

/** Those that differ from the body; `raw` is the body itself. */
export function bodyForms(rawBody: Uint8Array): ReadonlyMap<BodyForm, Uint8Array> {
  const forms = new Map<BodyForm, Uint8Array>([["raw", rawBody]]);
  if (rawBody.length > MAX_REWRITTEN_BYTES) return forms;
  const text = Buffer.from(rawBody).toString("utf8");
  const add = (form: BodyForm, rewritten: string | null): void => {
    if (rewritten !== null && rewritten !== text) forms.set(form, Buffer.from(rewritten, "utf8"));
  };
  add("trimmed", text.trimEnd());
  add("line", `${text}\n`);
  add("compact", rewrittenJson(text));
  add("indented", rewrittenJson(text, 2));
  return forms;
}

function rewrittenJson(text: string, indent?: number): string | null {
  try {
    return JSON.stringify(JSON.parse(text), null, indent);
  } catch {
    return null; // no JSON, or nested too deep to be written
  }
}
