// One tenant does its worst within its limits; another works on. Asked of order and counts, not of a clock: all of the
// victim's end well while the other's are still at it. How much longer they took is printed.
import { eventually, recordingTarget, type RecordingTarget } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ended, startEngine, type Engine, type Tenant } from "./support/engine.ts";
import { violations } from "./support/invariants.ts";

const WORKERS = 2;
/** The victim's executions in each situation, one after the other. */
const RUNS = Number(process.env["KEELSON_HOSTILE_RUNS"] ?? 15);

let engine: Engine;
let target: RecordingTarget;
let victim: Tenant;
let alone: readonly number[];

beforeAll(async () => {
  target = await recordingTarget();
  engine = await startEngine({ counts: { worker: WORKERS } });
  victim = await engine.tenant();
  await victim.save(VICTIMS());
  await victims();
  alone = await victims();
}, 120_000);
afterAll(async () => {
  await engine.stop();
  await target.close();
}, 120_000);

/** As workflows are: two requests, and a little reshaping and choosing between them. */
const VICTIMS = (): object => ({
  name: "victims",
  steps: [
    { id: "read", type: "http", config: { url: `${target.url}/read` } },
    {
      id: "shape",
      type: "transform",
      dependsOn: ["read"],
      config: { output: { n: "{{ steps.read.output.status }}" } },
    },
    { id: "is", type: "condition", dependsOn: ["shape"], config: { if: "steps.shape.output.n == 200" } },
    {
      id: "tell",
      type: "http",
      dependsOn: ["is:true"],
      config: { method: "POST", url: `${target.url}/tell`, body: {} },
    },
  ],
});

/** Runs the victim's executions one after the other: how long each took by PostgreSQL's clock, in ms. */
async function victims(): Promise<number[]> {
  const ids: string[] = [];
  for (let n = 0; n < RUNS; n += 1) {
    const id = await victim.start("victims");
    expect(await ended(victim, id)).toMatchObject({ status: "succeeded" });
    ids.push(id);
  }
  const rows = await engine.query<{ ms: number }>(
    `select (extract(epoch from finished_at - created_at) * 1000)::float8 as ms from keelson.executions where id = any($1)`,
    [ids],
  );
  return rows.map(({ ms }) => ms).toSorted((a, b) => a - b);
}

interface Attack {
  readonly tenant: Tenant;
}

/** Runs the victim's while the other does its worst; what of the other's has not ended by then. */
async function underAttack(what: string, attack: () => Promise<Attack>): Promise<{ unfinished: number }> {
  const { tenant } = await attack();
  await eventually(async () => expect(await count(tenant, "started_at is not null")).toBeGreaterThan(0), {
    withinMs: 60_000,
  });
  const under = await victims();
  const unfinished = await count(tenant, "finished_at is null");
  print(what, under);
  expect(await violations(engine)).toEqual([]);
  return { unfinished };
}

async function count(tenant: Tenant, condition: string): Promise<number> {
  const [row] = await engine.query<{ n: number }>(
    `select count(*)::int as n from keelson.executions where tenant_id = $1 and ${condition}`,
    [tenant.id],
  );
  return row?.n ?? 0;
}

function print(what: string, under: readonly number[]): void {
  const at = (values: readonly number[], share: number): number =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
  const ratio = (share: number): string => (at(under, share) / at(alone, share)).toFixed(1);
  process.stderr.write(
    `    ${what}: p50 ${at(alone, 0.5).toFixed(0)} → ${at(under, 0.5).toFixed(0)} ms (×${ratio(0.5)}), ` +
      `p99 ${at(alone, 0.99).toFixed(0)} → ${at(under, 0.99).toFixed(0)} ms (×${ratio(0.99)})\n`,
  );
}

async function hostileWith(definition: object, starts: number, input: unknown = {}): Promise<Attack> {
  const tenant = await engine.tenant();
  await tenant.save(definition);
  for (let n = 0; n < starts; n += 1) await tenant.start("worst", input);
  return { tenant };
}

it("costs another tenant little by expressions at their bound: 100 executions with 50 of them each", async () => {
  const steps = Array.from({ length: 50 }, (_, n) => ({
    id: `s${n}`,
    type: "transform",
    config: { output: "{{ range(0, 60000).map(i => i + 1).length }}" },
  }));
  const worst = (): Promise<Attack> => hostileWith({ name: "worst", steps }, 100);
  expect((await underAttack("expressions at their bound", worst)).unfinished).toBeGreaterThan(0);
}, 240_000);
