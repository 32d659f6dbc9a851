import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openLogOutput } from "./log-output.ts";
import { createLogger } from "./logger.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "keelson-log-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

it("throws nothing where lines cannot be written, and writes again once they can", () => {
  const file = join(folder, "log");
  writeFileSync(file, "");
  const fd = openSync(file, "r"); // refuses every write, as a full disk does
  const log = createLogger({ service: "test", level: "info", destination: openLogOutput(fd) });
  log.info("while it is full");
  log.fatal("while it is full");
  closeSync(fd);
  expect(openSync(file, "a")).toBe(fd);
  log.info("the disk has room");
  log.info("and goes on");
  closeSync(fd);

  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["the disk has room", "and goes on"]);
});
