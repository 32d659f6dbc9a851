import { describe, expect, it } from "vitest";
import { createRedactor, createTextRedactor } from "./redact.ts";

const SECRET = 'p@ss/w+rd "é" ~x?';
const utf8 = (text: string) => Buffer.from(text, "utf8");

describe("createRedactor", () => {
  it.each([
    ["as it is", SECRET],
    ["in base64", utf8(SECRET).toString("base64")],
    ["in base64url", utf8(SECRET).toString("base64url")],
    ["encoded for a URL", encodeURIComponent(SECRET)],
    ["encoded for a URL in lower case", encodeURIComponent(SECRET).replace(/%../g, (hex) => hex.toLowerCase())],
    ["encoded for a form", new URLSearchParams({ s: SECRET }).toString().slice(2)],
    ["as a URL's path", new URL(`http://h/${SECRET.replace("?", "")}`).pathname.slice(1)],
    ["as JSON text", JSON.stringify(SECRET).slice(1, -1)],
    ["as JSON text with escaped slashes", JSON.stringify(SECRET).slice(1, -1).replaceAll("/", "\\/")],
    ["as JSON text in ASCII", JSON.stringify(SECRET).slice(1, -1).replaceAll("é", "\\u00e9")],
    ["as JSON text within JSON text", JSON.stringify(JSON.stringify(SECRET)).slice(3, -3)],
  ])("finds the secret %s", (_, form) => {
    const secrets = form.includes("?") || !form.startsWith("p@ss/w+rd%20") ? [SECRET] : [SECRET.replace("?", "")];
    expect(createRedactor(secrets)(`<${form}>`)).toBe("<***>");
  });

  it.each(["", "a", "ab", "user:", "some:name:", "1234567"])(
    "finds the secret in base64 behind %j, whatever follows",
    (before) => {
      const redact = createRedactor([SECRET]);
      const offset = Math.floor((before.length * 8) / 6);
      for (const after of ["", "x", "xy", "xyz"]) {
        const text = redact(utf8(before + SECRET + after).toString("base64")) as string;
        expect(text).toContain("***");
        // At either end one character that the neighbours share in, the rest of the quantum that they fill, and padding.
        expect(text.replace("***", "").length).toBeLessThanOrEqual(offset + 1 + Math.ceil((after.length * 8) / 6) + 3);
      }
    },
  );

  it("works within keys, arrays and objects, and keeps all else", () => {
    const redact = createRedactor(["hunter22"]);
    expect(redact({ "k-hunter22": ["x hunter22 y", 1, null, true], plain: { deep: "hunter2" } })).toEqual({
      "k-***": ["x *** y", 1, null, true],
      plain: { deep: "hunter2" },
    });
  });

  it("leaves nothing of secrets that overlap, repeat or contain one another", () => {
    const redact = createRedactor(["abcdef123", "123xyz789", "abcdef", "aaaaaa"]);
    expect(redact("abcdef123xyz789")).toBe("***");
    expect(redact("-aaaaaaaaa-")).toBe("-***-");
    expect(redact("abcdef abcdef")).toBe("*** ***");
    expect(redact("hunter22 123xyz789")).toBe("hunter22 ***");
  });

  it("finds a number that is a secret", () => {
    expect(createRedactor(["123456"])({ pin: 123456, other: 12345 })).toEqual({ pin: "***", other: 12345 });
  });

  it("finds a secret whose line break was lost in a URL or header", () => {
    expect(createRedactor(["token-123\n"])("Bearer token-123")).toBe("Bearer ***");
  });

  it("keeps an own __proto__ as a property", () => {
    const value = JSON.parse('{"__proto__":{"a":"hunter22"}}');
    expect(JSON.stringify(createRedactor(["hunter22"])(value))).toBe('{"__proto__":{"a":"***"}}');
  });

  it("does not look for values below six characters", () => {
    expect(createRedactor(["abcde", ""])("abcde")).toBe("abcde");
    expect(createTextRedactor(["abcde"]).longest).toBe(0);
  });

  it("takes a hostile text of a million characters in its stride", () => {
    const text = "a".repeat(1_000_000);
    expect(createRedactor(["aaaaaaaa", "aaaaaaab"])(text)).toBe("***");
  });
});
