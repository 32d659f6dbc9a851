import { parseDefinition } from "@keelson/dag";
import { describe, expect, it } from "vitest";
import { payloadOf, workloads } from "./workflows.ts";

describe.each(Object.values(workloads))("$name", ({ documents, steps, posts, ends, executions }) => {
  const parsed = documents("http://127.0.0.1:1").map((document) => {
    const result = parseDefinition(document);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return result.definition;
  });

  it("is a document that the engine takes, with as many steps and POSTs as it says", () => {
    const [child, parent] = parsed;
    const children = parent === undefined ? 0 : parent.steps.length;
    const all = [
      ...(parent?.steps ?? []),
      ...Array.from({ length: Math.max(1, children) }, () => child?.steps ?? []).flat(),
    ];
    const toTarget = all.flatMap((step) => (step.type === "http" ? [step.config.url] : []));
    expect(all).toHaveLength(steps);
    expect(toTarget).toHaveLength(posts);
    expect(toTarget.filter((url) => url.endsWith("/end"))).toHaveLength(ends);
    expect(executions).toBe(1 + children);
  });
});

it("sends about a kilobyte", () => {
  const bytes = Buffer.byteLength(payloadOf("abcdefghijkl"));
  expect(bytes).toBeGreaterThan(900);
  expect(bytes).toBeLessThan(1_100);
});
