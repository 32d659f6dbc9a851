// Cursors of lists: the last item's key, signed together with the list it belongs to, so that garbage and the cursor of
// another tenant, list or filter are refused rather than answered with a page out of nowhere.

import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { MasterKeys } from "@keelson/db";
import { AppError } from "@keelson/service-kit";

export interface Cursors {
  /** `list` names tenant, list and filters; `position` is the key of the last item of a page. */
  seal(list: string, position: string): string;
  /** The position; refuses with `INVALID_REQUEST` what this list has not sealed. */
  open(list: string, cursor: string): string;
}

const MAC_BYTES = 12;

/** Sealed under the first key; opened under each, so that a list that is being read outlasts a change of keys. */
export function createCursors(masterKeys: MasterKeys): Cursors {
  const key = keyOf(masterKeys[0]);
  const keys = [key, ...masterKeys.slice(1).map(keyOf)];
  return {
    seal: (list, position) => Buffer.concat([macOf(key, list, position), Buffer.from(position)]).toString("base64url"),
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

function keyOf({ bytes }: MasterKeys[0]): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", bytes, "", "keelson list cursors", 32));
}

function macOf(key: Uint8Array, list: string, position: string): Uint8Array {
  return createHmac("sha256", key)
    .update(JSON.stringify([list, position]))
    .digest()
    .subarray(0, MAC_BYTES);
}
