import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { gatherEvidence } from "./evidence.ts";
import { expectationOf } from "./expectation.ts";
import { explainSignature } from "./search.ts";

const HMAC = { scheme: "hmac", header: "x-sig", encoding: "hex" } as const;

/** Whether the last of so many secrets is found, for a body of so many bytes. */
function lastIsFound(secrets: number, bodyBytes: number): boolean {
  const rawBody = Buffer.alloc(bodyBytes, "x");
  const names = Array.from({ length: secrets }, (_, i) => `secret ${i}`);
  const signature = createHmac("sha256", `secret ${secrets - 1}`)
    .update(rawBody)
    .digest("hex");
  const expectation = expectationOf(HMAC)!;
  const found = explainSignature({
    rawBody,
    expectation,
    evidence: gatherEvidence({ "x-sig": signature }, expectation),
    secrets: names.map((value) => ({ name: value, value, origin: "own" })),
  });
  return found !== null;
}

describe("the search", () => {
  it("makes two hundred digests at the most", () => {
    expect([lastIsFound(200, 10), lastIsFound(201, 10)]).toEqual([true, false]);
  });

  it("hashes sixteen times the largest body at the most", () => {
    const mebibyte = 1024 * 1024;
    expect([lastIsFound(16, mebibyte), lastIsFound(17, mebibyte)]).toEqual([true, false]);
  });

  it("survives JSON that is too deep to be written anew", () => {
    const rawBody = Buffer.from("[".repeat(100_000) + "]".repeat(100_000));
    const expectation = expectationOf(HMAC)!;
    const evidence = gatherEvidence({ "x-sig": "00".repeat(32) }, expectation);
    const secrets = [{ name: "A", value: "a", origin: "own" }] as const;
    expect(explainSignature({ rawBody, expectation, evidence, secrets })).toBeNull();
  });
});

describe("the evidence", () => {
  it("is bounded, whatever a stranger sends", () => {
    const headers = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [
        `x-signature-${i}`,
        Array.from({ length: 20 }, () => "00".repeat(32)).join(" "),
      ]),
    );
    const evidence = gatherEvidence({ ...headers, "x-timestamp": ["1", "2", "3", "4"] }, expectationOf(HMAC)!);
    expect(evidence.digests).toHaveLength(16);
    expect(evidence.timestamps).toHaveLength(3);
  });

  it("has the expected header's digests first", () => {
    const headers = { "x-a-signature": "11".repeat(32), "X-Sig": "22".repeat(32) };
    const { digests } = gatherEvidence(headers, expectationOf(HMAC)!);
    expect(digests.map(({ header }) => header)).toEqual(["x-sig", "x-a-signature"]);
  });
});
