import { type Refused, refuse } from "./refusal.ts";

const TOLERANCE_SECONDS = 300;

/**
 * Refuses a timestamp (whole seconds since 1970, digits only) further than five minutes from `nowMs`, either way.
 * Exactly five minutes pass. What is signed is the header's text, never the number read from it.
 */
export function refuseTimestamp(text: string, nowMs: number): Refused | null {
  if (!/^\d{1,15}$/.test(text)) {
    return refuse(
      "TIMESTAMP_MALFORMED",
      "The timestamp is not a whole number of seconds since 1970.",
      "Send Unix time in seconds, as digits only, and only once.",
    );
  }
  const ageSeconds = Math.floor(nowMs / 1000) - Number(text);
  if (ageSeconds > TOLERANCE_SECONDS) {
    return refuse(
      "TIMESTAMP_STALE",
      `The timestamp is ${ageSeconds} seconds old; at most ${TOLERANCE_SECONDS} are allowed.`,
      "Sign each try anew when a delivery is sent again, and check the producer's clock.",
    );
  }
  if (ageSeconds < -TOLERANCE_SECONDS) {
    return refuse(
      "TIMESTAMP_IN_FUTURE",
      `The timestamp is ${-ageSeconds} seconds in the future; at most ${TOLERANCE_SECONDS} are allowed.`,
      "Check the producer's clock, and that the timestamp is in seconds and not in milliseconds.",
    );
  }
  return null;
}
