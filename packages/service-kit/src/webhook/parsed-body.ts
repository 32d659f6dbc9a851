import type { Json } from "@keelson/contracts";

export type ParsedBody =
  | { readonly ok: true; readonly value: Json }
  /** `problem`: one sentence, fit for the sender. */
  | { readonly ok: false; readonly problem: string };

/** The one key that is never plain data. Others, `constructor` among them, are a producer's to choose. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__"]);
