// Whether Redis takes writes. One that is full (`maxmemory`, noeviction), or that hangs, still counts as connected, and most
// of it goes on answering, while every hint is refused: whoever relies on hints must then do as without Redis (I9).
import type { Redis } from "ioredis";

/** Nobody reads what was written; s. */
const KEPT_SECONDS = 60;

export interface WriteProbe {
  /** As of the last look; false while the connection is down. */
  readonly takes: boolean;
  /** Looks by writing a key. Never rejects. */
  runOnce(): Promise<boolean>;
}

export function createWriteProbe(
  redis: Pick<Redis, "status" | "set">,
  prefix: string,
  onChange: (takes: boolean, error: unknown) => void,
): WriteProbe {
  let refused = false;
  const takes = (): boolean => redis.status === "ready" && !refused;
  return {
    get takes() {
      return takes();
    },
    async runOnce() {
      if (redis.status !== "ready") return false;
      const error: unknown = await redis.set(`${prefix}:probe`, "1", "EX", KEPT_SECONDS).then(
        () => null,
        (cause: unknown) => cause,
      );
      const isRefused = error !== null;
      if (isRefused !== refused && redis.status === "ready") {
        refused = isRefused;
        onChange(!refused, error);
      }
      return takes();
    },
  };
}
