import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JoinNode, resolveJoins } from "./joins.ts";
import { choice, condition, documentOf, faultsOf, joinsOf, step } from "./testing/documents.ts";

describe("the default join", () => {
  //  a ──► c
  //  b ──►
  it("waits for all of independent entries", () => {
    expect(joinsOf([step("a"), step("b"), step("c", ["a", "b"])])).toMatchObject({ c: "all" });
  });

  //  big ─true──► yes ──► merge
  //      └false─► no ───►
  it("runs after whichever branch of a condition was taken", () => {
    const steps = [
      condition("big"),
      step("yes", ["big:true"]),
      step("no", ["big:false"]),
      step("merge", ["yes", "no"]),
    ];
    expect(joinsOf(steps)).toMatchObject({ merge: "any" });
  });

  //  big ─true──► review ──► charge
  //      └false────────────►
  it("merges a branch with a short cut past it", () => {
    expect(
      joinsOf([condition("big"), step("review", ["big:true"]), step("charge", ["review", "big:false"])]),
    ).toMatchObject({ charge: "any" });
  });

  //  a ─success─► b
  //    └error───►
  it("runs after success or error of one step", () => {
    expect(joinsOf([step("a"), step("b", ["a", "a:error"])])).toMatchObject({ b: "any" });
  });

  //  a ─error─► alert
  //  b ─error─►
  it("is any where all entries are error edges, of different steps too", () => {
    expect(joinsOf([step("a"), step("b", ["a"]), step("alert", ["a:error", "b:error"])])).toMatchObject({
      alert: "any",
    });
  });

  //  a ─────────► c
  //  b ──error──►
  it("waits for all where an error edge and an independent success can both be taken", () => {
    expect(joinsOf([step("a"), step("b"), step("c", ["a", "b:error"])])).toMatchObject({ c: "all" });
  });

  //  kind ─x─► a ─► merge
  //       ├y─► b ─►
  //       └z─► c ─►
  it("merges the cases of a condition", () => {
    const branches = [step("a", ["kind:x"]), step("b", ["kind:y"]), step("c", ["kind:z"])];
    expect(joinsOf([choice("kind", ["x", "y", "z"]), ...branches, step("merge", ["a", "b", "c"])])).toMatchObject({
      merge: "any",
    });
  });

  //  outer ─true─► inner ─true──► a ─► m ─► end
  //        │             └false─► b ─►      ▲
  //        └false───────────────────────────┘
  it("knows what an any needs: what its entries have in common", () => {
    const steps = [
      condition("outer"),
      condition("inner", ["outer:true"]),
      step("a", ["inner:true"]),
      step("b", ["inner:false"]),
      step("m", ["a", "b"]),
      step("end", ["m", "outer:false"]),
    ];
    expect(joinsOf(steps)).toMatchObject({ m: "any", end: "any" });
  });

  //  big ─true──► a ─► m ─► end
  //      ├false─► b ─►      ▲
  //      └error─────────────┘
  it("knows that a merge of all branches needs the condition not to fail", () => {
    const steps = [
      condition("big"),
      step("a", ["big:true"]),
      step("b", ["big:false"]),
      step("m", ["a", "b"]),
      step("end", ["m", "big:error"]),
    ];
    expect(joinsOf(steps)).toMatchObject({ m: "any", end: "any" });
  });

  //  big ─true──► a ─► m ─► end
  //      └false─► b ─►      ▲
  //           a ────────────┘
  it("waits for a merge and one of its branches together", () => {
    const steps = [
      condition("big"),
      step("a", ["big:true"]),
      step("b", ["big:false"]),
      step("m", ["a", "b"]),
      step("end", ["m", "a"]),
    ];
    expect(joinsOf(steps)).toMatchObject({ end: "all" });
  });

  //  big ─(either)─► a ─► end
  //      └error──────────►
  it("takes a plain condition for whichever branch was taken", () => {
    expect(joinsOf([condition("big"), step("a", ["big"]), step("end", ["a", "big:error"])])).toMatchObject({
      end: "any",
    });
    expect(joinsOf([condition("big"), step("a", ["big"]), step("end", ["a", "big:true"])])).toMatchObject({
      end: "all",
    });
  });

  it("is what was written, where it was", () => {
    expect(joinsOf([step("a"), step("b"), step("c", ["a", "b"], { join: "any" })])).toMatchObject({ c: "any" });
  });
});

describe("NEVER_RUNS", () => {
  //  big ─true──► c (all)
  //      └false─►
  it("refuses an all of two branches", () => {
    expect(faultsOf(documentOf([condition("big"), step("c", ["big:true", "big:false"], { join: "all" })]))).toEqual([
      "NEVER_RUNS /steps/1/dependsOn",
    ]);
  });

  //  big ─true──► a ─► c
  //      └false─► b ─►
  //  other ──────────►
  it("refuses a mixture of both branches and something else, unless the join is written out", () => {
    const steps = (fields: object) => [
      condition("big"),
      step("a", ["big:true"]),
      step("b", ["big:false"]),
      step("other"),
      step("c", ["a", "b", "other"], { ...fields }),
    ];
    expect(faultsOf(documentOf(steps({})))).toEqual(["NEVER_RUNS /steps/4/dependsOn"]);
    expect(faultsOf(documentOf(steps({ join: "any" })))).toEqual([]);
  });

  //  big ─true──► a ─► c ─► d ─► e
  //      └false─► b ─►
  it("is reported once, not for all that follows", () => {
    const steps = [
      condition("big"),
      step("a", ["big:true"]),
      step("b", ["big:false"]),
      step("c", ["a", "b"], { join: "all" }),
      step("d", ["c"]),
      step("e", ["d", "a"]),
    ];
    expect(faultsOf(documentOf(steps))).toEqual(["NEVER_RUNS /steps/3/dependsOn"]);
  });

  it("does not blame a step for an entry that could not be read", () => {
    //  big ─tru?──► a ─► c
    //      ├true──► b ─►
    //      └false─► d ─►
    const steps = [
      condition("big"),
      step("a", ["big:tru"]),
      step("b", ["big:true"]),
      step("d", ["big:false"]),
      step("c", ["a", "b", "d"]),
    ];
    expect(faultsOf(documentOf(steps))).toEqual(["UNKNOWN_BRANCH /steps/1/dependsOn/0"]);
  });
});

const MAX_STEPS = 9;

/** Random graphs: each step a condition or not, with entries on earlier steps. */
const graphs = fc
  .array(
    fc.record({
      branches: fc.constantFrom(["success"], ["true", "false"], ["x", "y", "z"]),
      join: fc.constantFrom("all" as const, "any" as const, null),
      picks: fc.array(fc.tuple(fc.nat(MAX_STEPS), fc.nat(4)), { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: MAX_STEPS },
  )
  .map((drafts) =>
    drafts.map(({ branches, join, picks }, index): JoinNode => {
      const entries = picks.flatMap(([from, pick]) => {
        const source = drafts[from];
        if (from >= index || source === undefined) return [];
        const outcomes = [...source.branches, "error", ...(source.branches.length > 1 ? [null] : [])];
        return [{ from, branch: outcomes[pick % outcomes.length] ?? null }];
      });
      return { entries, join, branches };
    }),
  );

/** One run by dead-path elimination: the outcome of each step, null where it was skipped. */
function run(nodes: readonly JoinNode[], joins: readonly ("all" | "any")[], choices: readonly number[]) {
  const outcomes: (string | null)[] = [];
  const taken = nodes.map((node, index) => {
    const edges = node.entries.map(({ from, branch }) => {
      const outcome = outcomes[from] ?? null;
      return outcome !== null && (branch === null ? outcome !== "error" : outcome === branch);
    });
    const runs = edges.length === 0 || (joins[index] === "all" ? edges.every(Boolean) : edges.some(Boolean));
    const possible = [...node.branches, "error"];
    outcomes[index] = runs ? (possible[(choices[index] ?? 0) % possible.length] ?? "error") : null;
    return edges;
  });
  return { outcomes, taken };
}

const runs = fc.array(fc.nat(11), { minLength: MAX_STEPS, maxLength: MAX_STEPS });

describe("joins, of random graphs", () => {
  it("never run a step that is said never to run, nor take two entries that exclude one another", () => {
    fc.assert(
      fc.property(graphs, runs, (nodes, choices) => {
        const verdicts = resolveJoins(nodes, [...nodes.keys()]);
        const { outcomes, taken } = run(
          nodes,
          verdicts.map((verdict) => verdict.join),
          choices,
        );
        verdicts.forEach(({ conflict }, index) => {
          if (conflict === null) return;
          expect(outcomes[index]).toBeNull();
          expect(taken[index]![conflict[0]] && taken[index]![conflict[1]]).toBe(false);
        });
      }),
      { numRuns: 500 },
    );
  });

  it("run a merge that is any by default after one entry alone, error edges aside", () => {
    fc.assert(
      fc.property(graphs, runs, (nodes, choices) => {
        const verdicts = resolveJoins(nodes, [...nodes.keys()]);
        const { taken } = run(
          nodes,
          verdicts.map((verdict) => verdict.join),
          choices,
        );
        nodes.forEach(({ entries, join }, index) => {
          if (join !== null || verdicts[index]!.join === "all" || entries.every((entry) => entry.branch === "error"))
            return;
          expect(taken[index]!.filter(Boolean).length).toBeLessThan(2);
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe("the work of joins", () => {
  function workOf(nodes: readonly JoinNode[]): number {
    let work = 0;
    resolveJoins(nodes, [...nodes.keys()], () => {
      work += 1;
    });
    return work;
  }

  it("is linear in the edges of a dense graph of successes", () => {
    const nodes = Array.from({ length: 200 }, (_, index) =>
      node(Array.from({ length: index }, (_, from) => ({ from, branch: "success" }))),
    );
    expect(workOf(nodes)).toBeLessThanOrEqual(20_000);
  });

  it("stays polynomial where success and error of every step lead to every later one", () => {
    const both = (from: number) => [
      { from, branch: "success" },
      { from, branch: "error" },
    ];
    const nodes = Array.from({ length: 200 }, (_, index) =>
      node(Array.from({ length: index }, (_, from) => both(from)).flat()),
    );
    expect(workOf(nodes)).toBeLessThan(40_000 * 200 * 2);
  });

  it("is linear in the entries where many branches merge many times", () => {
    const branches = Array.from({ length: 200 }, (_, index) => `b${index}`);
    const entries = branches.map((branch) => ({ from: 0, branch }));
    const nodes = [{ ...node([]), branches }, ...Array.from({ length: 199 }, () => node(entries))];
    expect(workOf(nodes)).toBeLessThan(199 * 200 * 10);
  });
});

function node(entries: JoinNode["entries"]): JoinNode {
  return { entries, join: null, branches: ["success"] };
}
