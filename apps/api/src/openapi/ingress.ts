// What the ingress serves, which has an address of its own and reads bodies byte by byte.

import {
  type JsonObject,
  type ProblemCode,
  WebhookAccepted,
  WebhookChallenge,
  DeliveryReceipt,
} from "@keelson/contracts";
import { z } from "zod";
import { answerHeaders } from "./headers.ts";
import type { DocumentParts } from "./operation.ts";

const HookAnswer = z.union([WebhookAccepted, WebhookChallenge]);

export const INGRESS_SCHEMAS: readonly z.ZodType[] = [WebhookAccepted, WebhookChallenge, DeliveryReceipt, HookAnswer];

const HOOK_REFUSALS: readonly ProblemCode[] = [
  "MALFORMED_BODY",
  "MALFORMED_HTTP",
  "INVALID_REQUEST",
  "SIGNATURE_INVALID",
  "NOT_FOUND",
  "METHOD_NOT_ALLOWED",
  "HOOK_GONE",
  "PAYLOAD_TOO_LARGE",
  "UNSUPPORTED_MEDIA_TYPE",
  "INPUT_INVALID",
  "RATE_LIMITED",
  "TOO_MANY_UNFINISHED",
  "INTERNAL",
  "UNAVAILABLE",
];

const RECEIPT_REFUSALS: readonly ProblemCode[] = [
  "INVALID_REQUEST",
  "MALFORMED_HTTP",
  "NOT_FOUND",
  "METHOD_NOT_ALLOWED",
  "RECEIPT_GONE",
  "RATE_LIMITED",
  "INTERNAL",
  "UNAVAILABLE",
];

/** Paths of the ingress. `url`: its address, without a slash at its end. */
export function ingressPaths(url: string, parts: DocumentParts): JsonObject {
  const servers = [{ url, description: "The ingress" }];
  return {
    "/hooks/{hookId}": { servers, post: receiveWebhook(parts) },
    "/receipts/{token}": { servers, get: getReceipt(parts) },
  };
}

function receiveWebhook({ schemas, refusals }: DocumentParts): JsonObject {
  const any = { description: "The execution's input, as the body's type says." };
  return {
    operationId: "receiveWebhook",
    tags: ["Webhooks"],
    summary: "Send a webhook",
    description:
      "Answered once it is committed, and before anything runs. It is signed as the trigger's `signature` says, over the raw bytes: `webhook-id`, `webhook-timestamp` and `webhook-signature` by Standard Webhooks, or the headers of the scheme chosen. A repeat of an accepted delivery starts nothing. 1 MiB at most; the query string is kept for templates.",
    security: [],
    parameters: [pathParameter("hookId", "The webhook trigger's `hookId`; its `url` has it.", { type: "string" })],
    requestBody: {
      required: false,
      content: {
        "application/json": { schema: any, examples: { example: { value: { orderId: 42 } } } },
        "application/*+json": {
          schema: any,
          examples: { example: { value: { specversion: "1.0", id: "42", source: "/shop", type: "order" } } },
        },
        "application/x-www-form-urlencoded": {
          schema: { type: "object" },
          examples: { example: { value: { orderId: "42" } } },
        },
        "text/*": { schema: { type: "string" }, examples: { example: { value: "42" } } },
      },
    },
    responses: {
      "200": json("Slack's signed check of the address: it starts nothing.", schemas.use(WebhookChallenge, "output")),
      "202": json("Accepted, or a repeat of what was.", schemas.use(WebhookAccepted, "output")),
      ...refusals.responses(HOOK_REFUSALS),
    },
  };
}

function getReceipt({ schemas, refusals }: DocumentParts): JsonObject {
  return {
    operationId: "getReceipt",
    tags: ["Webhooks"],
    summary: "Ask what has become of a webhook",
    description: "By the `statusUrl` of its answer, for 24 hours; no key needed. It tells nothing of what ran.",
    security: [],
    parameters: [pathParameter("token", "The last part of a `statusUrl`.", { type: "string" })],
    responses: {
      "200": json("What has become of it.", schemas.use(DeliveryReceipt, "output")),
      ...refusals.responses(RECEIPT_REFUSALS),
    },
  };
}

function pathParameter(name: string, description: string, schema: JsonObject): JsonObject {
  return { name, in: "path", required: true, description, schema };
}

function json(description: string, schema: JsonObject): JsonObject {
  return { description, headers: answerHeaders([]), content: { "application/json": { schema } } };
}
