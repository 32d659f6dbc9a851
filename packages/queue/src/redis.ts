// Connections to Redis. Redis carries hints alone (I9): a command that cannot be sent at once fails at once, nobody waits
// for it, and a connection that is lost comes back by itself.
import { Redis } from "ioredis";

/** The longest pause between two attempts to connect; ms. */
const MAX_RECONNECT_DELAY_MS = 1000;
/** A command without an answer by then has failed; ms. */
const COMMAND_TIMEOUT_MS = 2000;

export interface RedisLog {
  redisLost(connection: string, error: unknown): void;
  redisBack(connection: string): void;
}

/** `kind`: `command` fails fast; `blocking` waits for as long as it takes (BullMQ's consumer, subscriptions). */
export function openRedis(url: string, name: string, kind: "command" | "blocking", log: RedisLog): Redis {
  const redis = new Redis(url, {
    connectionName: `keelson-${name}`,
    retryStrategy: (attempt: number) => Math.min(50 * attempt, MAX_RECONNECT_DELAY_MS),
    maxRetriesPerRequest: kind === "blocking" ? null : 1,
    enableOfflineQueue: kind === "blocking",
    ...(kind === "command" ? { commandTimeout: COMMAND_TIMEOUT_MS } : {}),
    connectTimeout: COMMAND_TIMEOUT_MS,
    keepAlive: 5000,
  });
  let lost = false;
  redis.on("error", (error) => {
    if (!lost) log.redisLost(name, error);
    lost = true;
  });
  redis.on("ready", () => {
    if (lost) log.redisBack(name);
    lost = false;
  });
  return redis;
}
