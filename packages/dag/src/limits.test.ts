// Each limit of a document at its edge: what is just allowed, and the next thing, which is not.
import { describe, expect, it } from "vitest";
import { choice, documentOf, faultsOf, http, step } from "./testing/documents.ts";

const chain = (length: number) => Array.from({ length }, (_, n) => step(`s${n}`, n === 0 ? [] : [`s${n - 1}`]));
const many = <T>(length: number, make: (n: number) => T): T[] => Array.from({ length }, (_, n) => make(n));
const withFields = (fields: object) => documentOf([step("a")], { ...fields });
const labels = (count: number) => Object.fromEntries(many(count, (n) => [`l${n}`, "x"]));
const hook = (fields: object) => ({ id: "x", type: "webhook", ...fields });
const signedBy = (count: number) =>
  withFields({ triggers: [hook({ signature: { secrets: many(count, (n) => `S${n}`) } })] });
const hooks = (count: number) =>
  withFields({ triggers: many(count, (n) => hook({ id: `t${n}`, signature: { scheme: "none" } })) });
const attempts = (maxAttempts: number) => documentOf([http("a", [], {}, { retry: { maxAttempts } })]);
/** Of so many bytes as JSON, one of them a letter of two. */
function ofBytes(bytes: number): object {
  const size = (filler: string) => Buffer.byteLength(JSON.stringify(withFields({ output: filler })));
  return withFields({ output: `é${"x".repeat(bytes - size("é"))}` });
}
const expression = (bytes: number) => withFields({ output: `{{ "${"x".repeat(bytes - 4)}" }}` });

describe("a limit of the document", () => {
  it.each<[string, object, object, fault: string]>([
    [
      "200 steps",
      documentOf(many(200, (n) => step(`s${n}`))),
      documentOf(many(201, (n) => step(`s${n}`))),
      "TOO_MANY_STEPS /steps",
    ],
    ["50 steps in a row", documentOf(chain(50)), documentOf(chain(51)), "DEPTH_EXCEEDED /steps/50"],
    ["256 KiB", ofBytes(262_144), ofBytes(262_145), "INVALID_FIELD "],
    ["4 KiB of an expression", expression(4_096), expression(4_097), "EXPRESSION_FORBIDDEN /output"],
    ["8 labels", withFields({ labels: labels(8) }), withFields({ labels: labels(9) }), "INVALID_FIELD /labels"],
    [
      "16 tags",
      withFields({ tags: many(16, (n) => `t${n}`) }),
      withFields({ tags: many(17, (n) => `t${n}`) }),
      "INVALID_FIELD /tags",
    ],
    [
      "2,000 characters of description",
      withFields({ description: "x".repeat(2_000) }),
      withFields({ description: "x".repeat(2_001) }),
      "INVALID_FIELD /description",
    ],
    ["50 triggers", hooks(50), hooks(51), "INVALID_FIELD /triggers"],
    ["10 secrets of a signature", signedBy(10), signedBy(11), "INVALID_FIELD /triggers/0/signature/secrets"],
    ["100 attempts", attempts(100), attempts(101), "INVALID_FIELD /steps/0/retry/maxAttempts"],
    ["1 attempt at least", attempts(1), attempts(0), "INVALID_FIELD /steps/0/retry/maxAttempts"],
    ["365 days", withFields({ timeout: "365d" }), withFields({ timeout: 31_536_000_001 }), "INVALID_DURATION /timeout"],
    [
      "63 characters of the name",
      { ...withFields({}), name: "9".repeat(63) },
      { ...withFields({}), name: "a".repeat(64) },
      "INVALID_FIELD /name",
    ],
    [
      "63 characters of a step's id",
      documentOf([step("_".repeat(63))]),
      documentOf([step("a".repeat(64))]),
      "INVALID_FIELD /steps/0/id",
    ],
    [
      "63 characters of a branch",
      documentOf([choice("c", ["b".repeat(63)])]),
      documentOf([choice("c", ["b".repeat(64)])]),
      "INVALID_FIELD /steps/0/config/cases/0/branch",
    ],
  ])("is %s, and no more", (_title, good, bad, fault) => {
    expect(faultsOf(good)).toEqual([]);
    expect(faultsOf(bad)).toEqual([fault]);
  });
});

describe("a name", () => {
  it.each(["-a", "a_b", "A", "", "a.b", "é", "0190a0a0-0000-7000-8000-000000000000"])(
    "of a workflow is not %j",
    (name) => {
      expect(faultsOf({ ...withFields({}), name })).toEqual(["INVALID_FIELD /name"]);
    },
  );

  it.each(["a", "0", "a-", "0190a0a0-0000-7000-8000-00000000000"])("of a workflow may be %j", (name) => {
    expect(faultsOf({ ...withFields({}), name })).toEqual([]);
  });

  it.each(["1a", "a-b", "a.b", "", "é", "a b"])("of a step is not %j", (id) => {
    expect(faultsOf(documentOf([step(id)]))).toEqual(["INVALID_FIELD /steps/0/id"]);
  });

  it.each(["_", "A1", "cool_off"])("of a step may be %j", (id) => {
    expect(faultsOf(documentOf([step(id)]))).toEqual([]);
  });

  it.each(["success", "error", "1st", "a-b"])("of a branch is not %j", (branch) => {
    expect(faultsOf(documentOf([choice("c", [branch])]))).toEqual(["INVALID_FIELD /steps/0/config/cases/0/branch"]);
  });
});

it.each(["step", "steps", "Name", "on_failure"])("a key that is not known is refused: %s", (key) => {
  expect(faultsOf(withFields({ [key]: 1 }))).toEqual([`INVALID_FIELD /${key}`]);
});
