// Each scheme from end to end, signed by the algorithm that its producer documents; and secrets as they change.

import type { Signature } from "@keelson/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorld, type RunningIngress, type World } from "./support/world.ts";
import {
  githubHeaders,
  hmac,
  nowSeconds,
  OTHER_WHSEC,
  shopifyHeaders,
  slackHeaders,
  standardHeaders,
  stripeHeaders,
  WHSEC,
} from "./support/sign.ts";
import type { TestTenant, TestWorkflow } from "./support/tenant.ts";

const SECRET = "It's a Secret to Everybody";
const BODY = JSON.stringify({ id: "evt_1", event_id: "Ev1", name: "é" });

let world: World;
let ingress: RunningIngress;
let tenant: TestTenant;

beforeAll(async () => {
  world = await createWorld();
  ingress = await world.ingress();
  tenant = await world.tenant();
  await tenant.secret("PLAIN", SECRET);
  await tenant.secret("WHSEC", WHSEC);
});
afterAll(() => world.close());

const hook = (signature: Signature): Promise<TestWorkflow> =>
  tenant.workflow({ triggers: [{ id: "orders", type: "webhook", signature }] });

type Headers = Readonly<Record<string, string>>;
interface Scheme {
  readonly signature: Signature;
  readonly sign: (body: string, key: string) => Headers;
  readonly signatureHeader: string;
  /** Whether the key comes with a header, or with the body. */
  readonly keyIn: "header" | "body";
}
const hmacHeaders =
  (header: string, prefix: string, encoding: "hex" | "base64") =>
  (body: string, key: string): Headers => ({
    "content-type": "application/json",
    [header]: prefix + hmac(SECRET, [body], encoding),
    "x-event": key,
  });

const SCHEMES: Readonly<Record<string, Scheme>> = {
  standard: {
    signature: { scheme: "standard", secrets: ["WHSEC"] },
    sign: (body, id) => standardHeaders(body, { id }),
    signatureHeader: "webhook-signature",
    keyIn: "header",
  },
  "standard by default": {
    signature: { secrets: ["WHSEC"] },
    sign: (body, id) => standardHeaders(body, { id }),
    signatureHeader: "webhook-signature",
    keyIn: "header",
  },
  github: {
    signature: { scheme: "github", secrets: ["PLAIN"] },
    sign: (body, key) => githubHeaders(body, SECRET, key),
    signatureHeader: "x-hub-signature-256",
    keyIn: "header",
  },
  stripe: {
    signature: { scheme: "stripe", secrets: ["PLAIN"] },
    sign: (body) => stripeHeaders(body, SECRET),
    signatureHeader: "stripe-signature",
    keyIn: "body",
  },
  slack: {
    signature: { scheme: "slack", secrets: ["PLAIN"] },
    sign: (body) => slackHeaders(body, SECRET),
    signatureHeader: "x-slack-signature",
    keyIn: "body",
  },
  shopify: {
    signature: { scheme: "shopify", secrets: ["PLAIN"] },
    sign: (body, key) => shopifyHeaders(body, SECRET, key),
    signatureHeader: "x-shopify-hmac-sha256",
    keyIn: "header",
  },
  "hmac in hex": {
    signature: { scheme: "hmac", secrets: ["PLAIN"], header: "X-Own", encoding: "hex", idHeader: "X-Event" },
    sign: hmacHeaders("x-own", "", "hex"),
    signatureHeader: "x-own",
    keyIn: "header",
  },
  "hmac in base64 after a prefix": {
    signature: {
      scheme: "hmac",
      secrets: ["PLAIN"],
      header: "x-own",
      encoding: "base64",
      prefix: "hmac ",
      idHeader: "x-event",
    },
    sign: hmacHeaders("x-own", "hmac ", "base64"),
    signatureHeader: "x-own",
    keyIn: "header",
  },
};

describe.each(Object.entries(SCHEMES))("%s", (_name, scheme) => {
  it("takes what is rightly signed once, and refuses what is not", async () => {
    const workflow = await hook(scheme.signature);
    const headers = scheme.sign(BODY, "key-1");
    const first = await ingress.send({ path: workflow.path(), headers, body: BODY });
    expect([first.status, first.json?.duplicate]).toEqual([202, false]);
    const again = await ingress.send({ path: workflow.path(), headers: scheme.sign(BODY, "key-1"), body: BODY });
    expect(again.json).toMatchObject({ duplicate: true, executionId: first.json.executionId });
    const otherBody = BODY.replaceAll("1", "2");
    const other = await ingress.send({
      path: workflow.path(),
      headers: scheme.sign(otherBody, "key-2"),
      body: otherBody,
    });
    expect(other.json).toMatchObject({ duplicate: false });
    const tampered = await ingress.send({ path: workflow.path(), headers, body: `${BODY} ` });
    expect(tampered.status).toBe(401);
    const { [scheme.signatureHeader]: _signature, ...unsigned } = headers;
    expect((await ingress.send({ path: workflow.path(), headers: unsigned, body: BODY })).status).toBe(401);
  });
});

describe("slack", () => {
  const CHECK = JSON.stringify({ type: "url_verification", token: "t", challenge: "3eZbrw1aBm2rZgRNFdxV2595E9CY" });

  it("has its signed check of the address answered with the challenge, and nothing started", async () => {
    const workflow = await hook({ scheme: "slack", secrets: ["PLAIN"] });
    const before = (await tenant.executions()).length;
    const answer = await ingress.send({ path: workflow.path(), headers: slackHeaders(CHECK, SECRET), body: CHECK });
    expect([answer.status, answer.json]).toEqual([200, { challenge: "3eZbrw1aBm2rZgRNFdxV2595E9CY" }]);
    expect(await tenant.executions()).toHaveLength(before);
  });

  it("answers no check that is wrongly signed or old", async () => {
    const workflow = await hook({ scheme: "slack", secrets: ["PLAIN"] });
    for (const headers of [slackHeaders(CHECK, "wrong"), slackHeaders(CHECK, SECRET, nowSeconds() - 400)]) {
      const answer = await ingress.send({ path: workflow.path(), headers, body: CHECK });
      expect(answer.status).toBe(401);
      expect(answer.text).not.toContain("3eZbrw1aBm2rZgRNFdxV2595E9CY");
    }
  });

  it("alone is checked so: to another scheme it is a body like any", async () => {
    const workflow = await hook({ scheme: "github", secrets: ["PLAIN"] });
    const headers = githubHeaders(CHECK, SECRET, "d-1");
    expect((await ingress.send({ path: workflow.path(), headers, body: CHECK })).status).toBe(202);
  });
});

describe("none", () => {
  it("takes what anyone sends, each time anew", async () => {
    const workflow = await hook({ scheme: "none" });
    for (let i = 0; i < 2; i++) {
      const answer = await ingress.send({
        path: workflow.path(),
        headers: { "content-type": "text/plain" },
        body: "hello",
      });
      expect([answer.status, answer.json.duplicate]).toEqual([202, false]);
    }
  });
});

describe("secrets", () => {
  const ROTATING: Signature = { scheme: "standard", secrets: ["OLD", "NEW"] };

  it("pass in any number while they are rotated, and not beyond", async () => {
    await tenant.secret("OLD", WHSEC);
    await tenant.secret("NEW", OTHER_WHSEC);
    const workflow = await hook(ROTATING);
    const send = (secret: string) =>
      ingress.send({ path: workflow.path(), headers: standardHeaders(BODY, { secret }), body: BODY });
    expect([(await send(WHSEC)).status, (await send(OTHER_WHSEC)).status]).toEqual([202, 202]);
    await tenant.secret("OLD", null);
    ingress.clock.passedMs += 1_000;
    expect([(await send(WHSEC)).status, (await send(OTHER_WHSEC)).status]).toEqual([401, 202]);
  });

  it("that are new pass at once, although the hook is remembered without them", async () => {
    const workflow = await hook({ secrets: ["ADDED"] });
    const send = () => ingress.send({ path: workflow.path(), headers: standardHeaders(BODY), body: BODY });
    expect((await send()).status).toBe(401);
    await tenant.secret("ADDED", WHSEC);
    expect((await send()).status).toBe(202);
  });

  it("that have changed hold at once where the change is told of", async () => {
    await tenant.secret("CHANGING", WHSEC);
    const workflow = await hook({ secrets: ["CHANGING"] });
    const send = (secret: string) =>
      ingress.send({ path: workflow.path(), headers: standardHeaders(BODY, { secret }), body: BODY });
    expect((await send(WHSEC)).status).toBe(202);
    await tenant.secret("CHANGING", OTHER_WHSEC);
    ingress.hooks.forgetTenant(tenant.id);
    expect([(await send(WHSEC)).status, (await send(OTHER_WHSEC)).status]).toEqual([401, 202]);
  });
});
