// What needs no server: documents checked, expressions evaluated; in this process, one thread.
import { parseDefinition } from "@keelson/dag";
import { compileExpression, evaluateExpression, type Scope } from "@keelson/expressions";
import { summarize } from "./summary.ts";

const CHAINS = 4;
const LENGTH = 50;
const WARM_MS = 300;

const EXPRESSIONS = {
  comparison: "input.amount > 100",
  arithmetic: "round(input.amount * 1.19, 2)",
  rearranging: "input.items.filter(item => item.quantity > 2).map(item => item.price * item.quantity)",
};

const SCOPE: Scope = {
  input: { amount: 249.9, items: Array.from({ length: 6 }, (_, n) => ({ quantity: n, price: 19.95 })) },
  trigger: null,
  execution: null,
  steps: () => null,
  nowMs: 0,
  uuid: () => "",
};

export interface InProcessFigures {
  /** Text of a document of 200 steps to a checked and compiled workflow, p50 ms. */
  readonly parseMs: number | null;
  readonly documentBytes: number;
  /** Evaluated a second, compiled once. */
  readonly evaluations: Readonly<Record<string, number>>;
  /** Compiled a second. */
  readonly compilations: Readonly<Record<string, number>>;
}

export function measureInProcess(seconds: number): InProcessFigures {
  const text = JSON.stringify(documentOf200Steps());
  const parses: number[] = [];
  perSecond(Math.min(3, seconds / 2), () => {
    const beganMs = performance.now();
    const parsed = parseDefinition(JSON.parse(text));
    if (!parsed.ok) throw new Error(`The document of 200 steps is refused: ${JSON.stringify(parsed.problems[0])}`);
    parses.push(performance.now() - beganMs);
  });
  const each = Math.min(1, seconds / 10);
  const evaluations: Record<string, number> = {};
  const compilations: Record<string, number> = {};
  for (const [name, source] of Object.entries(EXPRESSIONS)) {
    const compiled = compileExpression(source);
    evaluations[name] = perSecond(each, () => evaluateExpression(compiled, SCOPE));
    compilations[name] = perSecond(each, () => compileExpression(source));
  }
  return { parseMs: summarize(parses).p50, documentBytes: Buffer.byteLength(text), evaluations, compilations };
}

function perSecond(seconds: number, work: () => unknown): number {
  const run = (ms: number): number => {
    const beganMs = performance.now();
    let done = 0;
    for (; performance.now() - beganMs < ms; done += 1) work();
    return (done * 1000) / (performance.now() - beganMs);
  };
  run(Math.min(WARM_MS, seconds * 1000));
  return run(seconds * 1000);
}

/** Four chains of fifty transforms, the longest path allowed, as many steps as allowed. */
function documentOf200Steps(): object {
  const steps = Array.from({ length: CHAINS }, (_, chain) =>
    Array.from({ length: LENGTH }, (_, n) => ({
      id: `s${chain}_${n}`,
      type: "transform",
      ...(n === 0 ? {} : { dependsOn: [`s${chain}_${n - 1}`] }),
      config: {
        output: {
          ref: "{{ input.ref }}",
          total: n === 0 ? "{{ input.amount }}" : `{{ steps.s${chain}_${n - 1}.output.total + ${n} }}`,
        },
      },
    })),
  );
  return { name: "two-hundred-steps", steps: steps.flat() };
}
