import { describe, expect, it } from "vitest";
import { isBadData, isTransient } from "./connection-errors.ts";

const withCode = (code: string) => Object.assign(new Error("refused"), { code });

describe("isTransient", () => {
  it.each([
    "08006",
    "57P01",
    "57P03",
    "53300",
    "40001",
    "40P01",
    "ECONNRESET",
    "ECONNREFUSED",
    "EPIPE",
    "P1001",
    "P2028",
  ])("holds for %s: another try may work", (code) => {
    expect(isTransient(withCode(code))).toBe(true);
  });

  it.each(["22P05", "23505", "54001", "42501", "P0001", "XX000", "P2002"])("does not hold for %s", (code) => {
    expect(isTransient(withCode(code))).toBe(false);
  });
});

describe("isBadData", () => {
  it.each(["22P05", "21000", "23505", "54001"])("holds for %s", (code) => {
    expect(isBadData(withCode(code))).toBe(true);
  });
});
