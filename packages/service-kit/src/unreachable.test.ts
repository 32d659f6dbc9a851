import { describe, expect, it } from "vitest";
import { isDatabaseUnreachable } from "./unreachable.ts";

const coded = (code: string, more: object = {}) => Object.assign(new Error("x"), { code, ...more });

/** As Prisma throws what its driver adapter was told by PostgreSQL and what it has no code of its own for. */
const byPrisma = (code: string, originalCode: string) =>
  coded(code, {
    meta: { driverAdapterError: Object.assign(new Error("x"), { cause: { kind: "postgres", originalCode } }) },
  });

describe("isDatabaseUnreachable", () => {
  it.each([
    coded("ECONNREFUSED"),
    coded("57P01"),
    coded("08006"),
    coded("P1001"),
    coded("P2028"),
    coded("53300"),
    coded("53100"),
    coded("53200"),
    coded("58030"),
    coded("25006"),
    coded("40001"),
    coded("40P01"),
    coded("55P03"),
    byPrisma("P2010", "40P01"),
    byPrisma("P2010", "53100"),
    byPrisma("P2010", "25006"),
    coded("ENOENT", { syscall: "connect" }),
    new Error("Connection terminated unexpectedly"),
    new Error("outer", { cause: new Error("inner", { cause: coded("ECONNRESET") }) }),
    new AggregateError([coded("ECONNREFUSED"), coded("ECONNREFUSED")]),
    Object.assign(new Error("adapter"), { cause: { kind: "DatabaseNotReachable" } }),
    byPrisma("P2039", "57P03"),
    byPrisma("P2010", "57P01"),
  ])("holds for %o", (error) => {
    expect(isDatabaseUnreachable(error)).toBe(true);
  });

  it.each([
    null,
    "ECONNREFUSED",
    new Error("ECONNREFUSED"),
    coded("23505"),
    coded("42P01"),
    coded("ENOENT", { syscall: "open" }),
    coded("P2002"),
    byPrisma("P2010", "23505"),
  ])("does not hold for %o", (error) => {
    expect(isDatabaseUnreachable(error)).toBe(false);
  });

  it("ends on an error that is its own cause", () => {
    const error = new Error("loop");
    error.cause = error;
    expect(isDatabaseUnreachable(error)).toBe(false);
  });
});
