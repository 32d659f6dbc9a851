// The wake-up queue: its name, and the one message it carries. Ids alone, never a payload.
import { z } from "zod";

export const WAKE_QUEUE = "wake";
/** Before every key and channel of ours. */
export const DEFAULT_PREFIX = "keelson";
/** Executions that one message wakes at the most: few enough that workers with room share what comes at once. */
export const WAKES_PER_MESSAGE = 8;

const WakeRef = z.strictObject({ tenantId: z.uuid(), executionId: z.uuid() });
/** Several executions, or one of a release that knew no more. */
export const WakeMessage = z
  .union([z.strictObject({ wakes: z.array(WakeRef) }), WakeRef])
  .transform((message) => ("wakes" in message ? message.wakes : [message]));
