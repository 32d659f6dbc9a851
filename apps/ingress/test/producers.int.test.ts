// Producers' own libraries as clients of running ingresses.

import { randomUUID } from "node:crypto";
import { secretValue, webhookSecret } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Producer, PRODUCERS, type Signing } from "./support/producers.ts";
import { nowSeconds } from "./support/sign.ts";
import type { TestTenant, TestWorkflow } from "./support/tenant.ts";
import { createWorld, type RunningIngress, type World } from "./support/world.ts";

const SECRETS = {
  whsec: ["new", "old", "unknown"].map(() => webhookSecret(32)),
  text: ["new", "old", "unknown"].map((name) => `whsec_${secretValue(name)}`),
};

let world: World;
let first: RunningIngress;
let second: RunningIngress;

beforeAll(async () => {
  world = await createWorld();
  [first, second] = [await world.ingress(), await world.ingress()];
});
afterAll(() => world.close());

/** As no library would write it: what is signed are these bytes, and not what they mean. */
const bodyOf = (key: string) => `\r\n{ "id":"${key}" ,\t"event_id": "${key}",  "note" : "é♥😀\\u00e9\u2028" }\n `;

describe.each(PRODUCERS.map((producer) => ({ producer, name: producer.name })))("$name", ({ producer }) => {
  const [latest = "", previous = "", unknown = ""] = SECRETS[producer.secrets];
  let tenant: TestTenant;
  let workflow: TestWorkflow;

  beforeAll(async () => {
    tenant = await world.tenant();
    await tenant.secret("NEW", latest);
    await tenant.secret("OLD", previous);
    workflow = await hookOf(producer, tenant);
  });

  async function send(change: Partial<Signing> & { readonly sent?: string } = {}, ingress = first) {
    const key = change.key ?? `evt_${randomUUID()}`;
    const signing = { body: bodyOf(key), secret: latest, atSeconds: nowSeconds(), ...change, key };
    const headers = await producer.sign(signing);
    return ingress.send({ path: workflow.path(), headers, body: change.sent ?? signing.body });
  }

  it("has accepted what it signs, byte by byte, and would accept it itself", async () => {
    const key = `evt_${randomUUID()}`;
    const answer = await send({ key });
    expect([answer.status, answer.json.duplicate]).toEqual([202, false]);
    const execution = (await tenant.executions()).find(({ id }) => id === answer.json.executionId);
    expect(execution?.input).toEqual({ id: key, event_id: key, note: "é♥😀é\u2028" });
    const signing = { body: bodyOf(key), secret: latest, key, atSeconds: nowSeconds() };
    await producer.verify?.(await producer.sign(signing), signing.body, latest);
  });

  it("has a body refused that was changed on the way, were it by white space", async () => {
    const key = `evt_${randomUUID()}`;
    for (const sent of [bodyOf(key).trim(), bodyOf(`${key}0`), JSON.stringify(JSON.parse(bodyOf(key)))]) {
      expect((await send({ key, sent })).status).toBe(401);
    }
    expect((await send({ key })).json.duplicate).toBe(false);
  });

  it("may sign with either secret while they are rotated, and with no other", async () => {
    const statuses: number[] = [];
    for (const secret of [latest, previous, unknown]) statuses.push((await send({ secret })).status);
    expect(statuses).toEqual([202, 202, 401]);
  });

  it(`is ${producer.timed ? "refused" : "taken, since it signs no time,"} beyond five minutes either way`, async () => {
    const statuses: number[] = [];
    for (const seconds of [-290, 290, -310, 310]) {
      statuses.push((await send({ atSeconds: nowSeconds() + seconds })).status);
    }
    expect(statuses).toEqual(producer.timed ? [202, 202, 401, 401] : [202, 202, 202, 202]);
  });

  it("may repeat itself, signed anew and under the other secret, and starts nothing", async () => {
    const key = `evt_${randomUUID()}`;
    const once = await send({ key });
    const again = await send({ key, secret: previous, atSeconds: nowSeconds() - 60 }, second);
    expect(again.json).toMatchObject({ duplicate: true, executionId: once.json.executionId });
    expect((await send()).json.duplicate).toBe(false);
  });

  it("may send the same a hundred times at once to two ingresses: one execution", async () => {
    const before = (await tenant.executions()).length;
    const key = `evt_${randomUUID()}`;
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => send({ key }, i % 2 === 0 ? first : second)),
    );
    expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
    expect(new Set(answers.map(({ json }) => json.executionId)).size).toBe(1);
    expect(answers.filter(({ json }) => json.duplicate === false)).toHaveLength(1);
    expect(await tenant.executions()).toHaveLength(before + 1);
  });
});

function hookOf(producer: Producer, tenant: TestTenant): Promise<TestWorkflow> {
  const signature = { scheme: producer.scheme, secrets: ["NEW", "OLD"] };
  return tenant.workflow({ triggers: [{ id: "orders", type: "webhook", signature }] });
}
