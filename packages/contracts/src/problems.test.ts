import { describe, expect, it } from "vitest";
import { PROBLEMS, problemBody } from "./problems.ts";

describe("PROBLEMS", () => {
  it.each(Object.entries(PROBLEMS))("%s has an error status, a title and a whole sentence", (code, kind) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(kind.status).toBeGreaterThanOrEqual(400);
    expect(kind.status).toBeLessThan(600);
    expect(kind.title).toMatch(/^[A-Z][^.]+$/);
    expect(kind.sentence).toMatch(/^[A-Z].+\.$/);
  });
});

describe("problemBody", () => {
  it("has the catalogue's sentence where the occurrence says nothing", () => {
    expect(problemBody("NAME_TAKEN", { requestId: "r-1" })).toEqual({
      type: "urn:keelson:problem:NAME_TAKEN",
      title: "Name taken",
      status: 409,
      detail: "Another one already has this name.",
      code: "NAME_TAKEN",
      requestId: "r-1",
    });
  });

  it("carries the occurrence's own detail and errors", () => {
    const errors = [{ path: "/name", code: "INVALID_FIELD", message: "too long" }];
    expect(problemBody("INVALID_REQUEST", { requestId: "r-1", detail: "No.", errors })).toMatchObject({
      detail: "No.",
      errors,
    });
  });
});
