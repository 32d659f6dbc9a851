// Guards where the engine meets others: targets of http steps, producers of webhooks, callers of the API, expressions.
import type { Mutation } from "./mutation.ts";

const STEPS = "packages/steps/src";
const INGRESS = "apps/ingress";
const API = "apps/api";

export const EDGE_MUTATIONS: readonly Mutation[] = [
  {
    name: "names-not-judged",
    breaks: "connects to whatever address a name leads to (I10)",
    file: `${STEPS}/egress/connector.ts`,
    find: `if (verdict.kind === "refused") {\n      throw`,
    replace: `if (verdict.kind === "never") {\n      throw`,
    caughtBy: [
      {
        file: `${STEPS}/egress/ssrf-cases.test.ts`,
        title: "refuses a name of which one address among several is out of reach",
      },
      {
        file: `${STEPS}/http/perform.test.ts`,
        title: "judges anew for each connection: a name that has moved to a private address is refused",
      },
    ],
  },
  {
    name: "peer-not-judged",
    breaks: "does not judge the address once more that it has connected to (I10)",
    file: `${STEPS}/egress/connector.ts`,
    find: `if (peer === undefined || policy.judge(peer).kind === "refused") {`,
    replace: "if (peer === undefined) {",
    caughtBy: [{ file: `${STEPS}/egress/connector.test.ts`, title: "judges the peer again once connected" }],
  },
  {
    name: "redirects-not-judged",
    breaks: "follows redirects without judging where they lead (I10)",
    file: `${STEPS}/http/redirect.ts`,
    find: "const url = parseTargetUrl(location, policy, from.url);",
    replace: "const url = new URL(location, from.url);",
    caughtBy: [{ file: `${STEPS}/http/perform-redirects.test.ts`, title: "to %j are not followed" }],
  },
  {
    name: "credentials-follow",
    breaks: "takes credentials along to another origin (I8)",
    file: `${STEPS}/http/redirect.ts`,
    find: "return isSameOrigin || !(CREDENTIALS.has(name) || redactor.text(value) !== value);",
    replace: "return true;",
    caughtBy: [
      {
        file: `${STEPS}/http/perform-redirects.test.ts`,
        title: "leave credentials and secrets behind when they lead to another origin, and keep them on the same",
      },
    ],
  },
  {
    name: "answers-without-bound",
    breaks: "reads answers of any size (I10)",
    file: `${STEPS}/http/read-body.ts`,
    find: `if (chunk.length > room) return "tooLarge";`,
    replace: "",
    caughtBy: [
      {
        file: `${STEPS}/http/perform-limits.test.ts`,
        title: "of 5 MiB that shrinks when parsed is taken, and one byte more is not",
      },
    ],
  },
  {
    name: "messages-not-redacted",
    breaks: "shows secrets in the message of a failure (I8)",
    file: `${STEPS}/http/perform.ts`,
    find: "outcome: redactMessage(outcome, redactor),",
    replace: "outcome,",
    caughtBy: [
      { file: `${STEPS}/http/perform-redaction.test.ts`, title: "keeps none of it in the message of a failure" },
    ],
  },
  {
    name: "answers-not-redacted",
    breaks: "keeps secrets that a target sends back (I8)",
    file: `${STEPS}/redact.ts`,
    find: "const text = (value: string) => replaceAll(value, needles);",
    replace: "const text = (value: string) => value;",
    caughtBy: [
      { file: `${STEPS}/redact.test.ts`, title: "works within keys, arrays and objects, and keeps all else" },
      {
        file: `${STEPS}/http/perform-redaction.test.ts`,
        title: "keeps none of it when the whole answer is read as base64",
      },
    ],
  },
  {
    name: "signatures-of-that-length",
    breaks: "takes any signature of the right length",
    file: `${INGRESS}/src/signature/digest.ts`,
    find: "return a.length === b.length && timingSafeEqual(a, b);",
    replace: "return a.length === b.length;",
    caughtBy: [
      {
        file: `${INGRESS}/src/signature/verify-signature.test.ts`,
        title: "accepts any of several secrets, and refuses the retired one",
      },
      { file: `${INGRESS}/test/refusals.int.test.ts`, title: "is of the raw bytes: one byte more, or less, is 401" },
    ],
  },
  {
    name: "signatures-of-any-age",
    breaks: "takes signatures however old",
    file: `${INGRESS}/src/signature/timestamp.ts`,
    find: "if (ageSeconds > TOLERANCE_SECONDS) {",
    replace: "if (ageSeconds > Infinity) {",
    caughtBy: [
      { file: `${INGRESS}/src/signature/verify-signature.test.ts`, title: "allows exactly five minutes either way" },
      { file: `${INGRESS}/test/refusals.int.test.ts`, title: "that is stale, or from the future, is 401" },
    ],
  },
  {
    name: "webhooks-without-bound",
    breaks: "reads webhooks of any size",
    file: `${INGRESS}/src/hook-route.ts`,
    find: "readRawBody({ maxBytes: LIMITS.webhookBodyBytes })",
    replace: "readRawBody({ maxBytes: 10 * LIMITS.webhookBodyBytes })",
    caughtBy: [
      {
        file: `${INGRESS}/test/refusals.int.test.ts`,
        title: "a body over 1 MiB is 413, with and without its length announced",
      },
    ],
  },
  {
    name: "scopes-not-checked",
    breaks: "lets a key do what it has no scope for",
    file: `${API}/src/auth/authenticate.ts`,
    find: "if (caller.apiKey.scopes.includes(scope)) return;",
    replace: "if (caller.apiKey.scopes.length > 0) return;",
    caughtBy: [{ file: `${API}/test/authentication.int.test.ts`, title: "%s %s takes %s alone" }],
  },
  {
    name: "tenant-not-of-the-key",
    breaks: "takes every key for one of the tenant that called first (I7)",
    file: `${API}/src/http/route.ts`,
    find: "const caller = await deps.authenticator.tenant(req);",
    replace: `const own = await deps.authenticator.tenant(req);
    const first = Object.getOwnPropertyDescriptor(globalThis, "firstTenant")?.value ?? own.tenant;
    Object.defineProperty(globalThis, "firstTenant", { value: first, configurable: true });
    const caller = { ...own, tenant: first };`,
    caughtBy: [
      { file: `${API}/test/openapi-access.int.test.ts`, title: "are 404 for every call that has one in its path" },
    ],
  },
  {
    name: "expired-keys-work",
    breaks: "takes API keys that it remembers for as long as it remembers them, expired or not",
    file: `${API}/src/auth/key-directory.ts`,
    find: "return nowMs - lookedUpAtMs < verdict.expiresInMs ? verdict :",
    replace: "return nowMs - lookedUpAtMs < Infinity ? verdict :",
    caughtBy: [
      {
        file: `${API}/src/auth/key-directory.test.ts`,
        title: "refuses a key from the moment it expires, though it is remembered",
      },
    ],
  },
  {
    name: "revoked-keys-work",
    breaks: "takes API keys that were revoked",
    file: `${API}/src/auth/look-up-key.ts`,
    find: `if (found.revokedAt !== null) return { kind: "refused", reason: "revoked" };`,
    replace: "",
    caughtBy: [
      {
        file: `${API}/test/authentication.int.test.ts`,
        title: "are refused once revoked, at once on this instance and within a second on every other",
      },
    ],
  },
  {
    name: "updates-get-lost",
    breaks: "saves over a version that the caller has not seen (If-Match)",
    file: `${API}/src/routes/workflows/preconditions.ts`,
    find: "if (matches) return;",
    replace: "if (matches || tags.length > 0) return;",
    caughtBy: [
      {
        file: `${API}/test/workflows-save.int.test.ts`,
        title: "loses no update: If-Match lets one of several through, and 412 says which version there is",
      },
    ],
  },
  {
    name: "expressions-without-budget",
    breaks: "evaluates expressions for as long as they take (I10)",
    file: "packages/expressions/src/frame.ts",
    find: "if (this.#stepsLeft < 0) {",
    replace: "if (this.#stepsLeft < -Infinity) {",
    caughtBy: [
      {
        file: "packages/expressions/src/budget.test.ts",
        title: "by a budget that the caller may narrow, and always at the same step",
      },
    ],
  },
];
