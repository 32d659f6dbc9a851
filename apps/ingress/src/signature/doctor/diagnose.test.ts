// Each row of the table by a request that its mistake makes, signed apart from the code under test.

import { createHmac, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { RequestHeaders } from "../request-headers.ts";
import type { SignatureConfig } from "../signature-config.ts";
import { verifySignature } from "../verify-signature.ts";
import { type Diagnosis, diagnose } from "./diagnose.ts";
import { DIAGNOSIS_CODES } from "./diagnoses.ts";
import type { KnownSecret } from "./search.ts";

const NOW = 1_700_000_000;
const WHSEC = `whsec_${Buffer.from("a secret of exactly thirty-two b").toString("base64")}`;
const WHSEC_KEY = Buffer.from("a secret of exactly thirty-two b");
const PLAIN = "a plain secret";
const BODY = '{"orderId": 42, "note": "é"}';
const HMAC = { scheme: "hmac", header: "X-Sig", encoding: "hex" } as const;

const mac = (key: string | Uint8Array, text: string) => createHmac("sha256", key).update(text).digest();
const own = (value: string, name = "HOOK"): KnownSecret => ({ name, value, origin: "own" });
const standard = (options: { key?: string | Uint8Array; body?: string; at?: string; content?: string } = {}) => {
  const { key = WHSEC_KEY, body = BODY, at = String(NOW), content = `msg_1.${at}.${body}` } = options;
  const signature = `v1,${mac(key, content).toString("base64")}`;
  return { "webhook-id": "msg_1", "webhook-timestamp": at, "webhook-signature": signature };
};
const github = (digest: Uint8Array) => ({ "x-hub-signature-256": `sha256=${Buffer.from(digest).toString("hex")}` });

interface Wrong {
  readonly what: string;
  readonly signature?: SignatureConfig;
  readonly headers: RequestHeaders;
  readonly body?: string;
  readonly secrets?: readonly KnownSecret[];
  readonly code: Diagnosis["code"];
  readonly says: RegExp;
  readonly advises?: RegExp;
}

/** As the ingress does: refused first, then asked about. */
function examine({
  signature = {},
  headers,
  body = BODY,
  secrets = [own(WHSEC)],
}: Omit<Wrong, "what" | "code" | "says">) {
  const rawBody = Buffer.from(body);
  const nowMs = NOW * 1000;
  const values = secrets.filter(({ origin }) => origin === "own").map(({ value }) => value);
  const verdict = verifySignature({ signature, headers, rawBody, secrets: values, nowMs });
  if (verdict.ok) throw new Error("The request is rightly signed.");
  return {
    refusal: verdict.reason,
    ...diagnose({ signature, headers, rawBody, refusal: verdict.reason, nowMs, secrets }),
  };
}

const CASES: readonly Wrong[] = [
  {
    what: "the secret of another trigger of the tenant",
    headers: standard({ key: Buffer.from("another") }),
    secrets: [own(WHSEC), { name: "RETURNS", value: "whsec_YW5vdGhlcg==", origin: "other" }],
    code: "SECRET_OF_OTHER_TRIGGER",
    says: /right under the secret "RETURNS", which this trigger does not name\.$/,
    advises: /add the name/,
  },
  {
    what: "another trigger's secret, used as its scheme has it",
    headers: { "stripe-signature": `t=${NOW},v1=${mac(PLAIN, `${NOW}.${BODY}`).toString("hex")}` },
    secrets: [own(WHSEC), { name: "PAY_STRIPE", value: PLAIN, origin: "other" }],
    code: "SECRET_OF_OTHER_TRIGGER",
    says: /"PAY_STRIPE".*"<timestamp>\.<body>"/,
    advises: /scheme to "stripe"/,
  },
  {
    what: "a secret that no trigger has, where none of its own has a value",
    headers: standard(),
    secrets: [{ name: "RETURNS", value: WHSEC, origin: "other" }],
    code: "SECRET_OF_OTHER_TRIGGER",
    says: /"RETURNS"/,
  },
  {
    what: "the value that the secret had before",
    headers: standard(),
    secrets: [
      own("whsec_YW5vdGhlcg=="),
      { name: "HOOK", value: WHSEC, origin: "replaced", replacedAt: new Date("2026-01-31T09:30:00Z") },
    ],
    code: "SECRET_REPLACED",
    says: /the value that the secret "HOOK" had until 2026-01-31T09:30:00\.000Z/,
  },
  {
    what: "a secret stored with a line break",
    headers: standard(),
    secrets: [own(`${WHSEC}\n`)],
    code: "SECRET_SPACING",
    says: /"HOOK" has white space around it/,
  },
  {
    what: "a producer's secret with a line break",
    signature: { scheme: "github" },
    headers: github(mac(`${PLAIN}\n`, BODY)),
    secrets: [own(PLAIN)],
    code: "SECRET_SPACING",
    says: /producer's secret ends in a line break/,
  },
  {
    what: "stripe's construction at a standard hook",
    headers: standard({ key: WHSEC, content: `${NOW}.${BODY}` }),
    code: "SCHEME_DIFFERS",
    says: /secret "HOOK" is right, but what is signed is "<timestamp>\.<body>"; the scheme "standard" signs "<id>/,
    advises: /"stripe"/,
  },
  {
    what: "the body alone at a slack hook",
    signature: { scheme: "slack" },
    headers: {
      "x-slack-request-timestamp": String(NOW),
      "x-slack-signature": `v0=${mac(PLAIN, BODY).toString("hex")}`,
    },
    secrets: [own(PLAIN)],
    code: "SCHEME_DIFFERS",
    says: /what is signed is the body alone; the scheme "slack" signs "v0:/,
  },
  {
    what: "a standard producer at a github hook, in its own headers",
    signature: { scheme: "github" },
    headers: standard(),
    code: "SCHEME_DIFFERS",
    says: /secret "HOOK" is right/,
    advises: /"standard"/,
  },
  {
    what: "the whsec_ secret as text",
    headers: standard({ key: WHSEC }),
    code: "SECRET_DECODING",
    says: /"HOOK" as plain text; the scheme "standard" uses it decoded from base64/,
  },
  {
    what: "the secret as text without its whsec_",
    headers: standard({ key: WHSEC.slice(6) }),
    code: "SECRET_DECODING",
    says: /without its "whsec_"/,
  },
  {
    what: "a secret decoded where it is text",
    signature: { scheme: "stripe" },
    headers: { "stripe-signature": `t=${NOW},v1=${mac(WHSEC_KEY, `${NOW}.${BODY}`).toString("hex")}` },
    code: "SECRET_DECODING",
    says: /decoded from base64; the scheme "stripe" uses it as plain text/,
  },
  {
    what: "a secret decoded from hex",
    signature: HMAC,
    headers: { "x-sig": mac(Buffer.from("00ff10", "hex"), BODY).toString("hex") },
    secrets: [own("00ff10")],
    code: "SECRET_DECODING",
    says: /decoded from hex/,
  },
  {
    what: "compact JSON signed, spaced JSON sent",
    headers: standard({ body: JSON.stringify(JSON.parse(BODY)) }),
    code: "BODY_REWRITTEN",
    says: /JSON without white space/,
  },
  {
    what: "indented JSON signed, other JSON sent",
    headers: standard({ body: JSON.stringify(JSON.parse(BODY), null, 2) }),
    code: "BODY_REWRITTEN",
    says: /indented by two spaces/,
  },
  {
    what: "a line break added on the way",
    headers: standard(),
    body: `${BODY}\n`,
    code: "BODY_REWRITTEN",
    says: /without the white space at its end/,
  },
  {
    what: "a line break lost on the way",
    headers: standard({ body: `${BODY}\n` }),
    code: "BODY_REWRITTEN",
    says: /with a line break at its end/,
  },
  {
    what: "milliseconds",
    headers: standard({ at: String(NOW * 1000) }),
    code: "TIMESTAMP_IN_MILLISECONDS",
    says: /in milliseconds; the signature itself is right/,
  },
  {
    what: "a clock that is behind",
    headers: standard({ at: String(NOW - 412) }),
    code: "TIMESTAMP_STALE",
    says: /^The signature is right, but its time is 412 seconds behind/,
  },
  {
    what: "a clock that is ahead",
    signature: { scheme: "stripe" },
    headers: { "stripe-signature": `t=${NOW + 500},v1=${mac(PLAIN, `${NOW + 500}.${BODY}`).toString("hex")}` },
    secrets: [own(PLAIN)],
    code: "TIMESTAMP_IN_FUTURE",
    says: /^The signature is right, but its time is 500 seconds ahead/,
  },
  {
    what: "an old time and a wrong signature",
    headers: standard({ at: String(NOW - 412), key: "x" }),
    code: "TIMESTAMP_STALE",
    says: /412 seconds old.*fits none of the trigger's secrets either/,
  },
  {
    what: "a header that is cut",
    signature: { scheme: "github" },
    headers: github(mac(PLAIN, BODY).subarray(0, 25)),
    secrets: [own(PLAIN)],
    code: "SIGNATURE_CUT",
    says: /has 50 characters instead of 64; as far as it goes it is right/,
  },
  {
    what: "a cut header of an unknown secret",
    signature: { scheme: "github" },
    headers: github(mac("x", BODY).subarray(0, 25)),
    secrets: [own(PLAIN)],
    code: "SIGNATURE_CUT",
    says: /has 50 characters instead of 64\.$/,
  },
  {
    what: "another header's name",
    signature: HMAC,
    headers: { "x-signature": mac(PLAIN, BODY).toString("hex") },
    secrets: [own(PLAIN)],
    code: "HEADER_ELSEWHERE",
    says: /right, but stands in "x-signature" instead of "x-sig"/,
    advises: /Set the trigger's header/,
  },
  {
    what: "hex where base64 is expected",
    signature: { scheme: "shopify" },
    headers: { "x-shopify-hmac-sha256": mac(PLAIN, BODY).toString("hex") },
    secrets: [own(PLAIN)],
    code: "SIGNATURE_ENCODING",
    says: /written in hex instead of base64/,
  },
  {
    what: "URL-safe base64",
    headers: {
      ...standard(),
      "webhook-signature": `v1,${mac(WHSEC_KEY, `msg_1.${NOW}.${BODY}`).toString("base64url")}`,
    },
    code: "SIGNATURE_ENCODING",
    says: /URL-safe or without padding/,
  },
  {
    what: "a missing prefix",
    signature: { scheme: "github" },
    headers: { "x-hub-signature-256": mac(PLAIN, BODY).toString("hex") },
    secrets: [own(PLAIN)],
    code: "PREFIX_MISSING",
    says: /^The signature itself is right, but: .*does not start with "sha256="/,
  },
  {
    what: "two signature headers, one of them right",
    headers: { ...standard(), "webhook-signature": ["v1,AAAA", standard()["webhook-signature"]] },
    code: "HEADER_REPEATED",
    says: /^The signature itself is right, but: .*more than one/,
  },
  {
    what: "the right signature behind ten others",
    headers: {
      ...standard(),
      "webhook-signature": [
        ...Array.from({ length: 10 }, () => `v1,${randomBytes(32).toString("base64")}`),
        standard()["webhook-signature"],
      ].join(" "),
    },
    code: "SIGNATURE_MISMATCH",
    says: /^A signature is right, but not one that was looked at/,
  },
  {
    what: "SHA-1",
    signature: { scheme: "github" },
    headers: { "x-hub-signature": `sha1=${createHmac("sha1", PLAIN).update(BODY).digest("hex")}` },
    secrets: [own(PLAIN)],
    code: "SIGNATURE_ALGORITHM",
    says: /"x-hub-signature" has the length of SHA-1/,
  },
  {
    what: "SHA-512",
    signature: HMAC,
    headers: { "x-sig": createHmac("sha512", PLAIN).update(BODY).digest("base64") },
    secrets: [own(PLAIN)],
    code: "SIGNATURE_ALGORITHM",
    says: /length of SHA-512/,
  },
  {
    what: "another scheme's header, under a secret that nobody knows",
    headers: { "stripe-signature": `t=${NOW},v1=${mac("x", `${NOW}.${BODY}`).toString("hex")}` },
    code: "SCHEME_DIFFERS",
    says: /signed as "stripe" does it.*expects "standard"/,
  },
];

describe("the signature doctor", () => {
  it.each(CASES)("knows $what", (wrong) => {
    const diagnosis = examine(wrong);
    expect(diagnosis.code).toBe(wrong.code);
    expect(diagnosis.text).toMatch(wrong.says);
    expect(diagnosis.hint).toMatch(wrong.advises ?? /\.$/);
  });

  it("has a case for every row of its table", () => {
    const tried = new Set<string>(CASES.map(({ code }) => code));
    expect(DIAGNOSIS_CODES.filter((code) => !tried.has(code))).toEqual([]);
  });

  it("says what verification said where nothing explains it", () => {
    const ed25519 = { ...standard(), "webhook-signature": `v1a,${randomBytes(64).toString("base64")}` };
    for (const headers of [{}, ed25519, standard({ key: "x" }), { ...standard(), "webhook-id": "msg_2" }]) {
      const { refusal, code, text, hint } = examine({ headers });
      expect({ code, text, hint }).toEqual(refusal);
    }
  });

  it("tells no secret, no digest and nothing of the body", () => {
    for (const wrong of CASES) {
      const { text, hint } = examine(wrong);
      const secrets = (wrong.secrets ?? [own(WHSEC)]).map(({ value }) => value.trim());
      for (const hidden of [
        ...secrets,
        ...(JSON.stringify(wrong.headers).match(/[0-9A-Za-z+/]{24,}/g) ?? []),
        "orderId",
      ]) {
        expect(`${text} ${hint}`).not.toContain(hidden);
      }
    }
  });
});
