// Producers as the world has them: those with a library sign with it, the others as their documentation says.

import { createHmac } from "node:crypto";
import type { Signature } from "@keelson/contracts";
import { Webhooks } from "@octokit/webhooks";
import { sign as signGithub } from "@octokit/webhooks-methods";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Stripe } from "stripe";
import { Webhook as SvixWebhook } from "svix";

type Headers = Record<string, string>;

export interface Signing {
  readonly body: string;
  readonly secret: string;
  /** What makes it a repeat; also in the body, as `id` and `event_id`. */
  readonly key: string;
  readonly atSeconds: number;
}

export interface Producer {
  readonly name: string;
  readonly scheme: Exclude<Signature["scheme"], "hmac" | "none" | undefined>;
  /** Whether a time is signed, so that old requests are refused. */
  readonly timed: boolean;
  /** `whsec`: secrets in the form of Standard Webhooks. */
  readonly secrets: "whsec" | "text";
  sign(signing: Signing): Promise<Headers>;
  /** The library's own check of what it signed; left out where there is none. */
  verify?(headers: Headers, body: string, secret: string): Promise<unknown>;
}

const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
const hmac = (secret: string, text: string) => createHmac("sha256", secret).update(text, "utf8");
const idAndTime = (family: string, { key, atSeconds }: Signing): Headers => ({
  [`${family}-id`]: key,
  [`${family}-timestamp`]: String(atSeconds),
});

export const PRODUCERS: readonly Producer[] = [
  {
    name: "standardwebhooks",
    scheme: "standard",
    timed: true,
    secrets: "whsec",
    async sign(signing) {
      const { secret, key, atSeconds, body } = signing;
      const signature = new StandardWebhook(secret).sign(key, new Date(atSeconds * 1000), body);
      return { ...JSON_TYPE, ...idAndTime("webhook", signing), "webhook-signature": signature };
    },
    verify: async (headers, body, secret) => new StandardWebhook(secret).verify(body, headers),
  },
  {
    name: "svix",
    scheme: "standard",
    timed: true,
    secrets: "whsec",
    async sign(signing) {
      const { secret, key, atSeconds, body } = signing;
      const signature = new SvixWebhook(secret).sign(key, new Date(atSeconds * 1000), body);
      return { ...JSON_TYPE, ...idAndTime("svix", signing), "svix-signature": signature };
    },
    verify: async (headers, body, secret) => new SvixWebhook(secret).verify(body, headers),
  },
  {
    name: "@octokit/webhooks",
    scheme: "github",
    timed: false,
    secrets: "text",
    async sign({ secret, key, body }) {
      return {
        ...JSON_TYPE,
        "x-github-event": "push",
        "x-github-delivery": key,
        "x-hub-signature-256": await signGithub(secret, body),
      };
    },
    async verify(headers, body, secret) {
      if (await new Webhooks({ secret }).verify(body, headers["x-hub-signature-256"] ?? "")) return;
      throw new Error("Octokit refuses the signature.");
    },
  },
  {
    name: "stripe",
    scheme: "stripe",
    timed: true,
    secrets: "text",
    async sign({ secret, atSeconds, body }) {
      const header = Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: atSeconds });
      return { ...JSON_TYPE, "stripe-signature": header };
    },
    verify: async (headers, body, secret) =>
      Stripe.webhooks.constructEvent(body, headers["stripe-signature"] ?? "", secret),
  },
  {
    name: "Slack, as documented",
    scheme: "slack",
    timed: true,
    secrets: "text",
    async sign({ secret, atSeconds, body }) {
      return {
        ...JSON_TYPE,
        "x-slack-request-timestamp": String(atSeconds),
        "x-slack-signature": `v0=${hmac(secret, `v0:${atSeconds}:${body}`).digest("hex")}`,
      };
    },
  },
  {
    name: "Shopify, as documented",
    scheme: "shopify",
    timed: false,
    secrets: "text",
    async sign({ secret, key, body }) {
      return {
        ...JSON_TYPE,
        "x-shopify-topic": "orders/create",
        "x-shopify-webhook-id": key,
        "x-shopify-hmac-sha256": hmac(secret, body).digest("base64"),
      };
    },
  },
];
