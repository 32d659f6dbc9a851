export { createWakeConsumer, type WakeConsumer, type WakeConsumerOptions } from "./consumer.ts";
export { createHints, type HintSender } from "./hints.ts";
export { createSharedRate, type RateVerdict, type SharedRate } from "./rate-limit/shared-rate.ts";
export { openRedis, type RedisLog } from "./redis.ts";
export {
  changeChannel,
  mailChannel,
  publishChange,
  subscribe,
  type Subscription,
  type SubscriptionDeps,
} from "./signals.ts";
export { DEFAULT_PREFIX, WAKE_QUEUE, WakeMessage } from "./wake-queue.ts";
export { createWriteProbe, type WriteProbe } from "./write-probe.ts";
