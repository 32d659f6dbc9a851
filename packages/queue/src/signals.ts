// Publish and subscribe: mail for whoever holds an execution, and changes that caches must forget.
// A message may be lost; whoever subscribes is told of every gap, and drops what it has cached until it is over.
import type { Redis } from "ioredis";

export function mailChannel(prefix: string): string {
  return `${prefix}:mail`;
}

export function changeChannel(prefix: string): string {
  return `${prefix}:changed`;
}

export interface Subscription {
  close(): Promise<void>;
}

export interface SubscriptionDeps {
  /** A connection of its own: one that subscribes can do nothing else. */
  readonly redis: Redis;
  readonly channel: string;
  readonly onMessage: (message: string) => void;
  /** The subscription holds (again): whatever was missed in the meantime is missed. */
  readonly onConnected?: () => void;
  readonly onDisconnected?: () => void;
}

export function subscribe(deps: SubscriptionDeps): Subscription {
  deps.redis.on("message", (channel: string, message: string) => {
    if (channel === deps.channel) deps.onMessage(message);
  });
  const begin = (): void => {
    deps.redis.subscribe(deps.channel).then(
      () => deps.onConnected?.(),
      () => undefined, // the connection is lost: `ready` comes again
    );
  };
  deps.redis.on("ready", begin);
  deps.redis.on("close", () => deps.onDisconnected?.());
  if (deps.redis.status === "ready") begin();
  return {
    async close() {
      deps.redis.disconnect();
      await Promise.resolve();
    },
  };
}

/** Tells every instance of every service that what they cached under `key` has changed. Never rejects. */
export function publishChange(redis: Redis, prefix: string, key: string): void {
  if (redis.status !== "ready") return;
  redis.publish(changeChannel(prefix), key).catch(() => undefined);
}
