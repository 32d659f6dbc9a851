import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orderSteps } from "./order.ts";
import { documentOf, faultsOf, problemsOf, step, workflowOf } from "./testing/documents.ts";

function messagesOf(steps: readonly object[]): string[] {
  return problemsOf(documentOf(steps)).map((problem) => problem.message);
}

describe("levels", () => {
  //  a ─► b ─► d
  //  └──► c ───┘──► (d waits for b and c)
  //  e
  it("put each step one below the lowest it waits for", () => {
    const { graph } = workflowOf(
      documentOf([step("d", ["b", "c"]), step("a"), step("b", ["a"]), step("c", ["a", "b"]), step("e")]),
    );
    expect(graph.levels).toEqual([["a", "e"], ["b"], ["c"], ["d"]]);
    expect(graph.depth).toBe(4);
  });
});

describe("CYCLE", () => {
  //  a ─► b ─► c ─► a
  it("names the steps of the cycle", () => {
    const steps = [step("a", ["c"]), step("b", ["a"]), step("c", ["b"])];
    expect(faultsOf(documentOf(steps))).toEqual(["CYCLE /steps/0/dependsOn"]);
    expect(messagesOf(steps)[0]).toContain("a → c → b → a");
  });

  //  a ⇄ b ─► c ⇄ d    e ─► a
  it("is reported once for each group of steps, however they are joined", () => {
    const steps = [step("e"), step("a", ["b", "e"]), step("b", ["a"]), step("c", ["b", "d"]), step("d", ["c"])];
    expect(faultsOf(documentOf(steps))).toEqual(["CYCLE /steps/1/dependsOn", "CYCLE /steps/3/dependsOn"]);
  });

  it("also goes over error edges", () => {
    expect(faultsOf(documentOf([step("a", ["b:error"]), step("b", ["a"])]))).toEqual(["CYCLE /steps/0/dependsOn"]);
  });

  it("does not hide what else is wrong", () => {
    const steps = [step("a", ["b"]), step("b", ["a"]), step("c", ["nowhere"])];
    expect(faultsOf(documentOf(steps))).toEqual(["UNKNOWN_STEP /steps/2/dependsOn/0", "CYCLE /steps/0/dependsOn"]);
  });

  it("is not a step that names itself", () => {
    expect(faultsOf(documentOf([step("a", ["a"])]))).toEqual(["SELF_DEPENDENCY /steps/0/dependsOn/0"]);
  });
});

describe("DEPTH_EXCEEDED", () => {
  const chain = (length: number) =>
    Array.from({ length }, (_, index) => step(`s${index}`, index === 0 ? [] : [`s${index - 1}`]));

  it("counts the longest path in steps", () => {
    expect(faultsOf(documentOf(chain(50)))).toEqual([]);
    expect(faultsOf(documentOf(chain(51)))).toEqual(["DEPTH_EXCEEDED /steps/50"]);
  });
});

const sourcesOf = fc
  .array(fc.array(fc.nat(11), { maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .map((lists) => lists.map((list, step) => [...new Set(list.filter((from) => from < lists.length && from !== step))]));

/** Steps from which a step can be reached again, by brute force. */
function inCycle(sources: readonly (readonly number[])[], start: number): boolean {
  const seen = new Set<number>();
  const open = [...sources[start]!];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === start) return true;
    if (!seen.has(next)) open.push(...sources[next]!);
    seen.add(next);
  }
  return false;
}

describe("order, of random graphs", () => {
  it("puts every step after those it waits for, and leaves out those in a cycle or below one", () => {
    fc.assert(
      fc.property(sourcesOf, (sources) => {
        const { sorted, levels } = orderSteps(sources);
        const place = new Map(sorted.map((step, index) => [step, index]));
        sources.forEach((from, step) => {
          const blocked = inCycle(sources, step) || from.some((source) => !place.has(source));
          expect(place.has(step)).toBe(!blocked);
          if (blocked) return;
          expect(levels[step]).toBe(Math.max(-1, ...from.map((source) => levels[source]!)) + 1);
          for (const source of from) expect(place.get(source)!).toBeLessThan(place.get(step)!);
        });
      }),
    );
  });

  it("finds a cycle exactly where there is one, and names one that is real", () => {
    fc.assert(
      fc.property(sourcesOf, (sources) => {
        const steps = sources.map((from, index) =>
          step(
            `s${index}`,
            from.map((source) => `s${source}`),
          ),
        );
        const problems = problemsOf(documentOf(steps)).filter(({ code }) => code === "CYCLE");
        expect(problems.length > 0).toBe(sources.some((_, index) => inCycle(sources, index)));
        for (const { message } of problems) {
          const ring = [...message.matchAll(/s(\d+)(?= →|,)/g)].map((match) => Number(match[1]));
          expect(ring.length).toBeGreaterThan(2);
          expect(ring[0]).toBe(ring.at(-1));
          ring.slice(1).forEach((source, index) => expect(sources[ring[index]!]).toContain(source));
        }
      }),
    );
  });
});
