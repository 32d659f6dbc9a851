import { v7 } from "uuid";

/** A new UUIDv7: ids made by one process sort in the order of their making, ids of several by their millisecond. */
export function newId(): string {
  return v7();
}
