import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseDefinition } from "./parse.ts";
import { PROBLEM_CODES } from "./problem.ts";
import { choice, condition, documentOf, faultsOf, http, problemsOf, step, workflowOf } from "./testing/documents.ts";

const example: object = JSON.parse(readFileSync(new URL("testing/order-fulfilment.json", import.meta.url), "utf8"));

const webhook = (id: string) => ({ id, type: "webhook", signature: { scheme: "none" } });
const schedule = (fields: object) => ({ id: "nightly", type: "schedule", cron: "0 2 * * *", ...fields });
const withTrigger = (trigger: object, fields: object = {}) =>
  documentOf([step("a")], { triggers: [trigger], ...fields });
const withStep = (fields: object) => documentOf([step("a"), { ...step("b", ["a"]), ...fields }]);
const withConfig = (type: string, config: unknown, fields: object = {}) => withStep({ type, config, ...fields });
const withOutput = (output: unknown) => withStep({ config: { output } });

describe("the example", () => {
  it("parses to a graph", () => {
    const { graph, timeoutMs } = workflowOf(example);
    expect(graph.levels).toEqual([["shape"], ["big"], ["review"], ["charge"], ["cool_off"], ["ship"], ["alert"]]);
    expect(graph.steps.map(({ id, join }) => `${id} ${join}`)).toContain("charge any");
    expect(graph.leaves).toEqual(["ship", "alert"]);
    expect(timeoutMs).toBe(3_600_000);
  });

  it("is refused where a schedule's input does not fit the input schema", () => {
    const wrong = JSON.parse(JSON.stringify(example).replace(',"orderId":"sweep"', ""));
    expect(faultsOf(wrong)).toEqual(["INVALID_FIELD /triggers/1/input/orderId"]);
  });
});

/** Every code that the document alone can yield, with a document and where it is reported. */
const cases: readonly [code: string, path: string, document: unknown][] = [
  ["NO_STEPS", "/steps", documentOf([])],
  ["NO_STEPS", "/steps", { name: "sample" }],
  ["INVALID_FIELD", "/steps", documentOf("none")],
  ["DUPLICATE_TRIGGER_ID", "/triggers/1/id", documentOf([step("a")], { triggers: [webhook("x"), webhook("x")] })],
  ["CYCLE", "/steps/0/dependsOn", documentOf([step("a", ["b"]), step("b", ["a"])])],
  ["UNKNOWN_STEP", "/steps/1/dependsOn/1", documentOf([step("a"), step("b", ["a", "c"])])],
  ["UNKNOWN_BRANCH", "/steps/1/dependsOn/0", documentOf([step("a"), step("b", ["a:true"])])],
  ["UNKNOWN_BRANCH", "/steps/1/dependsOn/0", documentOf([condition("a"), step("b", ["a:success"])])],
  ["UNKNOWN_BRANCH", "/steps/1/dependsOn/0", documentOf([choice("a", ["x"]), step("b", ["a:true"])])],
  ["DUPLICATE_STEP_ID", "/steps/1/id", documentOf([step("a"), step("a")])],
  ["SELF_DEPENDENCY", "/steps/0/dependsOn/0", documentOf([step("a", ["a:error"])])],
  [
    "DEPTH_EXCEEDED",
    "/steps/50",
    documentOf(Array.from({ length: 51 }, (_, n) => step(`s${n}`, n === 0 ? [] : [`s${n - 1}`]))),
  ],
  ["TOO_MANY_STEPS", "/steps", documentOf(Array.from({ length: 201 }, (_, n) => step(`s${n}`)))],
  ["NEVER_RUNS", "/steps/1/dependsOn", documentOf([condition("a"), step("b", ["a:true", "a:false"], { join: "all" })])],
  ["EXPRESSION_SYNTAX", "/steps/1/config/output/0", withOutput(["{{ input. }}"])],
  ["EXPRESSION_SYNTAX", "/steps/1/config/output", withOutput("{{ input")],
  ["EXPRESSION_FORBIDDEN", "/steps/1/config/output/x~1y", withOutput({ "x/y": "{{ new Date() }}" })],
  ["UNKNOWN_FUNCTION", "/steps/1/config/output", withOutput("{{ rond(1) }}")],
  ["UNKNOWN_REFERENCE", "/steps/1/config/output", withOutput("{{ inputs.a }}")],
  ["UNKNOWN_REFERENCE", "/steps/1/config/output", withOutput("{{ steps.z.output }}")],
  ["UNKNOWN_REFERENCE", "/steps/1/config/output", withOutput("{{ steps.b.output }}")],
  [
    "UNKNOWN_REFERENCE",
    "/steps/0/config/output",
    documentOf([step("a", [], { config: { output: "{{ steps.b.output }}" } }), step("b", ["a"])]),
  ],
  ["UNKNOWN_REFERENCE", "/output/x", documentOf([step("a")], { output: { x: "{{ steps.z.output }}" } })],
  ["UNKNOWN_REFERENCE", "/labels/order", documentOf([step("a")], { labels: { order: "{{ steps.a.output }}" } })],
  ["UNKNOWN_REFERENCE", "/steps/1/config/if", withConfig("condition", { if: "response.status == 200" })],
  ["SECRET_NOT_ALLOWED", "/steps/1/config/output", withOutput("{{ secrets.KEY }}")],
  ["SECRET_NOT_ALLOWED", "/output", documentOf([step("a")], { output: "{{ secrets.KEY }}" })],
  ["SECRET_NOT_ALLOWED", "/labels/order", documentOf([step("a")], { labels: { order: "{{ secrets.KEY }}" } })],
  ["INVALID_CRON", "/triggers/0/cron", withTrigger(schedule({ cron: "60 * * * *" }))],
  ["INVALID_CRON", "/triggers/0/cron", withTrigger(schedule({ cron: "0 0 31 2 *" }))],
  ["INVALID_TIMEZONE", "/triggers/0/timezone", withTrigger(schedule({ timezone: "Europe/Berlim" }))],
  ["INVALID_DURATION", "/timeout", documentOf([step("a")], { timeout: "5 minutes" })],
  ["INVALID_DURATION", "/steps/1/timeout", withConfig("http", { url: "https://example.com" }, { timeout: "366d" })],
  ["INVALID_DURATION", "/steps/1/timeout", withConfig("http", { url: "https://example.com" }, { timeout: 0 })],
  ["INVALID_DURATION", "/steps/1/retry/initialDelay", withStep({ retry: { initialDelay: "1y" } })],
  ["INVALID_DURATION", "/steps/1/config/for", withConfig("delay", { for: "tomorrow" })],
  ["INVALID_DURATION", "/steps/1/config/for", withConfig("delay", { for: -1 })],
  ["INVALID_FIELD", "", "text"],
  ["INVALID_FIELD", "", documentOf([step("a")], { description: "x".repeat(2_000), output: "x".repeat(262_144) })],
  ["INVALID_FIELD", "/name", { name: "0190a0a0-0000-7000-8000-000000000000", steps: [step("a")] }],
  ["INVALID_FIELD", "/name", { name: "Order", steps: [step("a")] }],
  ["INVALID_FIELD", "/step", documentOf([step("a")], { step: 1 })],
  ["INVALID_FIELD", "/tags/0", documentOf([step("a")], { tags: ["two words"] })],
  [
    "INVALID_FIELD",
    "/labels",
    documentOf([step("a")], { labels: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`l${n}`, "x"])) }),
  ],
  ["INVALID_FIELD", "/onFailure", documentOf([step("a")], { onFailure: "Not A Name" })],
  ["INVALID_FIELD", "/inputSchema/type", documentOf([step("a")], { inputSchema: { type: "strng" } })],
  ["INVALID_FIELD", "/triggers/0/input", withTrigger(schedule({}), { inputSchema: { type: "object" } })],
  ["INVALID_FIELD", "/triggers/0/type", withTrigger({ id: "x", type: "cron" })],
  ["INVALID_FIELD", "/triggers/0/signature", withTrigger({ id: "x", type: "webhook" })],
  [
    "INVALID_FIELD",
    "/triggers/0/signature/scheme",
    withTrigger({ id: "x", type: "webhook", signature: { scheme: "githb", secrets: ["S"] } }),
  ],
  [
    "INVALID_FIELD",
    "/triggers/0/signature/secrets",
    withTrigger({ id: "x", type: "webhook", signature: { secrets: [] } }),
  ],
  [
    "INVALID_FIELD",
    "/triggers/0/signature/header",
    withTrigger({ id: "x", type: "webhook", signature: { scheme: "hmac", encoding: "hex", secrets: ["S"] } }),
  ],
  ["INVALID_FIELD", "/triggers/0/missed", withTrigger(schedule({ missed: "none" }))],
  ["INVALID_FIELD", "/steps/1/id", withStep({ id: "1st" })],
  ["INVALID_FIELD", "/steps/1/type", withStep({ type: "htpp" })],
  ["INVALID_FIELD", "/steps/1/config", withStep({ config: undefined })],
  ["INVALID_FIELD", "/steps/1/dependsOn/0", withStep({ dependsOn: ["a:b:c"] })],
  ["INVALID_FIELD", "/steps/1/dependsOn/1", withStep({ dependsOn: ["a", "a"] })],
  ["INVALID_FIELD", "/steps/1/timeout", withStep({ timeout: "5s" })],
  ["INVALID_FIELD", "/steps/1/retry/maxAttempts", withStep({ retry: { maxAttempts: 101 } })],
  ["INVALID_FIELD", "/steps/1/retry/maxAtempts", withStep({ retry: { maxAtempts: 3 } })],
  ["INVALID_FIELD", "/steps/1/onError", withConfig("condition", { if: "true" }, { onError: "continue" })],
  ["INVALID_FIELD", "/steps/0/onError", documentOf([step("a", [], { onError: "continue" }), step("b", ["a:error"])])],
  ["INVALID_FIELD", "/steps/1/config", withConfig("condition", {})],
  [
    "INVALID_FIELD",
    "/steps/1/config/cases",
    withConfig("condition", { if: "true", cases: [{ branch: "x", if: "true" }] }),
  ],
  ["INVALID_FIELD", "/steps/1/config/otherwise", withConfig("condition", { if: "true", otherwise: "x" })],
  [
    "INVALID_FIELD",
    "/steps/1/config/cases/0/branch",
    withConfig("condition", { cases: [{ branch: "error", if: "true" }] }),
  ],
  ["INVALID_FIELD", "/steps/1/config", withConfig("delay", {})],
  ["INVALID_FIELD", "/steps/1/config/until", withConfig("delay", { for: "5s", until: "2027-01-01T00:00:00Z" })],
  ["INVALID_FIELD", "/steps/1/config/until", withConfig("delay", { until: "2027-02-30T00:00:00Z" })],
  ["INVALID_FIELD", "/steps/1/config/url", withConfig("http", { url: "ftp://example.com/" })],
  ["INVALID_FIELD", "/steps/1/config/url", withConfig("http", { url: "/charges/{{ input.id }}" })],
  ["INVALID_FIELD", "/steps/1/config/method", withConfig("http", { url: "https://example.com", method: "post" })],
  [
    "INVALID_FIELD",
    "/steps/1/config/headers/content-length",
    withConfig("http", { url: "https://example.com", headers: { "content-length": "1" } }),
  ],
  [
    "INVALID_FIELD",
    "/steps/1/config/successStatus/0",
    withConfig("http", { url: "https://example.com", successStatus: ["6xx"] }),
  ],
  ["INVALID_FIELD", "/steps/1/config/workflow", withConfig("subworkflow", { workflow: "{{ input.name }}" })],
  ["INVALID_FIELD", "/steps/1/config/output/__proto__", withOutput(JSON.parse('{"__proto__": 1}'))],
  ["INVALID_FIELD", "/steps/1/config/output/0", withOutput(["a\u0000b"])],
  ["INVALID_FIELD", "/steps/0/id", documentOf([step("__proto__")])],
];

describe("a good document", () => {
  it("is kept as it was written, the order of its keys too", () => {
    const text =
      '{"steps":[{"config":{"output":{"z":1,"a":2}},"type":"transform","id":"a"}],"output":"x","name":"sample","labels":{"z":"1","a":"2"}}';
    const parsed = parseDefinition(JSON.parse(text));
    expect(parsed.ok && JSON.stringify(parsed.definition)).toBe(text);
  });
});

describe("a wrong document", () => {
  it.each(cases)("is refused with %s at %j", (code, path, document) => {
    expect(faultsOf(document)).toEqual([`${code} ${path}`]);
  });

  it("can be refused with every code", () => {
    const fromOtherWorkflows = ["NESTING_EXCEEDED", "UNKNOWN_WORKFLOW"];
    expect(new Set([...cases.map(([code]) => code), ...fromOtherWorkflows])).toEqual(new Set(PROBLEM_CODES));
  });

  it("is told all of its problems at once", () => {
    const document = {
      name: "Bad Name",
      triggers: [schedule({ cron: "* * * *", timezone: "Nowhere" }), webhook("nightly")],
      timeout: "soon",
      steps: [
        { id: "a", typ: "http", type: "htpp", dependsOn: ["z"], retry: { maxAttempts: 0 }, config: {} },
        step("b", ["a", "b"], { config: { output: "{{ steps.c.output + foo(1) }}" } }),
        step("c", ["d"], { config: { output: ["{{ steps.b.output }}", "{{ 1 + }}"] }, extra: true }),
        step("d", ["c"]),
      ],
      output: "{{ steps.q.output }}",
    };
    expect(faultsOf(document).sort()).toEqual(
      [
        "INVALID_FIELD /name",
        "INVALID_CRON /triggers/0/cron",
        "INVALID_TIMEZONE /triggers/0/timezone",
        "DUPLICATE_TRIGGER_ID /triggers/1/id",
        "INVALID_DURATION /timeout",
        "INVALID_FIELD /steps/0/type",
        "INVALID_FIELD /steps/0/retry/maxAttempts",
        "UNKNOWN_STEP /steps/0/dependsOn/0",
        "SELF_DEPENDENCY /steps/1/dependsOn/1",
        "UNKNOWN_FUNCTION /steps/1/config/output",
        "INVALID_FIELD /steps/2/extra",
        "UNKNOWN_REFERENCE /steps/2/config/output/0",
        "EXPRESSION_SYNTAX /steps/2/config/output/1",
        "CYCLE /steps/2/dependsOn",
        "UNKNOWN_REFERENCE /output",
      ].sort(),
    );
  });
});

describe("a message", () => {
  const messageOf = (document: unknown) => problemsOf(document)[0]?.message;

  it.each([
    [
      "a misspelt key",
      withStep({ retry: { maxAtempts: 3 } }),
      'Step "b": retry.maxAtempts is not known. Did you mean "maxAttempts"?',
    ],
    ["a misspelt value", withStep({ type: "htpp" }), 'Did you mean "http"?'],
    ["a misspelt step", documentOf([step("charge"), step("b", ["chrage"])]), 'Did you mean "charge"?'],
    [
      "a misspelt branch",
      documentOf([choice("kind", ["gold", "silver"]), step("b", ["kind:sliver"])]),
      'Did you mean "silver"?',
    ],
    [
      "a misspelt reference",
      documentOf([step("charge"), step("b", ["charge"], { config: { output: "{{ steps.chrage.output }}" } })]),
      'Did you mean "charge"?',
    ],
    [
      "the rule and the value",
      withStep({ retry: { maxAttempts: 101 } }),
      'Step "b": retry.maxAttempts must be at most 100, but is 101.',
    ],
    [
      "what is missing",
      withStep({ config: undefined }),
      'Step "b": config is required, but missing: it must be an object',
    ],
    [
      "a step without an id by its number",
      withStep({ id: undefined }),
      "Step number 2: id is required, but missing: it must be text",
    ],
    ["where a reference would be good", withOutput("{{ steps.b.output }}"), "a step cannot see its own outcome"],
    [
      "braces around a bare expression",
      withConfig("condition", { if: "{{ input.ok }}" }),
      "Write the expression without {{ and }}.",
    ],
    ["a time-out that the step type lacks", withStep({ timeout: "5s" }), "only http and subworkflow steps"],
  ])("names %s", (_title, document, text) => {
    expect(messageOf(document)).toContain(text);
  });
});

describe("an expression may name", () => {
  it("all steps upstream, directly or not, and none but these", () => {
    const use = (id: string) => ({ config: { output: `{{ steps.${id}.output }}` } });
    expect(faultsOf(documentOf([step("a"), step("b", ["a"]), step("c", ["b:error"], use("a"))]))).toEqual([]);
    expect(faultsOf(documentOf([step("a"), step("b"), step("c", ["b"], use("a"))]))).toEqual([
      "UNKNOWN_REFERENCE /steps/2/config/output",
    ]);
  });

  it("every step in the output, input and trigger in labels", () => {
    const fields = {
      output: "{{ steps.a.output ?? steps.b.error }}",
      labels: { id: "{{ input.id }}-{{ trigger.id }}" },
    };
    expect(faultsOf(documentOf([step("a"), step("b")], fields))).toEqual([]);
  });

  it("secrets in http steps, and the response in their successIf", () => {
    const config = { headers: { a: "{{ secrets.KEY }}" }, successIf: "response.body.ok && secrets.KEY != null" };
    expect(faultsOf(documentOf([http("a", [], config)]))).toEqual([]);
    expect(faultsOf(documentOf([http("a", [], { body: "{{ response.body }}" })]))).toEqual([
      "UNKNOWN_REFERENCE /steps/0/config/body",
    ]);
  });

  it("nothing where text is fixed", () => {
    expect(faultsOf(withOutput({ "{{ x": "\\{{ not an expression" }))).toEqual([]);
  });
});

describe("a hostile document", () => {
  it("with ten thousand steps gets a bounded answer", () => {
    const problems = problemsOf(documentOf(Array.from({ length: 10_000 }, (_, n) => ({ id: `s${n}`, type: "x" }))));
    expect(problems[0]).toMatchObject({ code: "TOO_MANY_STEPS", path: "/steps" });
    expect(problems.length).toBeLessThanOrEqual(500);
  });

  it("with a ring of thousands of steps is told of the ring", () => {
    const ring = Array.from({ length: 3_000 }, (_, n) => step(`s${n}`, [`s${(n + 1) % 3_000}`]));
    expect(faultsOf(documentOf(ring))).toEqual(["TOO_MANY_STEPS /steps", "CYCLE /steps/0/dependsOn"]);
  });

  it("with tens of thousands of edges gets a bounded answer", () => {
    const problems = problemsOf(
      documentOf([
        step(
          "a",
          Array.from({ length: 60_000 }, () => "a"),
        ),
      ]),
    );
    expect(problems.length).toBe(500);
    expect(problems.at(-1)?.message).toContain("more problems are not listed");
  });

  it("that nests without end is refused", () => {
    const deep: unknown = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
    const ring: Record<string, unknown> = documentOf([step("a")]);
    ring.output = [ring];
    expect(faultsOf(documentOf([step("a")], { output: deep }))).toEqual(["INVALID_FIELD /output/0/0"]);
    expect(faultsOf(ring)).toEqual(["INVALID_FIELD /output/0/output"]);
  });

  it("that is small but unfolds without end is refused", () => {
    let shared: unknown = [];
    for (let level = 0; level < 60; level += 1) shared = [shared, shared];
    expect(faultsOf(documentOf([step("a")], { output: shared }))).toEqual(["INVALID_FIELD "]);
  });

  it.each([null, undefined, 1, "x", [], () => 1, Symbol("x"), 1n, Number.NaN, new Date(0), new Map()])(
    "that is no object, such as %s, is refused",
    (document) => {
      expect(faultsOf(document)).toEqual(["INVALID_FIELD "]);
    },
  );

  it("may name steps after what every object has", () => {
    const { graph, steps } = workflowOf(
      documentOf([
        step("constructor"),
        step("toString", ["constructor"], { config: { output: "{{ steps.constructor.output }}" } }),
      ]),
    );
    expect(graph.byId.get("toString")?.entries).toEqual([{ step: "constructor", branch: "success" }]);
    expect(steps.has("valueOf")).toBe(false);
    expect(faultsOf(documentOf([step("a", ["hasOwnProperty"])]))).toEqual(["UNKNOWN_STEP /steps/0/dependsOn/0"]);
  });
});
