import { describe, expect, it } from "vitest";
import { createLogger } from "./logger.ts";

describe("createLogger", () => {
  it("writes JSON lines with time, level, service, and the event's fields", () => {
    const { log, line } = capture();
    log.info({ tenant_id: "t", duration_ms: 1.5 }, "step.attempted");
    expect(line()).toMatchObject({
      level: "info",
      service: "worker",
      pid: process.pid,
      tenant_id: "t",
      duration_ms: 1.5,
      msg: "step.attempted",
    });
    expect(line().time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it("hides secrets and payloads, one level deep too", () => {
    const { log, text } = capture();
    log.info({
      secret: "s1",
      req: { authorization: "s2" },
      headers: { cookie: "s3" },
      a: { headers: "s4", body: "s5" },
    });
    expect(text()).not.toMatch(/s[1-5]"/);
  });

  it("shows of an error its name, message, code, stack and causes, but no field that may hold a row", () => {
    const { log, line, text } = capture();
    const cause = Object.assign(new Error("duplicate key"), { code: "23505", detail: "Key (email)=(a@b.c) exists" });
    log.error({ err: new TypeError("outer", { cause }) });
    expect(line().err).toMatchObject({
      type: "TypeError",
      message: "outer",
      stack: expect.stringContaining("logger.test"),
      cause: { message: "duplicate key", code: "23505" },
    });
    expect(text()).not.toContain("a@b.c");
  });

  it("takes what is thrown but no error", () => {
    const { log, line } = capture();
    log.error({ err: "just text" });
    expect(line().err).toEqual({ type: "string", message: "just text" });
  });
});

function capture() {
  let written = "";
  const log = createLogger({
    service: "worker",
    level: "info",
    destination: { write: (line: string) => void (written += line) },
  });
  return { log, text: () => written, line: (): Record<string, unknown> => JSON.parse(written) };
}
