import { randomBytes } from "node:crypto";

/** A prefix for Redis keys and queue names that no other test uses. */
export function testRedisPrefix(): string {
  return `test-${randomBytes(8).toString("hex")}`;
}
