// Takes leases in groups: what is offered while a claim is under way goes into the next one, a statement for each tenant.
import type { ClaimAnswer, ExecutionRef, ExecutionStore } from "./ports.ts";

/** The most executions that one claim asks for. */
const MAX_GROUP = 64;

export interface Claims {
  claim(workerId: string, ref: ExecutionRef): Promise<ClaimAnswer>;
}

interface Waiting {
  readonly workerId: string;
  readonly ref: ExecutionRef;
  readonly resolve: (answer: ClaimAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export function createClaims(store: Pick<ExecutionStore, "claim">): Claims {
  const waiting = new Map<string, Waiting[]>();
  const busy = new Set<string>();

  async function work(tenantId: string): Promise<void> {
    busy.add(tenantId);
    await Promise.resolve(); // what is offered along with this one comes along
    for (let group = take(tenantId); group.length > 0; group = take(tenantId)) await claimGroup(group);
    busy.delete(tenantId);
  }

  /** Up to a group of one tenant's, for one worker; the rest stays. */
  function take(tenantId: string): Waiting[] {
    const all = waiting.get(tenantId) ?? [];
    const workerId = all[0]?.workerId;
    const group = all.filter((one) => one.workerId === workerId).slice(0, MAX_GROUP);
    const rest = all.filter((one) => !group.includes(one));
    if (rest.length > 0) waiting.set(tenantId, rest);
    else waiting.delete(tenantId);
    return group;
  }

  async function claimGroup(group: readonly Waiting[]): Promise<void> {
    const [first] = group;
    if (first === undefined) return;
    try {
      // The same execution hinted twice is asked for once; the second hint learns that somebody has it.
      const refs = new Map(group.map(({ ref }) => [ref.executionId, ref]));
      const answers = new Map(
        (await store.claim(first.workerId, [...refs.values()])).map((answer) => [idOf(answer), answer]),
      );
      for (const one of group) {
        one.resolve(answers.get(one.ref.executionId) ?? { kind: "none", ref: one.ref });
        answers.delete(one.ref.executionId);
      }
    } catch (error) {
      for (const one of group) one.reject(error);
    }
  }

  return {
    claim(workerId, ref) {
      return new Promise((resolve, reject) => {
        const all = waiting.get(ref.tenantId) ?? [];
        all.push({ workerId, ref, resolve, reject });
        waiting.set(ref.tenantId, all);
        if (!busy.has(ref.tenantId)) void work(ref.tenantId);
      });
    },
  };
}

function idOf(answer: ClaimAnswer): string {
  return answer.kind === "claimed" ? answer.execution.executionId : answer.ref.executionId;
}
