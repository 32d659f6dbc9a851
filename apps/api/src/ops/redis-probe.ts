// Whether Redis answers, and how fast: for the operator's eyes alone, since nothing depends on it.

/** Without an answer by then it counts as down; ms. */
const PATIENCE_MS = 500;

export function createRedisProbe(redis: { readonly status: string; ping(): Promise<unknown> }) {
  return async function redisLatencyMs(): Promise<number | null> {
    if (redis.status !== "ready") return null;
    const began = performance.now();
    const { promise: patience, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(() => resolve(null), PATIENCE_MS);
    const answer = redis.ping().then(
      () => performance.now() - began,
      () => null,
    );
    try {
      return await Promise.race([answer, patience]);
    } finally {
      clearTimeout(timer);
    }
  };
}
