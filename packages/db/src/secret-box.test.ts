import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type MasterKey, UnknownMasterKeyError, createSecretBox, newNonce } from "./secret-box.ts";

const key = (version: number): MasterKey => ({ version, bytes: randomBytes(32) });
const box = createSecretBox([key(1)]);

describe("the secret box", () => {
  it("opens what it sealed, whatever the text", () => {
    for (const value of ["x", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "ä€😀", "a".repeat(65_536)]) {
      expect(box.open("t1", "NAME", box.seal("t1", "NAME", value))).toBe(value);
    }
  });

  it("opens nothing under another tenant, another name or another master key", () => {
    const sealed = box.seal("t1", "NAME", "swordfish");
    expect(() => box.open("t2", "NAME", sealed)).toThrow();
    expect(() => box.open("t1", "OTHER", sealed)).toThrow();
    expect(() => createSecretBox([key(1)]).open("t1", "NAME", sealed)).toThrow();
    expect(() => box.open("t1", "NAME", { ...sealed, keyVersion: 2 })).toThrow(UnknownMasterKeyError);
  });

  it("opens nothing that was changed or cut, its tag included", () => {
    const sealed = box.seal("t1", "NAME", "swordfish");
    for (let index = 0; index < sealed.ciphertext.length; index++) {
      const changed = Buffer.from(sealed.ciphertext);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => box.open("t1", "NAME", { ...sealed, ciphertext: changed })).toThrow();
    }
    expect(() => box.open("t1", "NAME", { ...sealed, ciphertext: sealed.ciphertext.subarray(0, -4) })).toThrow();
    expect(() => box.open("t1", "NAME", { ...sealed, ciphertext: sealed.ciphertext.subarray(0, 12) })).toThrow();
  });

  it("opens what any of its keys has sealed, and seals with the first", () => {
    const [old, next] = [key(1), key(2)];
    const before = createSecretBox([old]).seal("t1", "NAME", "swordfish");
    const during = createSecretBox([next, old]);
    expect(during.keyVersion).toBe(2);
    expect(during.open("t1", "NAME", before)).toBe("swordfish");
    const after = during.seal("t1", "NAME", "swordfish");
    expect(after.keyVersion).toBe(2);
    expect(createSecretBox([next]).open("t1", "NAME", after)).toBe("swordfish");
    // The number is no more than which key to take: it opens nothing by itself.
    expect(() => during.open("t1", "NAME", { ...after, keyVersion: 1 })).toThrow("authenticate");
  });

  it("names the key that is missing, those that are there, and what to do", () => {
    const sealed = createSecretBox([key(3)]).seal("t1", "NAME", "swordfish");
    const refusal = /master key 3, and KEELSON_MASTER_KEY has 2, 1 alone: write key 3 behind them/;
    expect(() => createSecretBox([key(2), key(1)]).open("t1", "NAME", sealed)).toThrow(refusal);
  });

  it("never takes a nonce twice, in a million", () => {
    // As text: a set of buffers would compare who they are.
    const nonces = new Set<string>();
    for (let n = 0; n < 1_000_000; n++) nonces.add(newNonce().toString("latin1"));
    expect(nonces.size).toBe(1_000_000);
  });

  it("never seals twice alike", () => {
    const sealed = Array.from({ length: 1_000 }, () => box.seal("t1", "N", "x"));
    for (const part of ["nonce", "ciphertext"] as const)
      expect(new Set(sealed.map((one) => Buffer.from(one[part]).toString("hex"))).size).toBe(1_000);
  });

  it("takes master keys of 32 bytes alone, each under a number of its own", () => {
    expect(() => createSecretBox([{ version: 1, bytes: randomBytes(16) }])).toThrow(RangeError);
    expect(() => createSecretBox([key(1), key(1)])).toThrow(RangeError);
  });
});
