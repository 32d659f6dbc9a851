// The numbered examples as their readers run them: started by their producers' own algorithms or by the API, against
// stand-ins that answer as the real services do; the good end, and the ends that they are written for.
import { type Example, openExample } from "@keelson/examples/open-example";
import { sendWebhook } from "@keelson/examples/client";
import { signedHeaders } from "@keelson/examples/sign";
import { startStandIns } from "@keelson/examples/stand-ins";
import { eventually } from "@keelson/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startEngine, type Engine } from "./support/engine.ts";
import { violations } from "./support/invariants.ts";

type StandIns = Awaited<ReturnType<typeof startStandIns>>;

let engine: Engine;
let standIns: StandIns;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  standIns = await startStandIns({ port: 0 });
});
afterEach(() => standIns.close());

const open = (folder: string) =>
  openExample({ ...engine.stack.urls, adminToken: engine.stack.adminToken }, folder, standIns.url);

/** What the tests change in a payload. */
interface Payload {
  type: string;
  readonly data: { readonly object: { last_payment_error?: object } };
  readonly workflow_run: { conclusion: string; head_branch: string };
}

/** Sends the example's payload, changed or not, signed; answers with the ended execution. */
async function sent(
  example: Example,
  scheme: string,
  secret: string,
  change: (payload: Payload) => void = () => undefined,
) {
  const payload: Payload = JSON.parse(await example.read("payload.json"));
  change(payload);
  const body = JSON.stringify(payload);
  const headers = signedHeaders(scheme, example.secrets[secret]!, body);
  const { executionId } = await sendWebhook(example.hookUrl!, body, headers);
  const execution = await example.client.ended(executionId);
  const again = await sendWebhook(example.hookUrl!, body, headers);
  expect(again).toMatchObject({ executionId, duplicate: true });
  return execution;
}

/** Starts the example with its input, changed or not; answers with the ended execution. */
async function started(example: Example, workflow: string, change: object = {}) {
  const input = { ...JSON.parse(await example.read("input.json")), ...change };
  const { id } = await example.client.call<{ id: string }>("POST", `/v1/workflows/${workflow}/executions`, { input });
  return example.client.ended(id);
}

type Ended = Awaited<ReturnType<typeof started>>;
const statusOf = ({ steps }: Ended) => Object.fromEntries(steps.map((step) => [step.id, step.status]));
const attemptsOf = ({ steps }: Ended, id: string) => steps.find((step) => step.id === id)?.attempts;
const requests = (host: string) => standIns.to(host).map(({ method, path }) => `${method} ${path}`);
/** What was sent as JSON; requests without a body are left out. */
const bodies = (host: string) => standIns.to(host).flatMap(({ text }) => (text === "" ? [] : [JSON.parse(text)]));
const keys = (host: string) => standIns.to(host).map(({ headers }) => headers["idempotency-key"]);

describe("01-stripe-to-ledger", () => {
  it("books what was paid and tells finance, through a ledger that is down and a Slack that is busy", async () => {
    standIns.answerNext("ledger.example.com", { status: 503 });
    standIns.answerNext("slack.com", { body: { ok: false, error: "ratelimited" } });
    const execution = await sent(await open("01-stripe-to-ledger"), "stripe", "STRIPE_WEBHOOK");
    expect(execution).toMatchObject({
      status: "succeeded",
      output: { kind: "paid", entryId: "le_pi_3PqKeelson0001" },
      labels: { event: "evt_1PqKeelson0001", payment: "pi_3PqKeelson0001" },
    });
    expect(statusOf(execution)).toMatchObject({
      tell_paid: "succeeded",
      tell_declined: "skipped",
      tell_unbooked: "skipped",
    });
    const key = `${execution.id}.ledger`;
    expect(keys("ledger.example.com")).toEqual([key, key]);
    expect(requests("ledger.example.com")).toEqual(["POST /v1/entries", "POST /v1/entries"]);
    expect(standIns.to("ledger.example.com")[0]?.headers["authorization"]).toBe("Bearer example-ledger-token");
    expect(bodies("ledger.example.com")[1]).toEqual({
      reference: "pi_3PqKeelson0001",
      bookedOn: "2026-01-01",
      currency: "EUR",
      lines: [
        { account: "1200", side: "debit", amount: "129.90" },
        { account: "8400", side: "credit", amount: "129.90" },
      ],
    });
    expect(attemptsOf(execution, "tell_paid")).toBe(2);
    expect(bodies("slack.com")[1]).toEqual({
      channel: "#finance",
      text: ":moneybag: 129.90 EUR for 1042, booked as le_pi_3PqKeelson0001",
    });
  });

  it("tells of a declined payment, and books nothing", async () => {
    const execution = await sent(await open("01-stripe-to-ledger"), "stripe", "STRIPE_WEBHOOK", (event) => {
      event.type = "payment_intent.payment_failed";
      event.data.object.last_payment_error = { message: "Your card was declined." };
    });
    expect(execution).toMatchObject({ status: "succeeded", output: { kind: "declined", entryId: null } });
    expect(requests("ledger.example.com")).toEqual([]);
    expect(bodies("slack.com")).toEqual([
      { channel: "#finance", text: ":x: pi_3PqKeelson0001 was declined: Your card was declined." },
    ]);
  });

  it("raises an alarm where the ledger refuses what was paid", async () => {
    standIns.answerNext("ledger.example.com", { status: 422, body: { error: "period closed" } });
    const execution = await sent(await open("01-stripe-to-ledger"), "stripe", "STRIPE_WEBHOOK");
    expect(execution.status).toBe("succeeded");
    expect(statusOf(execution)).toMatchObject({ ledger: "failed", tell_paid: "skipped", tell_unbooked: "succeeded" });
    expect(bodies("slack.com")).toEqual([
      { channel: "#finance-alerts", text: expect.stringContaining("pi_3PqKeelson0001 is paid, and not booked: ") },
    ]);
  });
});

describe("02-github-ci", () => {
  const REPOSITORY = "/repos/octo-org/octo-repo";

  it("deploys a green commit and tells GitHub", async () => {
    const execution = await sent(await open("02-github-ci"), "github", "GITHUB_WEBHOOK");
    expect(execution).toMatchObject({ status: "succeeded", output: { deployed: true, failed: [] } });
    expect(execution.labels).toEqual({
      repository: "octo-org/octo-repo",
      commit: "acb5820ced9479c074f688cc328bf03f341a511d",
    });
    expect(requests("api.github.com")).toEqual([
      `GET ${REPOSITORY}/actions/runs/30433642/jobs`,
      `POST ${REPOSITORY}/deployments`,
      `POST ${REPOSITORY}/deployments/42/statuses`,
    ]);
    const [jobs, , status] = standIns.to("api.github.com");
    expect(jobs?.query.get("per_page")).toBe("100");
    expect(jobs?.headers).toMatchObject({
      accept: "application/vnd.github+json",
      authorization: "Bearer ghs_exampleExampleExample",
      "x-github-api-version": "2022-11-28",
    });
    expect(JSON.parse(status!.text)).toEqual({
      state: "success",
      environment_url: "https://octo.example.com",
      description: "Released",
    });
  });

  it("tells GitHub of a release that failed, after its attempts", async () => {
    standIns.answerNext("deploy.example.com", { status: 502 }, { status: 502 }, { status: 502 });
    const execution = await sent(await open("02-github-ci"), "github", "GITHUB_WEBHOOK");
    expect(execution).toMatchObject({ status: "succeeded", output: { deployed: false } });
    expect(new Set(keys("deploy.example.com"))).toEqual(new Set([`${execution.id}.release`]));
    expect(keys("deploy.example.com")).toHaveLength(3);
    expect(bodies("api.github.com").at(-1)).toMatchObject({ state: "failure" });
  });

  it("marks a red commit, naming what failed", async () => {
    const jobs = ["test", "lint"].map((name) => ({ name, conclusion: "failure" }));
    standIns.answerNext("api.github.com", { body: { jobs } });
    const execution = await sent(await open("02-github-ci"), "github", "GITHUB_WEBHOOK", (event) => {
      event.workflow_run.conclusion = "failure";
    });
    expect(execution).toMatchObject({ status: "succeeded", output: { deployed: false, failed: ["lint", "test"] } });
    expect(requests("api.github.com").at(-1)).toBe(
      `POST ${REPOSITORY}/statuses/acb5820ced9479c074f688cc328bf03f341a511d`,
    );
    expect(standIns.to("deploy.example.com")).toEqual([]);
  });

  it("lets other branches be", async () => {
    const execution = await sent(await open("02-github-ci"), "github", "GITHUB_WEBHOOK", (event) => {
      event.workflow_run.head_branch = "wip";
    });
    expect(execution).toMatchObject({ status: "succeeded", output: { deployed: false, failed: [] } });
    expect(requests("api.github.com")).toEqual([]);
  });
});

describe("03-shopify-to-erp", () => {
  it("hands an order over in a signed request, and tags it with the ERP's number", async () => {
    const execution = await sent(await open("03-shopify-to-erp"), "shopify", "SHOPIFY_APP_SECRET");
    expect(execution).toMatchObject({
      status: "succeeded",
      output: { number: "SO-1000", repeated: false },
      labels: { order: "#1042", customer: "Ada@Example.com" },
    });
    expect(bodies("erp.example.com")).toEqual([
      {
        externalId: "shopify-8209829119461",
        orderedAt: "2026-01-15T09:30:00.000Z",
        currency: "EUR",
        customer: { email: "ada@example.com", name: "Ada Lovelace" },
        lines: [
          { sku: "TEA-EARL-100", quantity: 2, net: 19.9 },
          { sku: "MUG-WHITE", quantity: 1, net: 14.5 },
        ],
        total: 34.4,
      },
    ]);
    expect(keys("erp.example.com")).toEqual([`${execution.id}.erp`]);
    expect(requests("example.myshopify.com")).toEqual(["PUT /admin/api/2026-01/orders/8209829119461.json"]);
    expect(bodies("example.myshopify.com")).toEqual([{ order: { id: 8209829119461, tags: "vip, erp-SO-1000" } }]);
  });

  it("takes the ERP's 409 for what it is: the order is there already", async () => {
    const example = await open("03-shopify-to-erp");
    await sent(example, "shopify", "SHOPIFY_APP_SECRET");
    const execution = await sent(example, "shopify", "SHOPIFY_APP_SECRET");
    expect(execution).toMatchObject({ status: "succeeded", output: { number: "SO-1000", repeated: true } });
    expect(requests("erp.example.com").slice(1)).toEqual(["POST /api/orders", "GET /api/orders"]);
  });

  it("sends the same order, key and signature again while the ERP is down", async () => {
    standIns.answerNext("erp.example.com", { status: 503 }, { status: 500 });
    const execution = await sent(await open("03-shopify-to-erp"), "shopify", "SHOPIFY_APP_SECRET");
    expect(execution).toMatchObject({ status: "succeeded", output: { number: "SO-1000" } });
    const seen = standIns.to("erp.example.com").map(({ text, headers }) => [text, headers["x-erp-signature"]]);
    expect(seen).toHaveLength(3);
    expect(new Set(seen.map((part) => JSON.stringify(part))).size).toBe(1);
    expect(new Set(keys("erp.example.com")).size).toBe(1);
  });
});

describe("04-poll-until-done", () => {
  it("asks until the job has ended, then fetches what it made", async () => {
    const execution = await started(await open("04-poll-until-done"), "poll-until-done");
    expect(execution).toMatchObject({
      status: "succeeded",
      output: { state: "done", files: ["talk.mp4", "talk.vtt"], reason: null },
      labels: { video: "s3://media/talk-1042.mov" },
    });
    const poll = "GET /v1/jobs/job%201";
    expect(requests("render.example.com")).toEqual(["POST /v1/jobs", poll, poll, poll, `${poll}/manifest`]);
    expect(attemptsOf(execution, "poll")).toBe(3);
    expect(JSON.parse(standIns.to("render.example.com")[0]!.text)).toEqual({
      source: "s3://media/talk-1042.mov",
      height: 1080,
    });
  });

  it("ends with the reason of a job that broke", async () => {
    standIns.answerNext(
      "render.example.com",
      { status: 202, body: { id: "j" } },
      { body: { state: "failed", reason: "codec" } },
    );
    const execution = await started(await open("04-poll-until-done"), "poll-until-done");
    expect(execution).toMatchObject({ status: "succeeded", output: { state: "failed", files: [], reason: "codec" } });
  });

  it("refuses an input that does not fit", async () => {
    const refused = started(await open("04-poll-until-done"), "poll-until-done", { height: 999 });
    await expect(refused).rejects.toThrow(/422.*INPUT_INVALID/);
  });
});

describe("05-nightly-sync", () => {
  const SHA_256: unknown = expect.stringMatching(/^[0-9a-f]{64}$/);

  it("begins each sync where the last one that succeeded ended", async () => {
    const { client } = await open("05-nightly-sync");
    const { items } = await client.call<{ items: { id: string; next: string[] }[] }>("GET", "/v1/schedules");
    expect(items[0]?.next).toHaveLength(5);
    const run = async () => {
      const { id } = await client.call<{ id: string }>("POST", `/v1/schedules/${items[0]?.id}/run`);
      return client.ended(id) as Promise<Ended & { output: { since: string; until: string; loaded: number } }>;
    };
    standIns.answerNext("crm.example.com", { status: 500 });
    const first = await run();
    expect(first).toMatchObject({ status: "succeeded", output: { since: "1970-01-01T00:00:00Z", loaded: 2 } });
    expect(attemptsOf(first, "changed")).toBe(2);
    expect(bodies("warehouse.example.com")).toEqual([
      {
        rows: [
          { key: SHA_256, country: "GB", source: "c-1" },
          { key: SHA_256, country: "US", source: "c-2" },
        ],
        byCountry: { GB: 1, US: 1 },
      },
    ]);

    standIns.answerNext("crm.example.com", { status: 404 });
    expect((await run()).status).toBe("failed");
    const third = await run();
    expect(third).toMatchObject({ status: "succeeded", output: { since: first.output.until, loaded: 0 } });
    const asked = standIns.to("crm.example.com").at(-1)!;
    expect(asked.query.getAll("fields")).toEqual(["id", "email", "country"]);
    expect(asked.query.has("page_token")).toBe(false);
    expect(asked.query.get("updated_since")).toBe(first.output.until);
    expect(standIns.to("warehouse.example.com")).toHaveLength(1);
  });
});

describe("06-oauth-then-call", () => {
  it("takes a new token where the first is refused as expired", async () => {
    const execution = await started(await open("06-oauth-then-call"), "oauth-then-call");
    expect(execution).toMatchObject({ status: "succeeded", output: { invoices: 2, due: 199.95 } });
    expect(statusOf(execution)).toMatchObject({ call: "failed", new_token: "succeeded", call_again: "succeeded" });
    const [first] = standIns.to("login.example.com");
    expect(first?.text).toBe("grant_type=client_credentials&scope=invoices%3Aread");
    expect(first?.headers["content-type"]).toContain("application/x-www-form-urlencoded");
    expect(standIns.to("books.example.com").map(({ headers }) => headers["authorization"])).toEqual([
      "Bearer token-number-1",
      "Bearer token-number-2",
    ]);
    expect(standIns.to("books.example.com")[0]?.query.toString()).toBe("month=2026-01&status=open&status=overdue");
  });

  it("needs one token where that is good", async () => {
    standIns.answerNext("login.example.com", { body: { access_token: "fresh", token_type: "bearer" } });
    const execution = await started(await open("06-oauth-then-call"), "oauth-then-call");
    expect(execution).toMatchObject({ status: "succeeded", output: { invoices: 2 } });
    expect(standIns.to("login.example.com")).toHaveLength(1);
    expect(statusOf(execution)).toMatchObject({ expired: "skipped", call_again: "skipped", summary: "succeeded" });
  });

  it("fails where it is not the token's fault, and shows no secret", async () => {
    standIns.answerNext("books.example.com", { status: 403, body: { error: "plan" } });
    const execution = await started(await open("06-oauth-then-call"), "oauth-then-call");
    expect(execution).toMatchObject({ status: "failed", error: { code: "NO_CASE" } });
    expect(standIns.to("login.example.com")).toHaveLength(1);
    expect(JSON.stringify(execution)).not.toContain("example-client-secret");
  });
});

describe("07-try-catch-merge", () => {
  it("catches a refusal with the other warehouse, and goes on from there", async () => {
    const execution = await sent(await open("07-try-catch-merge"), "standard", "SHOP_WEBHOOK");
    expect(execution).toMatchObject({
      status: "succeeded",
      output: { from: "far", reservation: "res-77" },
      labels: { orderId: "1042" },
    });
    expect(bodies("far.example.com")[0]).toMatchObject({ order: "1042", because: "HTTP_STATUS" });
    expect(bodies("shop.example.com")).toEqual([{ event: "reserved", reservation: "res-77" }]);
  });

  it("needs no other warehouse where the first one has it, whichever secret signed", async () => {
    standIns.answerNext("near.example.com", { status: 503 }, { status: 201, body: { id: "res-1" } });
    const execution = await sent(await open("07-try-catch-merge"), "standard", "SHOP_WEBHOOK_OLD");
    expect(execution).toMatchObject({ status: "succeeded", output: { from: "near", reservation: "res-1" } });
    expect(statusOf(execution)).toMatchObject({ far: "skipped", backorder: "skipped", close: "succeeded" });
    expect(keys("near.example.com")).toEqual([`${execution.id}.near`, `${execution.id}.near`]);
  });

  it("closes with a backorder where neither has it", async () => {
    standIns.answerNext("far.example.com", { status: 409 });
    const execution = await sent(await open("07-try-catch-merge"), "standard", "SHOP_WEBHOOK");
    expect(execution).toMatchObject({ status: "succeeded", output: { from: null, reservation: null } });
    expect(requests("shop.example.com")).toEqual(["POST /orders/1042/backorder", "POST /orders/1042/events"]);
    expect(bodies("shop.example.com")[1]).toEqual({ event: "backordered", reservation: null });
  });
});

describe("08-alert-on-failure", () => {
  it("opens an incident for the failure, once", async () => {
    const { client, ...example } = await open("08-alert-on-failure");
    const execution = await started({ client, ...example }, "import-feed");
    expect(execution).toMatchObject({ status: "failed", error: { code: "HTTP_STATUS", step: "feed" } });
    const list = await eventually(async () => {
      const path = `/v1/executions?label=execution:${execution.id}`;
      const { items } = await client.call<{ items: { id: string }[] }>("GET", path);
      expect(items).toHaveLength(1);
      return items;
    });
    const alert = await client.ended(list[0]!.id);
    expect(alert).toMatchObject({
      status: "succeeded",
      output: { incident: "keelson-import-feed-HTTP_STATUS-feed" },
      labels: { failed: "import-feed", execution: execution.id },
    });
    expect(bodies("events.pagerduty.com")).toEqual([
      {
        routing_key: "example0pagerduty0integration0key",
        event_action: "trigger",
        dedup_key: "keelson-import-feed-HTTP_STATUS-feed",
        payload: {
          summary: expect.stringMatching(/^import-feed failed: /),
          source: "keelson",
          severity: "error",
          custom_details: { code: "HTTP_STATUS", step: "feed", executionId: execution.id, input: { supplier: "acme" } },
        },
      },
    ]);
    expect(requests("hooks.slack.com")).toEqual(["POST /services/T000/B000/exampleExample"]);
    expect(bodies("hooks.slack.com")[0].text).toMatch(/^\d\d:\d\d \*import-feed\* failed at feed: HTTP_STATUS$/);
  });

  it("starts nothing where the import succeeds", async () => {
    const products = [
      { sku: "a", price: 1 },
      { sku: "b", price: 0 },
    ];
    standIns.answerNext("feeds.example.com", { body: { products } });
    const { client, ...example } = await open("08-alert-on-failure");
    const execution = await started({ client, ...example }, "import-feed");
    expect(execution).toMatchObject({ status: "succeeded", output: { products: 1 } });
    expect(bodies("shop.example.com")).toEqual([{ a: 1 }]);
    const list = await client.call<{ items: unknown[] }>("GET", "/v1/executions?workflow=page-on-call");
    expect(list.items).toEqual([]);
  });
});

it("leaves nothing behind that breaks a rule of the engine", async () => {
  expect(await violations(engine)).toEqual([]);
});
