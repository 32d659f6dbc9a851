import type { Hints } from "@keelson/engine";

/** Keeps hints back until what they tell of is committed. */
export function deferHints(): { readonly hints: Hints; readonly sendTo: (hints: Hints) => void } {
  const kept: ((hints: Hints) => void)[] = [];
  return {
    hints: {
      wake: (ref, delayMs) => void kept.push((hints) => hints.wake(ref, delayMs)),
      mail: (ref) => void kept.push((hints) => hints.mail(ref)),
    },
    sendTo: (hints) => kept.forEach((send) => send(hints)),
  };
}
