import { describe, expect, it } from "vitest";
import type { Json } from "@keelson/contracts";
import { EvaluationError, ExpressionSyntaxError } from "./errors.ts";
import { NOW_MS, testScope } from "./fixtures/scope.ts";
import { compileTemplate } from "./template.ts";
import { evaluateTemplate, resolveSecrets } from "./template-evaluation.ts";
import { toText } from "./values.ts";

const input = { n: 5, s: "text", none: null, list: [1, { a: 2 }], braces: "{{ input.n }}" };

function evaluate(template: Json): Json {
  return evaluateTemplate(compileTemplate(template), testScope({ input }));
}

function problems(template: Json, roots?: readonly string[]): unknown {
  try {
    compileTemplate(template, roots === undefined ? {} : { roots });
  } catch (error) {
    if (error instanceof ExpressionSyntaxError)
      return error.problems.map(({ code, path, position }) => [code, path, position]);
  }
  return [];
}

function failure(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    if (error instanceof EvaluationError) return { code: error.code, path: error.path };
    throw error;
  }
  return undefined;
}

describe("strings of a template", () => {
  it.each<readonly [string, Json]>([
    ["plain }} text { }", "plain }} text { }"],
    ["{{ input.n }}", 5],
    ["{{input.list}}", [1, { a: 2 }]],
    [" {{ input.n }}", " 5"],
    ["{{ input.n }}{{ input.n }}", "55"],
    ["a-{{ input.s }}-{{ input.none }}-{{ true }}", "a-text--true"],
    ["list: {{ input.list }}", 'list: [1,{"a":2}]'],
    ["\\{{ input.n }}", "{{ input.n }}"],
    ["\\{{ {{ input.n }}", "{{ 5"],
    ["\\\\{{ x", "\\{{ x"],
    ["{{ \"}}\" + '}}' }}", "}}}}"],
    ["{{ '\\'}}' }}", "'}}"],
    ["{{ {a:{b:1}} }}", { a: { b: 1 } }],
    ["{{ {a:{b:1}}}}", { a: { b: 1 } }],
    ["{{ {a:{b:1}}.a.b }}!", "1!"],
    ["{{ input.braces }}", "{{ input.n }}"],
    ["{{ input.braces }} ", "{{ input.n }} "],
  ])("%s", (template, expected) => {
    expect(evaluate(template)).toStrictEqual(expected);
  });

  it("are evaluated anywhere in JSON, keys excepted", () => {
    expect(evaluate({ "{{ input.n }}": ["{{ input.n }}", 1, null, { deep: "{{ input.s }}" }] })).toEqual({
      "{{ input.n }}": [5, 1, null, { deep: "text" }],
    });
  });

  it("without expressions are handed on as they are", () => {
    const fixed = { a: [1, "b", { c: null }] };
    expect(evaluate(fixed)).toBe(fixed);
    expect(evaluate({ a: ["\\{{"] })).toEqual({ a: ["{{"] });
  });

  it("keep hostile keys as data", () => {
    const template = JSON.parse('{"__proto__":{"x":"{{ input.n }}"},"constructor":"{{ 1 }}"}') as Json;
    expect(JSON.stringify(evaluate(template))).toBe('{"__proto__":{"x":5},"constructor":1}');
  });
});

describe("problems of a template", () => {
  it("are all named at once, with pointer and offset in the string", () => {
    expect(
      problems({ a: "x {{ foo }} {{ 1 + }}", "b/c~": ["{{ bar() }}", "{{ open"], d: "{{ secrets.X }}" }, ["input"]),
    ).toEqual([
      ["UNKNOWN_REFERENCE", "/a", 5],
      ["EXPRESSION_SYNTAX", "/a", 19],
      ["UNKNOWN_FUNCTION", "/b~1c~0/0", 3],
      ["EXPRESSION_SYNTAX", "/b~1c~0/1", 0],
      ["SECRET_NOT_ALLOWED", "/d", 3],
    ]);
  });

  it.each([
    ["{{}}"],
    ["{{ }}"],
    ["{{"],
    ["{{ {{1}} }}"],
    ["{{ ' }}"],
    ["{{ 1 } }}"],
    ["{{#if x}}"],
    ["{{! note }}{{&x}}"],
  ])("%s is refused", (template) => {
    expect(problems(template)).not.toEqual([]);
  });

  it("include an expression longer than 4 KiB", () => {
    expect(problems(`{{ "${"a".repeat(4100)}" }}`)).toEqual([["EXPRESSION_FORBIDDEN", "", 2]]);
    expect(problems(`${"a".repeat(5000)}{{ 1 }}`)).toEqual([]);
  });

  it("include nesting without end", () => {
    let deep: Json = "{{ 1 }}";
    for (let level = 0; level < 10_000; level += 1) deep = [deep];
    expect(problems(deep)).toHaveLength(1);
  });
});

describe("evaluation of a template", () => {
  it("names the string that failed", () => {
    expect(failure(() => evaluate({ a: [{ "b/c": "{{ input.none.x }}" }] }))).toEqual({
      code: "EXPRESSION_FAILED",
      path: "/a/0/b~1c",
    });
  });

  it("bounds all strings together", () => {
    const big = { input: "x".repeat(300_000) };
    const template = compileTemplate(["{{ input }}", "{{ input }}", "{{ input }}", "a{{ input }}"]);
    expect(failure(() => evaluateTemplate(template, testScope(big)))).toEqual({ code: "TOO_LARGE", path: "/3" });
    const work = compileTemplate(Array.from({ length: 10 }, () => "{{ range(0, 20000).map(i => i).length }}"));
    expect(failure(() => evaluateTemplate(work, testScope()))).toMatchObject({ code: "EXPRESSION_FAILED" });
  });

  it("gives now() and uuid() from the scope, uuid() by place and count", () => {
    const scope = testScope({ uuid: (place, n) => `${place}#${n}` });
    const template = compileTemplate({
      a: "{{ uuid() }} {{ [1, 2].map(() => uuid()).join() }}",
      b: "{{ uuid() }}",
      t: "{{ epochMs(now()) }}",
    });
    const first = evaluateTemplate(template, scope);
    expect(first).toEqual({ a: "/a#0 /a#1,/a#2", b: "/b#0", t: NOW_MS });
    expect(evaluateTemplate(template, scope)).toEqual(first);
  });
});

describe("secrets", () => {
  const template = compileTemplate({
    headers: { auth: "Bearer {{ secrets.TOKEN }}", plain: "{{ input.s }}" },
    body: [1, "{{ base64(secrets.USER + ':' + secrets.TOKEN) }}", "{{ uuid() }}"],
  });
  const scope = testScope({ input, secrets: (name) => ({ TOKEN: "t0ken-value", USER: "ann" })[name] });

  it("are named by the template", () => {
    expect(template.namesSecrets).toBe(true);
    expect([...template.references.secrets]).toEqual(["TOKEN", "USER"]);
    expect(compileTemplate("{{ input }}").namesSecrets).toBe(false);
  });

  it("are masked whole, without being read", () => {
    const blind = testScope({
      input,
      secrets: () => {
        throw new Error("read");
      },
    });
    expect(evaluateTemplate(template, blind, { secrets: "mask" })).toEqual({
      headers: { auth: "***", plain: "text" },
      body: [1, "***", expect.any(String)],
    });
  });

  it("are put into a copy of what is frozen, and nothing else is evaluated anew", () => {
    const frozen = { headers: { auth: "***", plain: "frozen" }, body: [1, "***", "frozen"] };
    const { value, used } = resolveSecrets(template, frozen, scope);
    expect(value).toEqual({
      headers: { auth: "Bearer t0ken-value", plain: "frozen" },
      body: [1, "YW5uOnQwa2VuLXZhbHVl", "frozen"],
    });
    expect(used.sort()).toEqual(["ann", "t0ken-value"]);
    expect(frozen.headers.auth).toBe("***");
  });

  it("that are missing fail by name", () => {
    const missing = testScope({ secrets: () => undefined });
    expect(
      failure(() => resolveSecrets(template, evaluateTemplate(template, scope, { secrets: "mask" }), missing)),
    ).toEqual({
      code: "SECRET_MISSING",
      path: "/headers/auth",
    });
  });

  it("are resolved in a template that is one string", () => {
    expect(resolveSecrets(compileTemplate("{{ secrets.USER }}"), "***", scope)).toEqual({
      value: "ann",
      used: ["ann"],
    });
  });

  it("are refused into what is not the template's shape", () => {
    expect(failure(() => resolveSecrets(template, { headers: [] }, scope))).toMatchObject({
      code: "EXPRESSION_FAILED",
    });
  });
});

describe("toText", () => {
  it.each<readonly [Json, string]>([
    [null, ""],
    ["a", "a"],
    [1.5, "1.5"],
    [false, "false"],
    [[1, null], "[1,null]"],
    [{ a: "b" }, '{"a":"b"}'],
  ])("%j is %s", (value, text) => {
    expect(toText(value)).toBe(text);
  });
});
