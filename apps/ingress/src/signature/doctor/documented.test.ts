import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SIGNATURE_REFUSAL_CODES } from "../refusal.ts";
import { DIAGNOSIS_CODES } from "./diagnoses.ts";

it("has every code of a refused signature in the contract", () => {
  const contract = readFileSync(join(import.meta.dirname, "../../../../../docs/contract.md"), "utf8");
  const rows = contract.split("\n").filter((line) => line.startsWith("| `"));
  const named = new Set(
    rows.flatMap((row) => [...row.split(" | ")[0]!.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code)),
  );
  const codes: readonly string[] = [...DIAGNOSIS_CODES, ...SIGNATURE_REFUSAL_CODES];
  expect(codes.filter((code) => !named.has(code))).toEqual([]);
});
