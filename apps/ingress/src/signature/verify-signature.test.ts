import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import type { SignatureRefusalCode } from "./refusal.ts";
import type { RequestHeaders } from "./request-headers.ts";
import type { SignatureConfig } from "./signature-config.ts";
import { verifySignature } from "./verify-signature.ts";

const NOW_SECONDS = 1_700_000_000;
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const BODY = Buffer.from('{"orderId":42}');
const HMAC = { scheme: "hmac", header: "X-Sig", encoding: "hex" } as const;
const HMAC_BASE64 = { ...HMAC, encoding: "base64" } as const;

describe("standard", () => {
  it("accepts what the published library signs, whatever the body", () => {
    for (const text of ["", '{"a":"é♥😀"}', "x".repeat(100_000)]) {
      expect(refusal({ headers: signedStandard({ body: text }), rawBody: Buffer.from(text) })).toBeNull();
    }
  });

  it("is the scheme where none is written", () => {
    expect(refusal({ signature: {}, headers: signedStandard() })).toBeNull();
  });

  it("verifies bytes that are no UTF-8 as they are", () => {
    const bytes = Buffer.from([0xff, 0x00, 0xc3, 0x28]);
    const key = Buffer.from(SECRET.slice(6), "base64");
    const digest = createHmac("sha256", key).update(`msg_1.${NOW_SECONDS}.`).update(bytes).digest("base64");
    const headers = { ...signedStandard(), "webhook-signature": `v1,${digest}` };
    expect(refusal({ headers, rawBody: bytes })).toBeNull();
    expect(refusal({ headers, rawBody: Buffer.from(bytes.toString("utf8")) })).toBe("SIGNATURE_MISMATCH");
  });

  it("accepts any of several secrets, and refuses the retired one", () => {
    const headers = signedStandard({ secret: OLD_SECRET });
    expect(refusal({ headers, secrets: [SECRET, OLD_SECRET] })).toBeNull();
    expect(refusal({ headers, secrets: [SECRET] })).toBe("SIGNATURE_MISMATCH");
  });

  it("looks at the first ten signatures only", () => {
    const good = signedStandard()["webhook-signature"];
    const bad = `v1,${Buffer.alloc(32).toString("base64")}`;
    const withBadBefore = (count: number) => ({
      ...signedStandard(),
      "webhook-signature": [...Array<string>(count).fill(bad), good].join(" "),
    });
    expect(refusal({ headers: withBadBefore(9) })).toBeNull();
    expect(refusal({ headers: withBadBefore(10) })).toBe("SIGNATURE_MISMATCH");
  });

  it("accepts Svix's header names, but no mixture of both sets", () => {
    const signed = signedStandard();
    const svix = {
      "svix-id": signed["webhook-id"],
      "svix-timestamp": signed["webhook-timestamp"],
      "svix-signature": signed["webhook-signature"],
    };
    expect(refusal({ headers: svix })).toBeNull();
    const { "svix-id": _, ...withoutId } = svix;
    expect(refusal({ headers: { ...withoutId, "webhook-id": signed["webhook-id"] } })).toBe("HEADER_MISSING");
  });

  it("allows exactly five minutes either way", () => {
    const headers = signedStandard();
    const at = (offsetSeconds: number) => refusal({ headers, nowMs: (NOW_SECONDS + offsetSeconds) * 1000 });
    expect([at(300), at(-300)]).toEqual([null, null]);
    expect([at(301), at(-301)]).toEqual(["TIMESTAMP_STALE", "TIMESTAMP_IN_FUTURE"]);
  });

  it("says by how many seconds a timestamp is too old", () => {
    const verdict = verify({ headers: signedStandard(), nowMs: (NOW_SECONDS + 1234) * 1000 });
    expect(verdict).toMatchObject({ ok: false, reason: { text: expect.stringContaining("1234 seconds old") } });
  });

  it.each(["", " 1700000000", "+1700000000", "1.7e9", "0x6553f100", "1700000000, 1700000000", "9".repeat(400)])(
    "refuses the timestamp %j",
    (timestamp) => {
      const code = refusal({ headers: { ...signedStandard(), "webhook-timestamp": timestamp } });
      expect(code).toBe(timestamp === "" ? "HEADER_MISSING" : "TIMESTAMP_MALFORMED");
    },
  );

  it("refuses headers that came twice, whether as an array or joined", () => {
    const signed = signedStandard();
    const twice = [signed["webhook-signature"], signed["webhook-signature"]];
    expect(refusal({ headers: { ...signed, "webhook-signature": twice } })).toBe("HEADER_REPEATED");
    expect(refusal({ headers: { ...signed, "webhook-signature": twice.join(", ") } })).toBe("HEADER_REPEATED");
    expect(refusal({ headers: { ...signed, "webhook-id": "msg_1, msg_1" } })).toBe("HEADER_MALFORMED");
    expect(refusal({ headers: { ...signed, "Webhook-Id": "msg_2" } })).toBe("HEADER_REPEATED");
  });

  it("says that a secret is unusable, unless another one can be read", () => {
    const headers = signedStandard();
    expect(refusal({ headers, secrets: [`${SECRET} `, "whsec_%"] })).toBe("SECRET_UNUSABLE");
    expect(refusal({ headers, secrets: ["whsec_%", SECRET] })).toBeNull();
  });

  it("takes v1a only under a public key", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const whpk = `whpk_${publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("base64")}`;
    const signed = signedStandard();
    const content = Buffer.concat([Buffer.from(`msg_1.${NOW_SECONDS}.`), BODY]);
    const headers = { ...signed, "webhook-signature": `v1a,${sign(null, content, privateKey).toString("base64")}` };
    expect(refusal({ headers, secrets: [SECRET, whpk] })).toBeNull();
    expect(refusal({ headers, secrets: [SECRET] })).toBe("SIGNATURE_MISMATCH");
    expect(refusal({ headers: signed, secrets: [whpk] })).toBe("SIGNATURE_MISMATCH");
    expect(refusal({ headers, secrets: [whpk], rawBody: Buffer.from("{}") })).toBe("SIGNATURE_MISMATCH");
  });
});

describe("stripe", () => {
  it("uses the whole secret as text, not the base64 after whsec_", () => {
    const asText = stripeHeader(Buffer.from(SECRET));
    const asBase64 = stripeHeader(Buffer.from(SECRET.slice(6), "base64"));
    const signature = { scheme: "stripe" } as const;
    expect(refusal({ signature, headers: { "Stripe-Signature": asText } })).toBeNull();
    expect(refusal({ signature, headers: { "Stripe-Signature": asBase64 } })).toBe("SIGNATURE_MISMATCH");
  });

  it("refuses a header with two timestamps, and one without any v1", () => {
    const signature = { scheme: "stripe" } as const;
    const good = stripeHeader(Buffer.from(SECRET));
    expect(refusal({ signature, headers: { "stripe-signature": `t=1,${good}` } })).toBe("HEADER_REPEATED");
    expect(refusal({ signature, headers: { "stripe-signature": good.replace("v1=", "v0=") } })).toBe(
      "HEADER_MALFORMED",
    );
  });
});

describe("slack", () => {
  const secret = "8f742231b10e8888abcd99yyyzzz85a5";
  const headers = {
    "X-Slack-Request-Timestamp": String(NOW_SECONDS),
    "X-Slack-Signature": `v0=${createHmac("sha256", secret).update(`v0:${NOW_SECONDS}:`).update(BODY).digest("hex")}`,
  };

  it("accepts a v0 signature over version, timestamp and body", () => {
    expect(refusal({ signature: { scheme: "slack" }, headers, secrets: [secret] })).toBeNull();
  });

  it("refuses another timestamp than the signed one, and a digest without its prefix", () => {
    const other = { ...headers, "X-Slack-Request-Timestamp": String(NOW_SECONDS + 1) };
    const bare = { ...headers, "X-Slack-Signature": headers["X-Slack-Signature"].slice(3) };
    expect(refusal({ signature: { scheme: "slack" }, headers: other, secrets: [secret] })).toBe("SIGNATURE_MISMATCH");
    expect(refusal({ signature: { scheme: "slack" }, headers: bare, secrets: [secret] })).toBe("PREFIX_MISSING");
  });
});

describe("hmac", () => {
  const digest = (encoding: "hex" | "base64") => createHmac("sha256", "key").update(BODY).digest(encoding);
  const check = (signature: SignatureConfig, value: string) =>
    refusal({ signature, headers: { "x-sig": value }, secrets: ["key"] });

  it("reads hex in either case, and base64 only with its padding", () => {
    expect(check(HMAC, digest("hex"))).toBeNull();
    expect(check(HMAC, digest("hex").toUpperCase())).toBeNull();
    expect(check(HMAC_BASE64, digest("base64"))).toBeNull();
    expect(check(HMAC_BASE64, digest("base64").replace("=", ""))).toBe("SIGNATURE_MISMATCH");
    expect(check(HMAC_BASE64, digest("hex"))).toBe("SIGNATURE_MISMATCH");
  });

  it("asks for the configured prefix exactly", () => {
    expect(check({ ...HMAC, prefix: "sha256=" }, `sha256=${digest("hex")}`)).toBeNull();
    expect(check({ ...HMAC, prefix: "sha256=" }, digest("hex"))).toBe("PREFIX_MISSING");
    expect(check(HMAC, `sha256=${digest("hex")}`)).toBe("SIGNATURE_MISMATCH");
  });
});

describe("any scheme", () => {
  const schemes: readonly SignatureConfig[] = [
    { scheme: "standard" },
    { scheme: "github" },
    { scheme: "stripe" },
    { scheme: "slack" },
    { scheme: "shopify" },
    HMAC,
  ];

  it.each(schemes)("$scheme says which header is missing", (signature) => {
    const verdict = verify({ signature, headers: {} });
    expect(verdict).toMatchObject({ ok: false, reason: { code: "HEADER_MISSING" } });
  });

  it.each(schemes)("$scheme refuses where no secret has a value, an empty one included", (signature) => {
    expect(refusal({ signature, headers: {}, secrets: [] })).toBe("NO_SECRET");
    const emptyKey = createHmac("sha256", "").update(BODY).digest("hex");
    expect(refusal({ signature, headers: { "x-sig": emptyKey }, secrets: [""] })).toBe("NO_SECRET");
  });

  it("none accepts everything", () => {
    expect(refusal({ signature: { scheme: "none" }, headers: {}, secrets: [] })).toBeNull();
  });

  it("never shows a secret or a digest in its reason", () => {
    const verdict = verify({ headers: { ...signedStandard(), "webhook-signature": "v1,AAAA" } });
    const shown = JSON.stringify(verdict);
    expect(shown).toContain("SIGNATURE_MISMATCH");
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toContain(signedStandard()["webhook-signature"]);
  });
});

interface Given {
  readonly signature?: SignatureConfig;
  readonly rawBody?: Uint8Array;
  readonly headers: RequestHeaders;
  readonly secrets?: readonly string[];
  readonly nowMs?: number;
}

function verify(given: Given) {
  return verifySignature({
    signature: { scheme: "standard" },
    rawBody: BODY,
    secrets: [SECRET],
    nowMs: NOW_SECONDS * 1000 + 999,
    ...given,
  });
}

function refusal(given: Given): SignatureRefusalCode | null {
  const verdict = verify(given);
  return verdict.ok ? null : verdict.reason.code;
}

function signedStandard({ secret = SECRET, body = BODY.toString() } = {}) {
  return {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(NOW_SECONDS),
    "webhook-signature": new Webhook(secret).sign("msg_1", new Date(NOW_SECONDS * 1000), body),
  };
}

function stripeHeader(key: Uint8Array): string {
  const digest = createHmac("sha256", key).update(`${NOW_SECONDS}.`).update(BODY).digest("hex");
  return `t=${NOW_SECONDS},v1=${digest}`;
}
