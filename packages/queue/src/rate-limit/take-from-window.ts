// The one script that counts: a window in Redis is a hash of its id and the points taken, and goes when its time is over.
// Redis goes by its host's clock: a window that would last longer than a whole one, since that was set back, is cut.

import { z } from "zod";

/** What counting wants of a connection. */
export interface RateRedis {
  /** `ready`, or it is not asked. */
  readonly status: string;
  eval(script: string, keyCount: number, ...keysAndValues: (string | number)[]): Promise<unknown>;
}

export interface Taking {
  /** The window that the caller knows, or proposes where there is none. */
  readonly id: string;
  readonly limit: number;
  /** Points, if there are so many left. */
  readonly want: number;
  /** By all, as far as the caller knows: where Redis has lost the window, or none has begun. */
  readonly spent: number;
  /** By the caller, and not counted here yet. */
  readonly untold: number;
  /** Points of that window to give back. */
  readonly back: number;
  /** Until the window that the caller knows ends. */
  readonly restMs: number;
}

export interface Taken {
  readonly id: string;
  readonly granted: number;
  /** By all, these included. */
  readonly used: number;
  readonly restMs: number;
}

export const WINDOW_MS = 60_000;

const SCRIPT = `
local id, limit, want = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local spent, untold, back, rest = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local known = redis.call('hmget', KEYS[1], 'id', 'used')
local used
if known[1] then
  used = tonumber(known[2]) + untold
  if known[1] == id then used = math.max(0, used - back) end
  id = known[1]
else
  used = spent
end
local granted = math.max(0, math.min(want, limit - used))
used = used + granted
redis.call('hset', KEYS[1], 'id', id, 'used', used)
local left = redis.call('pttl', KEYS[1])
if left < 0 or left > ${WINDOW_MS} then
  redis.call('pexpire', KEYS[1], rest)
  left = rest
end
return { id, granted, used, left }
`;

const Reply = z.tuple([z.string(), z.int().min(0), z.int().min(0), z.int().min(0)]);

/** Rejects where Redis does. */
export async function takeFromWindow(redis: RateRedis, key: string, taking: Taking): Promise<Taken> {
  const { id, limit, want, spent, untold, back, restMs } = taking;
  const rest = Math.max(1, Math.ceil(restMs));
  const reply = await redis.eval(SCRIPT, 1, key, id, limit, want, spent, untold, back, rest);
  const [windowId, granted, used, leftMs] = Reply.parse(reply);
  return { id: windowId, granted, used, restMs: leftMs };
}
