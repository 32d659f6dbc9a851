// So many of the engine's processes at work as a point wants; the others of the stack are stopped.
import type { ServiceName, Stack } from "@keelson/local-stack";
import type { Hook } from "../webhooks.ts";

export interface Fleet {
  readonly worker: number;
  readonly api: number;
  readonly ingress: number;
  readonly scheduler: number;
}

/** Resolves once those that are to run are ready. The processes of a service go from the last. */
export async function setFleet(stack: Stack, fleet: Fleet, signal: AbortSignal): Promise<void> {
  const services = Object.keys(fleet) as (keyof Fleet & ServiceName)[];
  const moves = services.flatMap((service) =>
    stack.instances[service].map((instance, n) =>
      n < fleet[service] ? instance.process.start() : instance.process.stop(),
    ),
  );
  await Promise.all(moves);
  signal.throwIfAborted();
  await Promise.all(
    services.flatMap((service) =>
      stack.instances[service].slice(0, fleet[service]).map((instance) => stack.untilReady(instance)),
    ),
  );
}

/** The hook at each ingress of the fleet. */
export function hooksOf(stack: Stack, hook: Hook, fleet: Fleet): Hook[] {
  return stack.instances.ingress
    .slice(0, fleet.ingress)
    .map(({ url }) => ({ ...hook, url: new URL(new URL(hook.url).pathname, url).href }));
}
