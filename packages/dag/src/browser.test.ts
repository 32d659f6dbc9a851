// This package and the contracts also run in a browser: a console validates with the engine's own code.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

function sourcesBelow(folder: URL): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(new URL(name, folder), "utf8"));
}

describe("code that runs in a browser", () => {
  it.each(["./", "../../contracts/src/"])("uses nothing of Node.js: %s", (folder) => {
    const sources = sourcesBelow(new URL(folder, import.meta.url));
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources) expect(source).not.toMatch(/from "node:|\brequire\(|\bprocess\.|\bBuffer\b/);
  });
});
