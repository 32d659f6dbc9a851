import { describe, expect, it } from "vitest";
import { masterKeyBytes, noteSecret, SECRET_MARK, secretValue, webhookSecret } from "./canary.ts";
import { assertNoSecrets, createLeakSearch, leakSearch } from "./leak-search.ts";

const percent = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").replace(/../g, "%$&");
const escaped = (text: string): string =>
  text.replace(/[^]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
const formsFound = (text: string | Uint8Array): string[] =>
  leakSearch()
    .find("here", text)
    .map(({ form }) => form);

const WAYS: Record<string, (secret: Buffer) => string | Uint8Array> = {
  "as it is": (secret) => secret,
  "in JSON": (secret) => JSON.stringify({ a: [`x${secret.toString()}`] }),
  "in a URL": (secret) => `https://h/?a=1&token=${encodeURIComponent(secret.toString())}`,
  "URL-encoded to the last character": (secret) => percent(secret),
  "in hex": (secret) => secret.toString("hex"),
  "in upper-case hex": (secret) => secret.toString("hex").toUpperCase(),
  "in bytea, as PostgreSQL shows it": (secret) => `(1,"\\\\x00${secret.toString("hex")}ff")`,
  "in base64": (secret) => secret.toString("base64"),
  "in base64 behind one byte": (secret) => Buffer.concat([Buffer.from("a"), secret]).toString("base64"),
  "in base64 behind two": (secret) => Buffer.concat([Buffer.from("ab"), secret, Buffer.from("c")]).toString("base64"),
  "in base64url": (secret) => Buffer.concat([Buffer.from("ü?>"), secret]).toString("base64url"),
  "in base64 in bytea": (secret) => Buffer.from(secret.toString("base64")).toString("hex"),
  "in escapes of JSON": (secret) => `"${escaped(secret.toString())}"`,
  "in UTF-16": (secret) => Buffer.from(secret.toString(), "utf16le"),
  "as a list of bytes": (secret) => JSON.stringify(secret),
};

describe("the search finds", () => {
  it.each(Object.entries(WAYS))("a value %s, wherever it stands", (_, write) => {
    const written = Buffer.from(write(Buffer.from(secretValue())));
    for (let before = 0; before < 16; before++) {
      const text = Buffer.concat([Buffer.alloc(before, "-"), written, Buffer.alloc(64, "~")]);
      expect(formsFound(text), `behind ${before} bytes`).not.toEqual([]);
    }
  });

  it.each(["hex", "base64", "base64url", "latin1"] as const)("a webhook's secret by its bytes, in %s", (encoding) => {
    const key = Buffer.from(webhookSecret().slice("whsec_".length), "base64");
    for (let before = 0; before < 3; before++) {
      const text = Buffer.concat([Buffer.alloc(before, "x"), key]);
      expect(formsFound(encoding === "latin1" ? text : text.toString(encoding))).not.toEqual([]);
    }
    expect(formsFound(`key ${key.join(",")}`)).not.toEqual([]);
  });

  it("a webhook's secret and a master key as they are configured", () => {
    expect(formsFound(`"${webhookSecret()}"`)).toEqual(["plain"]);
    expect(formsFound(`2:${masterKeyBytes().toString("base64")}`)).toEqual(["plain"]);
  });

  it("what was made elsewhere and noted, such as an API key", () => {
    const key = "kee_0123456789abcdefghijABCDEFGHIJxyzxyz";
    expect(formsFound(key)).toEqual([]);
    noteSecret(key);
    for (const write of Object.values(WAYS)) expect(formsFound(write(Buffer.from(key)))).not.toEqual([]);
    // Its beginning is what lists show.
    expect(formsFound(key.slice(0, 10))).toEqual([]);
  });

  it("nothing in what holds none", () => {
    const text = JSON.stringify({
      text: "whsec_ and kee_",
      SECRET: "***",
      bytes: [...Buffer.from("quite other bytes")],
    });
    expect(leakSearch().find("here", text.repeat(1_000))).toEqual([]);
    expect(formsFound(SECRET_MARK.slice(1))).toEqual([]);
  });
});

it("names the place and what stands around, and not the secret", () => {
  const secret = secretValue();
  const search = createLeakSearch([secret]);
  const [leak] = search.find("keelson.step_runs", `{"output":"Bearer ${secret}"}`);
  expect(leak).toEqual({ place: "keelson.step_runs", form: "plain", around: '…{"output":"Bearer [the secret]"}…' });
  expect(() => assertNoSecrets("a log", `x ${secret}`)).toThrow(
    /written in the clear \(I8\), 1 times:\n {2}a log \(plain\)/,
  );
});
