import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

it("lists in .env.example every variable that is read, and no other", () => {
  const schemas = ["scripts/env.ts", "packages/service-kit/src/service-env.ts", "apps/*/src/env.ts"];
  const files = schemas.flatMap((pattern) => globSync(pattern, { cwd: root }));
  const variables = files.flatMap((file) => [...read(file).matchAll(/^\s+([A-Z][A-Z_]+):/gm)].map(([, name]) => name));
  const listed = [...read(".env.example").matchAll(/^#([A-Z][A-Z_]+)=/gm)].map(([, name]) => name);
  expect(files).toHaveLength(7);
  expect(new Set(listed)).toEqual(new Set(variables));
  expect(listed).toHaveLength(new Set(listed).size);
});
