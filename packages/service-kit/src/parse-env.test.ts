import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { envMasterKeys } from "./env-master-keys.ts";
import { envCidrList, envDurationMs, envInteger, envLogLevel, envPort, envUrl } from "./env-values.ts";
import { checkEnv } from "./parse-env.ts";

describe("checkEnv", () => {
  const schema = z.object({
    API_PORT: envPort().prefault("4000"),
    LEASE_TTL: envDurationMs({ minMs: 1_000 }).prefault("15s"),
    DATABASE_URL: envUrl(["postgres", "postgresql"]),
    MASTER_KEY: envMasterKeys(),
  });

  it("names every variable that is missing or wrong, and shows no value", () => {
    const checked = checkEnv(schema, {
      API_PORT: "70000",
      LEASE_TTL: "soon",
      MASTER_KEY: "c2VjcmV0",
      DATABASE_URL: "",
    });
    expect(checked).toMatchObject({ ok: false });
    const message = checked.ok ? "" : checked.message;
    expect(message.split("\n")).toEqual([
      "The configuration is not valid:",
      "  API_PORT: expected a whole number from 0 to 65535",
      expect.stringMatching(/^ {2}LEASE_TTL: expected a duration: /),
      "  DATABASE_URL is missing",
      expect.stringMatching(/^ {2}MASTER_KEY: expected 32 bytes in base64, or several/),
    ]);
    expect(message).not.toMatch(/70000|soon|c2VjcmV0/);
  });

  it("takes defaults for what is unset or empty, and ignores what it does not know", () => {
    const key = Buffer.alloc(32, 7);
    const env = { API_PORT: "", MASTER_KEY: key.toString("base64"), DATABASE_URL: "postgres://h/d", PATH: "/bin" };
    const checked = checkEnv(schema, env);
    expect(checked).toMatchObject({
      ok: true,
      value: { API_PORT: 4000, LEASE_TTL: 15_000, DATABASE_URL: "postgres://h/d" },
    });
  });
});

describe("values from files", () => {
  const schema = z.object({ TOKEN: z.string(), API_PORT: envPort().prefault("4000") }).transform((env) => env);
  let folder: string;
  const file = (content: string): string => {
    const path = join(folder, "value");
    writeFileSync(path, content);
    return path;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "keelson-env-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("takes a variable from the file that its _FILE names, without the line break at its end", () => {
    for (const ending of ["", "\n", "\r\n"]) {
      const env = { TOKEN_FILE: file(` a secret\nof two lines ${ending}`), TOKEN: "" };
      expect(checkEnv(schema, env)).toEqual({
        ok: true,
        value: { TOKEN: " a secret\nof two lines ", API_PORT: 4000 },
      });
    }
    const env = { TOKEN: "x", API_PORT_FILE: file("4001\n") };
    expect(checkEnv(schema, env)).toMatchObject({ value: { API_PORT: 4001 } });
  });

  it("refuses a variable that is set beside its _FILE, and names both", () => {
    const checked = checkEnv(schema, { TOKEN: "s3cret", TOKEN_FILE: file("other") });
    expect(checked).toEqual({
      ok: false,
      message: "The configuration is not valid:\n  TOKEN and TOKEN_FILE are both set: leave one of them out",
    });
  });

  it.each([
    ["that is not there", () => join(folder, "s3cret"), "cannot be read (ENOENT)"],
    ["that is a folder", () => folder, "cannot be read (EISDIR)"],
    ["that is empty", () => file("\n"), "is empty"],
  ])("refuses a file %s, and names the variable without its value", (_what, path, found) => {
    expect(checkEnv(schema, { TOKEN_FILE: path() })).toEqual({
      ok: false,
      message: `The configuration is not valid:\n  TOKEN_FILE: the file that it names ${found}`,
    });
  });

  it("judges what a file holds as it does any value, and shows nothing of it", () => {
    const checked = checkEnv(schema, { TOKEN: "x", API_PORT_FILE: file("s3cret") });
    expect(checked).toEqual({
      ok: false,
      message: "The configuration is not valid:\n  API_PORT: expected a whole number from 0 to 65535",
    });
  });

  it("reads no file of a variable that is not its own", () => {
    const env = { TOKEN: "x", SSL_CERT_FILE: join(folder, "nothing") };
    expect(checkEnv(schema, env)).toMatchObject({ ok: true });
  });
});

describe("values", () => {
  const parse = <T>(schema: z.ZodType<T, string>, text: string) => {
    const checked = checkEnv(z.object({ X: schema.prefault("") }), { X: text });
    return checked.ok ? checked.value.X : "refused";
  };

  it("reads ports and whole numbers in their range alone", () => {
    expect(["0", "65535", "65536", "-1", "80.5", "0x50", "8o"].map((text) => parse(envPort(), text))).toEqual([
      0,
      65_535,
      ...Array<string>(5).fill("refused"),
    ]);
    expect([parse(envInteger(1, 64), "64"), parse(envInteger(1, 64), "0")]).toEqual([64, "refused"]);
  });

  it("reads durations in the contract's forms", () => {
    expect(["250ms", "15s", "30d", "PT5M", "1500"].map((text) => parse(envDurationMs(), text))).toEqual([
      250, 15_000, 2_592_000_000, 300_000, 1_500,
    ]);
    expect(["15", "1.5s", "1y", "-1s"].map((text) => parse(envDurationMs({ minMs: 100 }), text))).toEqual(
      Array<string>(4).fill("refused"),
    );
  });

  it("reads CIDR lists of both families", () => {
    expect(parse(envCidrList(), "127.0.0.1/32, ::1/128,")).toEqual(["127.0.0.1/32", "::1/128"]);
    expect(parse(envCidrList(), "")).toEqual([]);
    for (const text of ["127.0.0.1", "10.0.0.0/33", "::/129", "10.0.0.0/8/8", "host/8", "10.0.0.0/"]) {
      expect(parse(envCidrList(), text)).toBe("refused");
    }
  });

  it("reads keys of the exact length in strict base64", () => {
    const key = Buffer.alloc(32, 9);
    const text = key.toString("base64");
    expect(parse(envMasterKeys(), text)).toEqual([{ version: 1, bytes: key }]);
    expect(parse(envMasterKeys(), text.replace("=", ""))).toBe("refused");
    expect(parse(envMasterKeys(), Buffer.alloc(31).toString("base64"))).toBe("refused");
  });

  it("reads several keys by their numbers, the sealing one first, and no number twice", () => {
    const [old, next] = [Buffer.alloc(32, 9), Buffer.alloc(32, 8)];
    const [oldText, nextText] = [old.toString("base64"), next.toString("base64")];
    const both = [
      { version: 2, bytes: next },
      { version: 1, bytes: old },
    ];
    for (const text of [`2:${nextText},1:${oldText}`, `2:${nextText}, ${oldText},`, `2:${nextText}\n1:${oldText}`]) {
      expect(parse(envMasterKeys(), text)).toEqual(both);
    }
    for (const text of [`${nextText},${oldText}`, `0:${oldText}`, `x:${oldText}`, `2:${nextText},1:`, "", "2:"]) {
      expect(parse(envMasterKeys(), text)).toBe("refused");
    }
  });

  it("reads log levels and URLs of the wanted scheme", () => {
    expect([parse(envLogLevel(), "debug"), parse(envLogLevel(), "loud")]).toEqual(["debug", "refused"]);
    expect(parse(envUrl(["redis", "rediss"]), "rediss://h:6379/1")).toBe("rediss://h:6379/1");
    expect(parse(envUrl(["redis", "rediss"]), "http://h")).toBe("refused");
  });
});

describe("parseEnv", () => {
  const fixture = fileURLToPath(new URL("../test/print-env.ts", import.meta.url));
  const run = (env: NodeJS.ProcessEnv) => spawnSync(process.execPath, [fixture], { env, encoding: "utf8" });

  it("ends the process with 1 and a plain message on stderr", () => {
    const result = run({ API_PORT: "x" });
    expect(result.status).toBe(1);
    expect(result.stdout).toBe("");
    expect(result.stderr.trim().split("\n")).toEqual([
      "The configuration is not valid:",
      "  API_PORT: expected a whole number from 0 to 65535",
      "  LEASE_TTL is missing",
      "  DATABASE_URL is missing",
    ]);
  });

  it("gives the parsed values", () => {
    const result = run({ LEASE_TTL: "2s", DATABASE_URL: "x" });
    expect(JSON.parse(result.stdout)).toEqual({ API_PORT: 4000, LEASE_TTL: 2_000, DATABASE_URL: "x" });
  });
});
