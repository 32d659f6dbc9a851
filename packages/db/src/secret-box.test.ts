import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createSecretBox } from "./secret-box.ts";

const box = createSecretBox(randomBytes(32));

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
    expect(() => createSecretBox(randomBytes(32)).open("t1", "NAME", sealed)).toThrow();
    expect(() => box.open("t1", "NAME", { ...sealed, keyVersion: 2 })).toThrow("master key 2");
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

  it("never seals twice alike", () => {
    const nonces = Array.from({ length: 1_000 }, () => Buffer.from(box.seal("t1", "N", "x").nonce).toString("hex"));
    expect(new Set(nonces).size).toBe(1_000);
  });

  it("takes master keys of 32 bytes alone", () => {
    expect(() => createSecretBox(randomBytes(16))).toThrow(RangeError);
  });
});
