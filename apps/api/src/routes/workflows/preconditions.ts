// What a save's headers say.

import { AppError } from "@keelson/service-kit";
import type { Request } from "express";

const MAX_NOTE_CHARS = 1_000;
/** Of a header that is refused, as the answer shows it. */
const MAX_SHOWN_CHARS = 100;

/** Refuses with `VERSION_STALE` unless `If-Match` is absent or names the latest version; null: there is no workflow yet. */
export function requireMatch(req: Request, latestVersion: number | null): void {
  const header = req.get("if-match");
  if (header === undefined) return;
  const tags = header.split(",").map((tag) => tag.trim());
  const matches = tags.some((tag) => (tag === "*" ? latestVersion !== null : tag === `"${latestVersion}"`));
  if (matches) return;
  if (!tags.every((tag) => /^(\*|(W\/)?"[^"]*")$/.test(tag))) {
    throw new AppError("INVALID_REQUEST", {
      errors: [
        {
          path: "header:If-Match",
          code: "INVALID_FORMAT",
          message: `If-Match must be a version in quotes, such as "3", but is ${header.slice(0, MAX_SHOWN_CHARS)}.`,
        },
      ],
    });
  }
  const detail =
    latestVersion === null
      ? "There is no such workflow yet, so that no version of it matches `If-Match`."
      : `The workflow's latest version is "${latestVersion}", not ${header}: read it and try again.`;
  throw new AppError("VERSION_STALE", { detail });
}

/** `Keelson-Change-Note`, read as UTF-8. */
export function changeNote(req: Request): string | null {
  const header = req.get("keelson-change-note");
  if (header === undefined || header.trim() === "") return null;
  // Node reads headers as Latin-1; what is no UTF-8 stays as it was read.
  const utf8 = Buffer.from(header, "latin1").toString("utf8");
  const note = utf8.includes("\ufffd") ? header : utf8;
  if (note.length <= MAX_NOTE_CHARS) return note;
  const message = `Keelson-Change-Note must have at most ${MAX_NOTE_CHARS} characters, but has ${note.length}.`;
  throw new AppError("INVALID_REQUEST", { errors: [{ path: "header:Keelson-Change-Note", code: "TOO_BIG", message }] });
}
