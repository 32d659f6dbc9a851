import { describe, expect, it } from "vitest";
import { isApiKey, newApiKey } from "./api-key.ts";

describe("API keys", () => {
  it("have a lead, 36 characters and a prefix that gives six of them away", () => {
    const { key, prefix, hash } = newApiKey();
    expect(key).toMatch(/^kee_[0-9A-Za-z]{36}$/);
    expect(key.startsWith(prefix)).toBe(true);
    expect(prefix).toHaveLength(10);
    expect(hash).toHaveLength(32);
  });

  it("are recognised by their checksum, so that no typing error is looked up", () => {
    for (let run = 0; run < 200; run++) {
      const { key } = newApiKey();
      expect(isApiKey(key)).toBe(true);
      for (let at = 4; at < key.length; at += 5) {
        const typo = key.slice(0, at) + (key[at] === "x" ? "y" : "x") + key.slice(at + 1);
        expect(isApiKey(typo)).toBe(false);
      }
    }
  });

  it("are nothing else", () => {
    const { key } = newApiKey();
    for (const text of ["", "kee_", key.slice(1), `${key}x`, key.toUpperCase(), ` ${key}`, `${key}\n`]) {
      expect(isApiKey(text)).toBe(false);
    }
  });
});
