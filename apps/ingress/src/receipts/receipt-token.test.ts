import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { createReceiptTokens } from "./receipt-token.ts";

const MASTER_KEY = Buffer.alloc(32, 9);
const DELIVERY = {
  tenantId: "019a0000-0000-7000-8000-000000000001",
  deliveryId: "019a0000-0000-7000-8000-000000000002",
};
const DAY_MS = 24 * 60 * 60 * 1000;

function setUp() {
  const clock = { nowMs: 1_700_000_000_000 };
  return { clock, tokens: createReceiptTokens([{ version: 1, bytes: MASTER_KEY }], () => clock.nowMs) };
}

it("names its delivery for exactly a day", () => {
  const { clock, tokens } = setUp();
  const token = tokens.issue(DELIVERY);
  expect(tokens.read(token)).toEqual({ kind: "valid", ...DELIVERY });
  clock.nowMs += DAY_MS - 1;
  expect(tokens.read(token)).toEqual({ kind: "valid", ...DELIVERY });
  clock.nowMs += 1;
  expect(tokens.read(token)).toEqual({ kind: "expired" });
});

it("is read by every process that has the same master key, and by no other", () => {
  const token = setUp().tokens.issue(DELIVERY);
  expect(setUp().tokens.read(token)).toMatchObject({ kind: "valid" });
  const others = createReceiptTokens([{ version: 1, bytes: Buffer.alloc(32, 8) }], () => 1_700_000_000_000);
  expect(others.read(token)).toEqual({ kind: "forged" });
});

it("is read after its key has been replaced, while that is there behind the new one", () => {
  const { tokens: before } = setUp();
  const next = { version: 2, bytes: Buffer.alloc(32, 8) };
  const during = createReceiptTokens([next, { version: 1, bytes: MASTER_KEY }], () => 1_700_000_000_000);
  expect(during.read(before.issue(DELIVERY))).toMatchObject({ kind: "valid" });
  expect(during.read(during.issue(DELIVERY))).toMatchObject({ kind: "valid" });
  expect(before.read(during.issue(DELIVERY))).toEqual({ kind: "forged" });
});

it("is forged where any one character of it is another", () => {
  const { tokens } = setUp();
  const token = tokens.issue(DELIVERY);
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === "A" ? "B" : "A";
    expect(tokens.read(token.slice(0, at) + other + token.slice(at + 1)), `character ${at}`).toEqual({
      kind: "forged",
    });
  }
});

it.each(["", "A", "A".repeat(95), "A".repeat(96), "A".repeat(97), "=".repeat(96), "é".repeat(96)])(
  "is not %j, whatever that is",
  (token) => expect(setUp().tokens.read(token)).toEqual({ kind: "forged" }),
);

it("is forged where it is signed with the master key itself, or expired and forged at once", () => {
  const { clock, tokens } = setUp();
  const payload = Buffer.from(tokens.issue(DELIVERY), "base64url").subarray(0, 40);
  const mac = createHmac("sha256", MASTER_KEY).update(payload).digest();
  const token = Buffer.concat([payload, mac]).toString("base64url");
  expect(tokens.read(token)).toEqual({ kind: "forged" });
  clock.nowMs += DAY_MS;
  expect(tokens.read(token)).toEqual({ kind: "forged" });
});
