// Starts executions as clients do: by the API and by signed webhooks, through either instance, again and again under the
// same key until one says 202, and now and then once more after that.
import { setTimeout as sleep } from "node:timers/promises";
import type { Engine, Tenant } from "../support/engine.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";

export interface Start {
  readonly key: string;
  readonly plan: Plan;
  readonly input: { readonly n: number; readonly key: string };
  /** All ids that were answered to it; one, if all is well. */
  readonly ids: Set<string>;
  requests: number;
}

export interface Starter {
  readonly starts: readonly Start[];
  /** Answers that no client should get, by what they were. */
  readonly strange: ReadonlyMap<string, number>;
  /** Begins `count` executions over `overMs`, fewer at once while `maxUnfinished` are under way. */
  run(count: number, overMs: number, signal: AbortSignal): Promise<void>;
}

const PATIENCE_MS = 4_000;
const GIVE_UP_AFTER_MS = 180_000;
/** Between two requests, twice as long each time: clients that only press on keep a busy service from getting up again. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export function createStarter(deps: {
  readonly engine: Engine;
  readonly tenant: Tenant;
  readonly roots: readonly Plan[];
  readonly hookUrls: ReadonlyMap<string, string>;
  readonly random: Random;
  readonly maxUnfinished: number;
}): Starter {
  const { engine, tenant, roots, hookUrls, random } = deps;
  const starts: Start[] = [];
  const strange = new Map<string, number>();

  async function start(plan: Plan, n: number, how: { hook: boolean; more: number; first: number }): Promise<void> {
    const key = `start-${starts.length}`;
    const made: Start = { key, plan, input: { n, key }, ids: new Set(), requests: 0 };
    starts.push(made);
    const deadlineMs = performance.now() + GIVE_UP_AFTER_MS;
    for (let accepted = 0; accepted <= how.more && performance.now() < deadlineMs;) {
      const instance = (how.first + made.requests) % 2;
      made.requests += 1;
      const request = how.hook ? byHook(made, instance) : byApi(made, instance);
      // One whose answer is waited for no longer may still be accepted: it is the same start.
      const answer = await Promise.race([request.catch(() => null), sleep(PATIENCE_MS, null)]);
      if (answer?.status === 202) {
        made.ids.add(answer.id);
        accepted += 1;
        continue;
      }
      if (answer !== null && answer.status !== 503) {
        strange.set(String(answer.status), (strange.get(String(answer.status)) ?? 0) + 1);
      }
      await sleep(Math.min(FIRST_PAUSE_MS * 2 ** (made.requests - 1), LONGEST_PAUSE_MS));
    }
  }

  async function byApi({ plan, input, key }: Start, instance: number): Promise<{ status: number; id: string }> {
    const path = `/v1/workflows/${plan.name}/executions`;
    const answer = await tenant.call<{ id: string }>("POST", path, { input }, instance, { "idempotency-key": key });
    return { status: answer.status, id: answer.body.id };
  }

  async function byHook({ plan, input, key }: Start, instance: number): Promise<{ status: number; id: string }> {
    const { pathname } = new URL(hookUrls.get(plan.name) ?? "");
    const url = `${engine.stack.instances.ingress[instance]?.url ?? ""}${pathname}`;
    const answer = await tenant.send(url, input, `msg_${key}`);
    return { status: answer.status, id: answer.body.executionId };
  }

  return {
    starts,
    strange,
    async run(count, overMs, signal) {
      const under: Promise<void>[] = [];
      for (let made = 0; made < count; made += 1) {
        const plan = random.pick(roots);
        const how = {
          hook: plan.hook && random.chance(0.6),
          more: random.chance(0.2) ? 1 : 0,
          first: random.int(0, 1),
        };
        under.push(start(plan, random.int(0, 199), how));
        await sleep((overMs / count) * 2 * random.next());
        if (made % 25 === 0) await untilRoom(engine, deps.maxUnfinished, signal);
        if (signal.aborted) break;
      }
      await Promise.all(under);
    },
  };
}

async function untilRoom(engine: Engine, maxUnfinished: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const [row] = await engine
      .query<{ count: number }>("select count(*)::int as count from keelson.executions where finished_at is null")
      .catch(() => []);
    if (row === undefined || row.count < maxUnfinished) return;
    await sleep(250);
  }
}
