// The wake-up queue: its name, and the one message it carries. Ids alone, never a payload.
import { z } from "zod";

export const WAKE_QUEUE = "wake";
/** Before every key and channel of ours. */
export const DEFAULT_PREFIX = "keelson";

export const WakeMessage = z.strictObject({ tenantId: z.uuid(), executionId: z.uuid() });
export type WakeMessage = z.infer<typeof WakeMessage>;
