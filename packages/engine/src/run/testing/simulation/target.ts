// Where http steps of a simulation go, and the step types around it. Answers by what the step's fate says and how many
// requests came under the key, and keeps what came.
//  I1. A request comes only after the commit that says so, under a lease that holds.
//  I4. Each attempt is made once.
import type { Json } from "@keelson/contracts";
import type { GraphStep } from "@keelson/dag";
import type { Fate, RandomWorkflow } from "../../../core/testing/random-graphs.ts";
import type { EffectResult } from "../../ports.ts";
import type { StepKinds } from "../../step-kind.ts";
import type { Tables } from "../memory/tables.ts";
import { branchOf, valueGiven, valueIn } from "./model.ts";

const DELAY_MS = 1_000;

export class Target {
  /** By key, the bytes of each request. */
  readonly received = new Map<string, string[]>();
  readonly #attempts = new Set<string>();
  readonly #tables: Tables;
  readonly #violated: (rule: string) => void;
  #nonce = 0;

  constructor(tables: Tables, violated: (rule: string) => void) {
    this.#tables = tables;
    this.#violated = violated;
  }

  /** Another each time: what is not frozen shows. */
  nonce(): number {
    this.#nonce += 1;
    return this.#nonce;
  }

  /** What came of the request, to be told to whoever sent it. */
  request(workerId: string | null, key: string, input: Json, fate: Fate, step: GraphStep): EffectResult {
    this.#check(workerId, key, input);
    const before = this.received.get(key) ?? [];
    this.received.set(key, [...before, JSON.stringify(input)]);
    const always = fate.failures >= step.retry.maxAttempts || (fate.final && fate.failures > 0);
    const fails = always || before.length < fate.failures;
    return {
      outcome: fails
        ? {
            kind: "failed",
            error: { code: "HTTP_STATUS", message: "500" },
            retryable: !fate.final,
            inDoubt: false,
          }
        : { kind: "succeeded", output: { v: valueIn(input) + 1 } },
      request: null,
      response: null,
    };
  }

  #check(workerId: string | null, key: string, input: Json): void {
    const [executionId = "", stepId = ""] = key.split(".");
    const row = this.#tables.executions.get(executionId);
    const step = row?.steps.get(stepId);
    if (row === undefined || step?.status !== "running" || step.sentAt === null) {
      this.#violated(`An effect without its commit: ${key} (I1)`);
      return;
    }
    if (row.owner !== workerId) this.#violated(`An effect of one who does not hold the lease: ${key} (I1)`);
    const attempt = `${key} ${step.attempt}`;
    if (this.#attempts.has(attempt)) this.#violated(`Attempt ${attempt} is made twice (I4)`);
    this.#attempts.add(attempt);
    const [first] = this.received.get(key) ?? [];
    if (first !== undefined && first !== JSON.stringify(input)) this.#violated(`Other bytes under the key ${key}`);
  }
}

/** The step types of one process. `perform` sends a request and waits for its answer. */
export function stepKinds(
  workflowOf: (name: string) => RandomWorkflow,
  nonce: () => number,
  perform: (key: string, input: Json, fate: Fate, step: GraphStep) => Promise<EffectResult>,
): StepKinds {
  type Context = Parameters<StepKinds["http"]["evaluate"]>[0];
  const FAILS = { kind: "failed", error: { code: "EXPRESSION_FAILED", message: "as its fate says" } } as const;

  function fateOf({ step, scope }: Pick<Context, "step" | "scope">): Fate {
    const name = (scope.execution as { workflow: string }).workflow;
    const fate = workflowOf(name).fates.get(step.id);
    if (fate === undefined) throw new Error(`No fate for '${step.id}'`);
    return fate;
  }
  function given({ step, scope }: Context): number {
    const outputOf = (id: string): Json => (scope.steps(id) as { output: Json } | null)?.output ?? null;
    return valueGiven(step, valueIn(scope.input), (id) => valueIn(outputOf(id)));
  }

  return {
    http: {
      evaluate: (of) =>
        fateOf(of).evaluates ? { kind: "request", input: of.frozen ?? { v: given(of), nonce: nonce() } } : FAILS,
      perform: (of) => perform(of.idempotencyKey, of.input, fateOf(of), of.step),
    },
    transform: {
      evaluate: (of) => (fateOf(of).evaluates ? { kind: "output", output: { v: given(of) + 1 } } : FAILS),
    },
    condition: {
      evaluate: (of) => (fateOf(of).evaluates ? { kind: "branch", branch: branchOf(of.step, fateOf(of)) } : FAILS),
    },
    delay: { evaluate: (of) => (fateOf(of).evaluates ? { kind: "until", untilAt: of.at + DELAY_MS } : FAILS) },
    subworkflow: {
      evaluate: (of) => {
        const { definition } = of.step;
        const wait = definition.type === "subworkflow" && definition.config.wait !== false;
        if (!fateOf(of).evaluates) return FAILS;
        return of.planChild({ workflow: "child", version: null, input: { v: given(of) }, wait });
      },
    },
  };
}
