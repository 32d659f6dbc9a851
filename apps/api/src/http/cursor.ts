// Cursors of lists: the last item's key, signed together with the list it belongs to, so that garbage and the cursor of
// another tenant, list or filter are refused rather than answered with a page out of nowhere.

import { type KeyObject, createHmac, timingSafeEqual } from "node:crypto";
import type { MasterKeys } from "@keelson/db";
import { AppError, deriveKeys } from "@keelson/service-kit";

export interface Cursors {
  /** `list` names tenant, list and filters; `position` is the key of the last item of a page. */
  seal(list: string, position: string): string;
  /** The position; refuses with `INVALID_REQUEST` what this list has not sealed. */
  open(list: string, cursor: string): string;
}

const MAC_BYTES = 12;

/** Sealed under the first key; opened under each, so that a list that is being read outlasts a change of keys. */
export function createCursors(masterKeys: MasterKeys): Cursors {
  const keys = deriveKeys(masterKeys, "keelson list cursors");
  return {
    seal: (list, position) =>
      Buffer.concat([macOf(keys[0], list, position), Buffer.from(position)]).toString("base64url"),
    open(list, cursor) {
      const bytes = Buffer.from(cursor, "base64url");
      const position = bytes.subarray(MAC_BYTES).toString("utf8");
      const isOurs =
        bytes.length > MAC_BYTES &&
        bytes.toString("base64url") === cursor &&
        keys.some((each) => timingSafeEqual(bytes.subarray(0, MAC_BYTES), macOf(each, list, position)));
      if (isOurs) return position;
      throw new AppError("INVALID_REQUEST", {
        errors: [
          {
            path: "?cursor",
            code: "INVALID_CURSOR",
            message: "This is no `nextCursor` of this list with these filters: begin again without `cursor`.",
          },
        ],
      });
    },
  };
}

function macOf(key: KeyObject, list: string, position: string): Uint8Array {
  return createHmac("sha256", key)
    .update(JSON.stringify([list, position]))
    .digest()
    .subarray(0, MAC_BYTES);
}
