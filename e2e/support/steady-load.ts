// Clients that start executions without end, by signed webhooks and by the API, in turn: one request after the other each,
// none repeated. Remembers what was accepted and what went wrong.
import { setTimeout as pause } from "node:timers/promises";
import type { Answered, Balancer } from "./balancer.ts";
import type { Tenant } from "./engine.ts";

export interface SteadyLoad {
  /** Ids of the executions that were answered with 202. */
  readonly accepted: readonly string[];
  /** Every other answer, and every request that had none. */
  readonly refused: readonly string[];
  /** Lets the requests under way end. */
  stop(): Promise<void>;
}

export function startLoad(options: {
  readonly tenant: Tenant;
  readonly workflow: string;
  /** The address of its webhook. */
  readonly hookUrl: string;
  readonly api: Balancer;
  readonly ingress: Balancer;
  readonly clients: number;
  /** Of each client, between an answer and its next request; ms. */
  readonly everyMs: number;
}): SteadyLoad {
  const { tenant, api, ingress } = options;
  const hook = new URL(options.hookUrl).pathname;
  const start = `/v1/workflows/${options.workflow}/executions`;
  const byApi = { authorization: `Bearer ${tenant.key}`, "content-type": "application/json" };
  const accepted: string[] = [];
  const refused: string[] = [];
  let stopped = false;

  async function client(n: number): Promise<void> {
    for (let turn = n; !stopped; turn += 1) {
      const webhook = turn % 2 === 0 ? tenant.signed({ n: turn }) : null;
      const answer = await (
        webhook === null ? api.send(start, byApi, "{}") : ingress.send(hook, webhook.headers, webhook.body)
      ).catch((error: unknown) => String(error));
      note(webhook === null ? "start" : "webhook", answer);
      await pause(options.everyMs);
    }
  }

  function note(what: string, answer: Answered | string): void {
    if (typeof answer === "string") return void refused.push(`${what}: ${answer}`);
    if (answer.status !== 202) return void refused.push(`${what}: ${answer.status} ${answer.body}`);
    const { id, executionId = id } = JSON.parse(answer.body) as { id?: string; executionId?: string };
    if (executionId === undefined) refused.push(`${what}: 202 without an id, ${answer.body}`);
    else accepted.push(executionId);
  }

  const clients = Array.from({ length: options.clients }, (_, n) => client(n));
  return {
    accepted,
    refused,
    async stop() {
      stopped = true;
      await Promise.all(clients);
    },
  };
}
