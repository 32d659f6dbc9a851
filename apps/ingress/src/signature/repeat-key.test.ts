import { describe, expect, it } from "vitest";
import { repeatKeyOf } from "./repeat-key.ts";

const HMAC = { scheme: "hmac", header: "x-sig", encoding: "hex" } as const;

describe("repeatKeyOf", () => {
  it("reads each scheme's own place", () => {
    expect(repeatKeyOf({ scheme: "standard" }, { "webhook-id": "msg_1" }, null)).toBe("msg_1");
    expect(repeatKeyOf({ scheme: "standard" }, { "svix-id": "msg_2", "svix-signature": "v1,x" }, null)).toBe("msg_2");
    expect(repeatKeyOf({ scheme: "github" }, { "X-GitHub-Delivery": "72d3" }, null)).toBe("72d3");
    expect(repeatKeyOf({ scheme: "shopify" }, { "x-shopify-webhook-id": "b545" }, null)).toBe("b545");
    expect(repeatKeyOf({ ...HMAC, idHeader: "X-Id" }, { "x-id": "7" }, null)).toBe("7");
    expect(repeatKeyOf({ scheme: "stripe" }, {}, { id: "evt_1" })).toBe("evt_1");
    expect(repeatKeyOf({ scheme: "slack" }, {}, { event_id: "Ev1" })).toBe("Ev1");
  });

  it("is null where there is none, so that nothing is a repeat", () => {
    expect(repeatKeyOf({ scheme: "none" }, { "webhook-id": "msg_1" }, { id: "x" })).toBeNull();
    expect(repeatKeyOf(HMAC, { "x-id": "7" }, { id: "x" })).toBeNull();
    expect(repeatKeyOf({ scheme: "github" }, {}, null)).toBeNull();
    for (const body of [null, undefined, "evt", 5, [], {}, { id: 5 }, { id: "" }, { id: null }]) {
      expect(repeatKeyOf({ scheme: "stripe" }, {}, body)).toBeNull();
    }
  });

  it("takes no key from a prototype", () => {
    expect(repeatKeyOf({ scheme: "stripe" }, {}, Object.create({ id: "evt_1" }))).toBeNull();
  });

  it("hashes a key that an index or a text column would refuse, and keeps different ones apart", () => {
    const keys = ["x".repeat(5_000), "x".repeat(5_001), "a\u0000", "\ud800", "\udfff", "é"];
    const stored = keys.map((id) => repeatKeyOf({ scheme: "stripe" }, {}, { id }));
    for (const key of stored) expect(key).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(new Set(stored).size).toBe(keys.length);
  });
});
