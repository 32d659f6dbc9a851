import { describe, expect, it } from "vitest";
import { isBadData, isTransient } from "./connection-errors.ts";

const withCode = (code: string) => Object.assign(new Error("refused"), { code });

describe("isTransient", () => {
  it.each([
    "08006",
    "57P01",
    "57P03",
    "53100",
    "53200",
    "53300",
    "58030",
    "25006",
    "40001",
    "40P01",
    "55P03",
    "ECONNRESET",
    "ECONNREFUSED",
    "EPIPE",
    "P1001",
    "P2028",
  ])("holds for %s: another try may work", (code) => {
    expect(isTransient(withCode(code))).toBe(true);
  });

  it.each([
    ["P2039", "57P03", true],
    ["P2010", "57P01", true],
    ["P2010", "23505", false],
  ])("looks into what Prisma throws as %s: %s", (code, originalCode, transient) => {
    const driverAdapterError = Object.assign(new Error("x"), { cause: { kind: "postgres", originalCode } });
    const error = Object.assign(withCode(code), { meta: { driverAdapterError } });
    expect(isTransient(error)).toBe(transient);
    expect(isBadData(error)).toBe(!transient);
  });

  it.each(["22P05", "23505", "54001", "42501", "P0001", "XX000", "P2002"])("does not hold for %s", (code) => {
    expect(isTransient(withCode(code))).toBe(false);
  });
});

it("takes no text that was cut off for a connection that was", () => {
  expect(isTransient(new SyntaxError("Unterminated string in JSON at position 5"))).toBe(false);
  expect(isTransient(new Error("terminating due to administrator command"))).toBe(true);
});

describe("isBadData", () => {
  it.each(["22P05", "21000", "23505", "54001"])("holds for %s", (code) => {
    expect(isBadData(withCode(code))).toBe(true);
  });
});
