// The signature doctor at a running ingress: which secrets it may try, who learns of what it finds, and when.

import { randomUUID } from "node:crypto";
import type { Signature } from "@keelson/contracts";
import { type Database, openDatabase, retireOnce } from "@keelson/db";
import { eventually, webhookSecret } from "@keelson/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { post } from "./support/post.ts";
import { githubHeaders, OTHER_WHSEC, standardHeaders, stripeHeaders, WHSEC } from "./support/sign.ts";
import type { DeliveryRow, TestTenant, TestWorkflow } from "./support/tenant.ts";
import { createWorld, type RunningIngress, type World } from "./support/world.ts";

const BODY = JSON.stringify({ orderId: "o-1" });
const THIRD_WHSEC = webhookSecret(32);

let world: World;
let ingress: RunningIngress;
let admin: Database;
let tenant: TestTenant;
let workflow: TestWorkflow;

beforeAll(async () => {
  world = await createWorld();
  ingress = await world.ingress();
  admin = openDatabase({ url: world.database.adminUrl, applicationName: "keelson-test-admin", maxConnections: 2 });
});
afterAll(async () => {
  await admin.close();
  await world.close();
});
beforeEach(async () => {
  tenant = await world.tenant();
  await tenant.secret("HOOK", WHSEC);
  workflow = await hook({ secrets: ["HOOK"] });
});

const hook = (signature: Signature, of = tenant) =>
  of.workflow({ triggers: [{ id: "orders", type: "webhook", signature }] });

/** The reason that the tenant reads of a delivery which its sender is only told to be refused. */
async function reasonOf(headers: Record<string, string>, at = workflow): Promise<NonNullable<DeliveryRow["reason"]>> {
  const answer = await ingress.send({ path: at.path(), headers, body: BODY });
  expect(answer.status).toBe(401);
  const reason = (await tenant.deliveries()).at(-1)?.reason;
  if (reason === null || reason === undefined) throw new Error("The delivery has no reason.");
  return reason;
}

describe("the secrets that it tries", () => {
  it("are those of the tenant's other triggers, as their scheme uses them", async () => {
    await tenant.secret("PAY", "stripe's secret");
    await hook({ scheme: "stripe", secrets: ["PAY"] });
    const reason = await reasonOf(stripeHeaders(BODY, "stripe's secret"));
    expect(reason).toMatchObject({ code: "SECRET_OF_OTHER_TRIGGER", text: expect.stringContaining('"PAY"') });
  });

  it("are none that no trigger names", async () => {
    await tenant.secret("API_TOKEN", OTHER_WHSEC);
    const reason = await reasonOf(standardHeaders(BODY, { secret: OTHER_WHSEC }));
    expect(reason.code).toBe("SIGNATURE_MISMATCH");
  });

  it("are none of an archived workflow, nor of a trigger that the latest version left out", async () => {
    await tenant.secret("OTHER", OTHER_WHSEC);
    const other = await hook({ secrets: ["OTHER"] });
    const send = () => reasonOf(standardHeaders(BODY, { secret: OTHER_WHSEC }));
    expect((await send()).code).toBe("SECRET_OF_OTHER_TRIGGER");
    await other.save({});
    expect((await send()).code).toBe("SIGNATURE_MISMATCH");
    await other.save({ triggers: [{ id: "orders", type: "webhook", signature: { secrets: ["OTHER"] } }] });
    expect((await send()).code).toBe("SECRET_OF_OTHER_TRIGGER");
    await other.archive();
    expect((await send()).code).toBe("SIGNATURE_MISMATCH");
  });

  it("are none of another tenant's, by whatever name", async () => {
    const stranger = await world.tenant();
    await stranger.secret("HOOK", OTHER_WHSEC);
    await stranger.secret("STRANGE", OTHER_WHSEC);
    await hook({ secrets: ["STRANGE", "HOOK"] }, stranger);
    expect((await reasonOf(standardHeaders(BODY, { secret: OTHER_WHSEC }))).code).toBe("SIGNATURE_MISMATCH");
  });

  it("are the value that a secret had before its last change, which passes no check", async () => {
    await tenant.secret("HOOK", OTHER_WHSEC);
    ingress.hooks.forgetAll();
    const reason = await reasonOf(standardHeaders(BODY));
    expect(reason.code).toBe("SECRET_REPLACED");
    expect(reason.text).toMatch(/value that the secret "HOOK" had until \d{4}-\d\d-\d\dT[\d:.]+Z\.$/);
    await tenant.secret("HOOK", THIRD_WHSEC);
    expect((await reasonOf(standardHeaders(BODY))).code).toBe("SIGNATURE_MISMATCH");
    expect((await reasonOf(standardHeaders(BODY, { secret: OTHER_WHSEC }))).code).toBe("SECRET_REPLACED");
    expect(await tenant.executions()).toEqual([]);
  });
});

describe("the value before the last change", () => {
  const kept = async () => {
    const { rows } = await admin.pool.query("select * from keelson.replaced_secrets where tenant_id = $1", [tenant.id]);
    return rows;
  };

  it("is sealed, and bound to its tenant and name", async () => {
    await tenant.secret("HOOK", OTHER_WHSEC);
    const [row] = await kept();
    expect(row.ciphertext.includes(WHSEC)).toBe(false);
    const sealed = { ciphertext: row.ciphertext, nonce: row.nonce, keyVersion: row.key_version };
    expect(world.box.open(tenant.id, "HOOK", sealed)).toBe(WHSEC);
    expect(() => world.box.open(tenant.id, "OTHER", sealed)).toThrow();
  });

  it("is gone when its secret is deleted", async () => {
    await tenant.secret("HOOK", OTHER_WHSEC);
    await tenant.secret("HOOK", null);
    expect(await kept()).toEqual([]);
  });

  it("explains nothing after 24 hours, and is then deleted", async () => {
    await tenant.secret("HOOK", OTHER_WHSEC);
    await admin.pool.query(
      "update keelson.replaced_secrets set replaced_at = now() - interval '25 hours' where tenant_id = $1",
      [tenant.id],
    );
    expect((await reasonOf(standardHeaders(BODY))).code).toBe("SIGNATURE_MISMATCH");
    const longAgo = new Date(0);
    await retireOnce(admin, { executions: longAgo, deliveries: longAgo, workers: longAgo });
    expect(await kept()).toEqual([]);
  });
});

describe("what it finds", () => {
  it("is the tenant's alone: senders get the same answer, whatever is wrong", async () => {
    await tenant.secret("PAY", "plain");
    await hook({ scheme: "github", secrets: ["PAY"] });
    const wrongs: Record<string, string>[] = [
      githubHeaders(BODY, "plain", "d-1"),
      standardHeaders(BODY, { secret: OTHER_WHSEC }),
      standardHeaders(BODY, { atMs: Date.now() - 412_000 }),
      standardHeaders(`${BODY}\n`),
      { "content-type": "application/json" },
    ];
    const answers = new Set<string>();
    for (const headers of wrongs) {
      const sent = { ...headers, "x-request-id": "same" };
      const answer = await ingress.send({ path: workflow.path(), headers: sent, body: BODY });
      const { date: _date, ...rest } = answer.headers;
      answers.add(JSON.stringify([answer.status, answer.text, rest]));
    }
    expect(answers.size).toBe(1);
    const codes = (await tenant.deliveries()).map(({ reason }) => reason?.code);
    expect(new Set(codes).size).toBe(wrongs.length);
  });

  it("is found after the answer: a sender does not wait for it", async () => {
    const blocker = await admin.pool.connect();
    try {
      await blocker.query("begin");
      await blocker.query("lock table keelson.replaced_secrets in access exclusive mode");
      const headers = standardHeaders(`${BODY}\n`);
      const answer = await post(ingress.url, { path: workflow.path(), headers, body: BODY });
      expect(answer.status).toBe(401);
      expect(await tenant.deliveries()).toEqual([]);
      const right = await post(ingress.url, { path: workflow.path(), headers: standardHeaders(BODY), body: BODY });
      expect(right.status).toBe(202);
    } finally {
      await blocker.query("rollback");
      blocker.release();
    }
    await eventually(async () => {
      const rejected = (await tenant.deliveries()).filter(({ status }) => status === "rejected");
      expect(rejected.map(({ reason }) => reason?.code)).toEqual(["BODY_REWRITTEN"]);
    });
  });

  it("is what verification said where it cannot look", async () => {
    await hook({ secrets: ["BROKEN"] });
    await tenant.secret("BROKEN", "x");
    await admin.pool.query(
      "update keelson.secrets set nonce = decode(repeat('00', 12), 'hex') where tenant_id = $1 and name = $2",
      [tenant.id, "BROKEN"],
    );
    const headers = { ...standardHeaders(BODY), "webhook-signature": `v1,${randomUUID()}` };
    expect((await reasonOf(headers)).code).toBe("SIGNATURE_MISMATCH");
    expect(ingress.logLines.join("\n")).toContain("delivery.rejection_not_kept");
  });
});
