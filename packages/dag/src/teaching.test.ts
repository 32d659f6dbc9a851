// What a stranger gets wrong, and what the check says to it: the place, the code, what it saw and what to write instead.
import { expect, it } from "vitest";
import { condition, documentOf, problemsOf, step } from "./testing/documents.ts";

const webhook = (fields: object = {}) => ({ id: "hook", type: "webhook", signature: { scheme: "none" }, ...fields });
const schedule = (fields: object = {}) => ({ id: "nightly", type: "schedule", cron: "0 2 * * *", ...fields });
const withField = (fields: object) => ({ name: "sample", steps: [step("a")], ...fields });
const withStep = (fields: object) => documentOf([{ ...step("a"), ...fields }]);
const withSecond = (fields: object) => documentOf([step("a"), { ...step("b", ["a"]), ...fields }]);
const withHttp = (config: object, fields: object = {}) =>
  documentOf([{ id: "a", type: "http", config: { url: "https://example.com", ...config }, ...fields }]);
const withOutput = (output: unknown) => documentOf([step("shape"), { ...step("b", ["shape"]), config: { output } }]);

type Told = readonly [place: string, words: string];

const mistakes: readonly [mistake: string, document: unknown, told: readonly Told[]][] = [
  [
    "no name",
    { steps: [step("a")] },
    [
      [
        "INVALID_FIELD /name",
        "it must be text (Name of a workflow, unique in the tenant: 1 to 63 of a-z, 0-9 and '-', not beginning with '-', not a UUID).",
      ],
    ],
  ],
  ["no steps", { name: "x" }, [["NO_STEPS /steps", "it must be a list (1 to 200 steps)."]]],
  ["name caps/space", withField({ name: "My Flow" }), [["INVALID_FIELD /name", 'but is "My Flow". Write "my-flow".']]],
  ["descripton", withField({ descripton: "x" }), [["INVALID_FIELD /descripton", 'Did you mean "description"?']]],
  ["trigger singular", withField({ trigger: [] }), [["INVALID_FIELD /trigger", 'Did you mean "triggers"?']]],
  [
    "triggers object",
    withField({ triggers: webhook() }),
    [["INVALID_FIELD /triggers", "but is an object. Put it into a list: [{ … }]."]],
  ],
  ["tags text", withField({ tags: "a" }), [["INVALID_FIELD /tags", 'but is "a". Write ["a"].']]],
  [
    "steps as object",
    { name: "x", steps: { a: step("a") } },
    [["INVALID_FIELD /steps", "but is an object. Put it into a list: [{ … }]."]],
  ],
  [
    "step no type",
    withStep({ type: undefined }),
    [
      [
        "INVALID_FIELD /steps/0/type",
        'type is required, but missing: it must be one of "http", "transform", "condition", "delay", "subworkflow".',
      ],
    ],
  ],
  ["type HTTP", withStep({ type: "HTTP" }), [["INVALID_FIELD /steps/0/type", 'but is "HTTP". Did you mean "http"?']]],
  [
    "type script",
    withStep({ type: "script" }),
    [["INVALID_FIELD /steps/0/type", 'but is "script". Did you mean "transform"?']],
  ],
  [
    "no config",
    withStep({ config: undefined }),
    [
      [
        "INVALID_FIELD /steps/0/config",
        "config is required, but missing: it must be an object (The value to compute).",
      ],
    ],
  ],
  [
    "config text",
    withStep({ config: "x" }),
    [["INVALID_FIELD /steps/0/config", 'config must be an object, but is "x".']],
  ],
  [
    "transform without output",
    withStep({ config: {} }),
    [
      [
        "INVALID_FIELD /steps/0/config/output",
        "config.output is required, but missing: it must be JSON: text, a number, true, false, null, a list or an object.",
      ],
    ],
  ],
  [
    "transform outptu",
    withStep({ config: { outptu: 1 } }),
    [
      [
        "INVALID_FIELD /steps/0/config/output",
        "config.output is required, but missing: it must be JSON: text, a number, true, false, null, a list or an object.",
      ],
      ["INVALID_FIELD /steps/0/config/outptu", 'Did you mean "output"?'],
    ],
  ],
  [
    "http without url",
    documentOf([{ id: "a", type: "http", config: { method: "GET" } }]),
    [
      [
        "INVALID_FIELD /steps/0/config/url",
        "config.url is required, but missing: it must be text (Absolute http or https URL; a template).",
      ],
    ],
  ],
  [
    "http uri",
    documentOf([{ id: "a", type: "http", config: { uri: "https://example.com" } }]),
    [
      [
        "INVALID_FIELD /steps/0/config/url",
        "config.url is required, but missing: it must be text (Absolute http or https URL; a template).",
      ],
      ["INVALID_FIELD /steps/0/config/uri", 'Did you mean "url"?'],
    ],
  ],
  [
    "http url at step level",
    documentOf([{ id: "a", type: "http", url: "https://x.com", method: "GET" }]),
    [
      [
        "INVALID_FIELD /steps/0/config",
        "config is required, but missing: it must be an object (The request, and what counts as its success).",
      ],
      ["INVALID_FIELD /steps/0/url", 'url stands beside config, but belongs into it: write "config": { "url": … }.'],
      [
        "INVALID_FIELD /steps/0/method",
        'method stands beside config, but belongs into it: write "config": { "method": … }.',
      ],
    ],
  ],
  [
    "method lower",
    withHttp({ method: "post" }),
    [["INVALID_FIELD /steps/0/config/method", 'but is "post". Did you mean "POST"?']],
  ],
  [
    "method FETCH",
    withHttp({ method: "FETCH" }),
    [
      [
        "INVALID_FIELD /steps/0/config/method",
        'config.method must be one of "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", but is "FETCH".',
      ],
    ],
  ],
  [
    "header as list",
    withHttp({ headers: ["a: b"] }),
    [["INVALID_FIELD /steps/0/config/headers", 'but is a list of 1. Write { "x-name": "value" }.']],
  ],
  [
    "data instead of body",
    withHttp({ method: "POST", data: {} }),
    [["INVALID_FIELD /steps/0/config/data", 'Did you mean "body"?']],
  ],
  [
    "json bodytype",
    withHttp({ bodyType: "JSON" }),
    [["INVALID_FIELD /steps/0/config/bodyType", 'but is "JSON". Did you mean "json"?']],
  ],
  [
    "succesStatus number",
    withHttp({ successStatus: 200 }),
    [["INVALID_FIELD /steps/0/config/successStatus", "but is 200. Write [200]."]],
  ],
  ["retries", withStep({ retries: 3 }), [["INVALID_FIELD /steps/0/retries", 'Did you mean "retry"?']]],
  ["retry number", withStep({ retry: 3 }), [["INVALID_FIELD /steps/0/retry", 'but is 3. Write { "maxAttempts": 3 }.']]],
  [
    "retry maxAttempts text",
    withStep({ retry: { maxAttempts: "3" } }),
    [["INVALID_FIELD /steps/0/retry/maxAttempts", 'but is "3". Write 3, without quotes.']],
  ],
  [
    "retry attempts",
    withStep({ retry: { attempts: 3 } }),
    [["INVALID_FIELD /steps/0/retry/attempts", 'Did you mean "maxAttempts"?']],
  ],
  [
    "retry maxRetries",
    withStep({ retry: { maxRetries: 3 } }),
    [["INVALID_FIELD /steps/0/retry/maxRetries", 'Did you mean "maxAttempts"?']],
  ],
  [
    "retry backoff",
    withStep({ retry: { backoff: "exp" } }),
    [["INVALID_FIELD /steps/0/retry/backoff", 'but is "exp". Did you mean "exponential"?']],
  ],
  [
    "retry delay",
    withStep({ retry: { delay: "1s" } }),
    [["INVALID_FIELD /steps/0/retry/delay", 'Did you mean "initialDelay"?']],
  ],
  [
    "duration 5 sec",
    withHttp({}, { timeout: "5 sec" }),
    [["INVALID_DURATION /steps/0/timeout", 'but is "5 sec". Write "5s".']],
  ],
  [
    "duration 1m30s",
    withHttp({}, { timeout: "1m30s" }),
    [["INVALID_DURATION /steps/0/timeout", 'but is "1m30s". Write "90s".']],
  ],
  [
    "duration number text",
    withHttp({}, { timeout: "30" }),
    [["INVALID_DURATION /steps/0/timeout", 'but is "30". Write "30s" for seconds, or 30 for milliseconds.']],
  ],
  [
    "timeout true",
    withHttp({}, { timeout: true }),
    [
      [
        "INVALID_FIELD /steps/0/timeout",
        'timeout must be a duration longer than zero and of at most 365 days: "250ms", "5s", "10m", "1h", "2d", ISO 8601 such as "PT5M", or a whole number of milliseconds, but is true.',
      ],
    ],
  ],
  ["timeoutMs", withHttp({}, { timeoutMs: 100 }), [["INVALID_FIELD /steps/0/timeoutMs", 'Did you mean "timeout"?']]],
  [
    "depends_on",
    withSecond({ dependsOn: undefined, depends_on: ["a"] }),
    [["INVALID_FIELD /steps/1/depends_on", 'Did you mean "dependsOn"?']],
  ],
  [
    "needs",
    withSecond({ dependsOn: undefined, needs: ["a"] }),
    [["INVALID_FIELD /steps/1/needs", 'Did you mean "dependsOn"?']],
  ],
  [
    "dependson",
    withSecond({ dependsOn: undefined, dependson: ["a"] }),
    [["INVALID_FIELD /steps/1/dependson", 'Did you mean "dependsOn"?']],
  ],
  [
    "dependsOn string",
    withSecond({ dependsOn: "a" }),
    [["INVALID_FIELD /steps/1/dependsOn", 'but is "a". Write ["a"].']],
  ],
  [
    "dependsOn object",
    withSecond({ dependsOn: [{ step: "a" }] }),
    [["INVALID_FIELD /steps/1/dependsOn/0", "dependsOn.0 must be text, but is an object."]],
  ],
  [
    "dependsOn a.success",
    withSecond({ dependsOn: ["a.success"] }),
    [["INVALID_FIELD /steps/1/dependsOn/0", 'but is "a.success". Write "a:success".']],
  ],
  [
    "branch errors",
    withSecond({ dependsOn: ["a:errors"] }),
    [["UNKNOWN_BRANCH /steps/1/dependsOn/0", 'Did you mean "error"?']],
  ],
  [
    "branch failed",
    withSecond({ dependsOn: ["a:failed"] }),
    [["UNKNOWN_BRANCH /steps/1/dependsOn/0", 'Did you mean "error"?']],
  ],
  [
    "branch yes",
    documentOf([condition("a"), step("b", ["a:yes"])]),
    [["UNKNOWN_BRANCH /steps/1/dependsOn/0", 'Did you mean "true"?']],
  ],
  [
    "cond:success",
    documentOf([condition("a"), step("b", ["a:success"])]),
    [["UNKNOWN_BRANCH /steps/1/dependsOn/0", 'Write "a" alone for whichever was taken.']],
  ],
  [
    "cond True",
    documentOf([condition("a"), step("b", ["a:True"])]),
    [["UNKNOWN_BRANCH /steps/1/dependsOn/0", 'Did you mean "true"?']],
  ],
  [
    "unknown step near self",
    documentOf([step("ship"), step("shipp", ["shippp"])]),
    [["UNKNOWN_STEP /steps/1/dependsOn/0", 'Did you mean "ship"?']],
  ],
  [
    "unknown step only self near",
    documentOf([step("first"), step("shipping", ["shippin"])]),
    [["UNKNOWN_STEP /steps/1/dependsOn/0", "Other steps: first."]],
  ],
  ["dashes id", withStep({ id: "my-step" }), [["INVALID_FIELD /steps/0/id", 'but is "my-step". Write "my_step".']]],
  ["id number", withStep({ id: 1 }), [["INVALID_FIELD /steps/0/id", 'but is 1. Write "1", in quotes.']]],
  [
    "no id",
    withStep({ id: undefined }),
    [
      [
        "INVALID_FIELD /steps/0/id",
        "id is required, but missing: it must be text (Id of a step, unique in the document: 1 to 63 letters, digits and '_', not beginning with a digit).",
      ],
    ],
  ],
  [
    "dup id",
    documentOf([step("a"), step("a")]),
    [["DUPLICATE_STEP_ID /steps/1/id", "ids are unique in a document, rename one of them."]],
  ],
  [
    "join first",
    withSecond({ join: "first" }),
    [["INVALID_FIELD /steps/1/join", 'but is "first". Did you mean "any"?']],
  ],
  [
    "onError ignore",
    withStep({ onError: "ignore" }),
    [["INVALID_FIELD /steps/0/onError", 'but is "ignore". Did you mean "continue"?']],
  ],
  ["on_error", withStep({ on_error: "continue" }), [["INVALID_FIELD /steps/0/on_error", 'Did you mean "onError"?']]],
  [
    "outptu in template",
    withOutput("{{ steps.shape.outptu }}"),
    [["UNKNOWN_REFERENCE /steps/1/config/output", "Did you mean steps.shape.output?"]],
  ],
  [
    "result in template",
    withOutput("{{ steps.shape.result.x }}"),
    [["UNKNOWN_REFERENCE /steps/1/config/output", "Did you mean steps.shape.output?"]],
  ],
  [
    "no output",
    withOutput("{{ steps.shape.total }}"),
    [["UNKNOWN_REFERENCE /steps/1/config/output", "What the step yielded is under output: steps.shape.output.total."]],
  ],
  [
    "inputs",
    withOutput("{{ inputs.x }}"),
    [
      [
        "UNKNOWN_REFERENCE /steps/1/config/output",
        "config.output, character 4: inputs is not known here: the payload is input, as in input.orderId.",
      ],
    ],
  ],
  [
    "payload",
    withOutput("{{ payload.x }}"),
    [
      [
        "UNKNOWN_REFERENCE /steps/1/config/output",
        "config.output, character 4: payload is not known here: the payload is input, as in input.orderId.",
      ],
    ],
  ],
  [
    "jsonpath $.",
    withOutput("{{ $.input.x }}"),
    [
      [
        "UNKNOWN_REFERENCE /steps/1/config/output",
        "config.output, character 4: $ is not known here: begin with a name, as in input.orderId.",
      ],
    ],
  ],
  [
    "env",
    withOutput("{{ env.X }}"),
    [
      [
        "UNKNOWN_REFERENCE /steps/1/config/output",
        "config.output, character 4: env is not known here: what is configured is a secret: secrets.NAME, in http steps only.",
      ],
    ],
  ],
  [
    "this",
    withOutput("{{ this.x }}"),
    [
      [
        "EXPRESSION_FORBIDDEN /steps/1/config/output",
        "config.output, character 4: There is no object to name here: begin with input, trigger, steps or execution.",
      ],
    ],
  ],
  [
    "step singular",
    withOutput("{{ step.shape.output }}"),
    [
      [
        "UNKNOWN_REFERENCE /steps/1/config/output",
        "config.output, character 4: step is not known here: an earlier step's result is steps.<id>.output.",
      ],
    ],
  ],
  [
    "bare step",
    withOutput("{{ shape.output }}"),
    [["UNKNOWN_REFERENCE /steps/1/config/output", "There is a step of that name: write steps.shape.output."]],
  ],
  [
    "unclosed",
    withOutput("{{ input.x }"),
    [["EXPRESSION_SYNTAX /steps/1/config/output", "config.output, character 1: This {{ is never closed by }}."]],
  ],
  [
    "pipe",
    withOutput("{{ input.x | upper }}"),
    [
      [
        "EXPRESSION_FORBIDDEN /steps/1/config/output",
        "config.output, character 12: Operators on bits are not part of the language: or is ||, and is &&, and a function is called as x.f(), not as x | f.",
      ],
    ],
  ],
  [
    "assignment in cond",
    documentOf([condition("c", [], { config: { if: "input.x = 1" } })]),
    [["EXPRESSION_FORBIDDEN /steps/0/config/if", "Compare with ==."]],
  ],
  [
    "and in cond",
    documentOf([condition("c", [], { config: { if: "input.x and input.y" } })]),
    [["EXPRESSION_SYNTAX /steps/0/config/if", "Write && for and."]],
  ],
  [
    "cond boolean",
    documentOf([condition("c", [], { config: { if: true } })]),
    [["INVALID_FIELD /steps/0/config/if", 'but is true. Write "true", in quotes.']],
  ],
  [
    "cond condition",
    documentOf([condition("c", [], { config: { condition: "true" } })]),
    [
      ["INVALID_FIELD /steps/0/config/condition", 'Did you mean "if"?'],
      ["INVALID_FIELD /steps/0/config", "config must have if, an expression, or cases."],
    ],
  ],
  [
    "cond expression",
    documentOf([condition("c", [], { config: { expression: "true" } })]),
    [
      ["INVALID_FIELD /steps/0/config/expression", 'Did you mean "if"?'],
      ["INVALID_FIELD /steps/0/config", "config must have if, an expression, or cases."],
    ],
  ],
  [
    "cond output",
    documentOf([condition("c", [], { config: { if: "input.x", output: 1 } })]),
    [["INVALID_FIELD /steps/0/config/output", "config.output is not known here: known are if, cases and otherwise."]],
  ],
  [
    "cond braces",
    documentOf([condition("c", [], { config: { if: "{{ input.x }}" } })]),
    [["EXPRESSION_SYNTAX /steps/0/config/if", "Write the expression without {{ and }}."]],
  ],
  [
    "cases object",
    documentOf([condition("c", [], { config: { cases: { x: "true" } } })]),
    [["INVALID_FIELD /steps/0/config/cases", "but is an object. Put it into a list: [{ … }]."]],
  ],
  [
    "case without branch",
    documentOf([condition("c", [], { config: { cases: [{ if: "true" }] } })]),
    [
      [
        "INVALID_FIELD /steps/0/config/cases/0/branch",
        "config.cases.0.branch is required, but missing: it must be text (Name of a condition's branch: like a step's id, but neither 'success' nor 'error').",
      ],
    ],
  ],
  [
    "case when",
    documentOf([condition("c", [], { config: { cases: [{ branch: "x", when: "true" }] } })]),
    [
      [
        "INVALID_FIELD /steps/0/config/cases/0/if",
        "config.cases.0.if is required, but missing: it must be text (Expression; the first case whose value is truthy is taken).",
      ],
      ["INVALID_FIELD /steps/0/config/cases/0/when", 'Did you mean "if"?'],
    ],
  ],
  [
    "secrets in transform",
    withOutput("{{ secrets.KEY }}"),
    [
      [
        "SECRET_NOT_ALLOWED /steps/1/config/output",
        "config.output, character 4: Secrets can be named in http steps only.",
      ],
    ],
  ],
  [
    "toUppercase",
    withOutput("{{ input.x.toUppercase() }}"),
    [["UNKNOWN_FUNCTION /steps/1/config/output", "Did you mean toUpperCase?"]],
  ],
  [
    "upper()",
    withOutput("{{ upper(input.x) }}"),
    [["UNKNOWN_FUNCTION /steps/1/config/output", "Did you mean toUpperCase?"]],
  ],
  [
    "JSON.stringify",
    withOutput("{{ JSON.stringify(input) }}"),
    [
      [
        "UNKNOWN_REFERENCE /steps/1/config/output",
        "config.output, character 4: JSON is not known here: write json(x), or parseJson(text).",
      ],
      ["UNKNOWN_FUNCTION /steps/1/config/output", "Did you mean json?"],
    ],
  ],
  [
    "Math.round",
    withOutput("{{ Math.round(input.x) }}"),
    [
      [
        "UNKNOWN_REFERENCE /steps/1/config/output",
        "config.output, character 4: Math is not known here: write the function alone, as in round(x, 2) or max(a, b).",
      ],
    ],
  ],
  [
    "template literal",
    withOutput("{{ `a${input.x}` }}"),
    [
      [
        "EXPRESSION_FORBIDDEN /steps/1/config/output",
        "config.output, character 4: Template literals are not part of the language: join with +.",
      ],
    ],
  ],
  [
    "typeof",
    withOutput("{{ typeof input.x }}"),
    [
      [
        "EXPRESSION_FORBIDDEN /steps/1/config/output",
        "config.output, character 4: typeof is not part of the language: use type(x).",
      ],
    ],
  ],
  [
    "cron six",
    withField({ triggers: [schedule({ cron: "0 0 2 * * *" })] }),
    [["INVALID_CRON /triggers/0/cron", 'There are no seconds: write "0 2 * * *".']],
  ],
  [
    "cron @daily",
    withField({ triggers: [schedule({ cron: "@daily" })] }),
    [["INVALID_CRON /triggers/0/cron", 'Write "0 0 * * *".']],
  ],
  [
    "cron missing",
    withField({ triggers: [{ id: "n", type: "schedule" }] }),
    [
      [
        "INVALID_FIELD /triggers/0/cron",
        "cron is required, but missing: it must be text (Five fields: minute, hour, day of month, month, day of week; names, ranges, steps and lists).",
      ],
    ],
  ],
  [
    "cron number",
    withField({ triggers: [schedule({ cron: 5 })] }),
    [["INVALID_FIELD /triggers/0/cron", 'but is 5. Write "5", in quotes.']],
  ],
  [
    "tz CET+1",
    withField({ triggers: [schedule({ timezone: "CET+1" })] }),
    [
      [
        "INVALID_TIMEZONE /triggers/0/timezone",
        'There is no time zone "CET+1": name one of the IANA database, such as "Europe/Berlin" or "UTC".',
      ],
    ],
  ],
  [
    "tz Europe/Berln",
    withField({ triggers: [schedule({ timezone: "Europe/Berln" })] }),
    [["INVALID_TIMEZONE /triggers/0/timezone", 'Did you mean "Europe/Berlin"?']],
  ],
  [
    "timeZone key",
    withField({ triggers: [schedule({ timeZone: "UTC" })] }),
    [["INVALID_FIELD /triggers/0/timeZone", 'Did you mean "timezone"?']],
  ],
  [
    "schedule key",
    withField({ triggers: [{ id: "n", type: "schedule", schedule: "0 2 * * *" }] }),
    [
      [
        "INVALID_FIELD /triggers/0/cron",
        "cron is required, but missing: it must be text (Five fields: minute, hour, day of month, month, day of week; names, ranges, steps and lists).",
      ],
      ["INVALID_FIELD /triggers/0/schedule", 'Did you mean "cron"?'],
    ],
  ],
  [
    "trigger type cron",
    withField({ triggers: [{ id: "n", type: "cron", cron: "0 2 * * *" }] }),
    [["INVALID_FIELD /triggers/0/type", 'but is "cron". Did you mean "schedule"?']],
  ],
  [
    "trigger no type",
    withField({ triggers: [{ id: "n" }] }),
    [["INVALID_FIELD /triggers/0/type", 'type is required, but missing: it must be one of "webhook", "schedule".']],
  ],
  [
    "trigger no id",
    withField({ triggers: [{ type: "schedule", cron: "0 2 * * *" }] }),
    [
      [
        "INVALID_FIELD /triggers/0/id",
        "id is required, but missing: it must be text (Id of a trigger, unique in the document: 1 to 63 letters, digits, '_' and '-', not beginning with '-').",
      ],
    ],
  ],
  [
    "webhook no signature",
    withField({ triggers: [{ id: "n", type: "webhook" }] }),
    [
      [
        "INVALID_FIELD /triggers/0/signature",
        "signature is required, but missing: it must be an object (How requests are signed; { scheme: 'none' } takes unsigned ones).",
      ],
    ],
  ],
  [
    "webhook secret",
    withField({ triggers: [webhook({ signature: { scheme: "github", secret: "X" } })] }),
    [
      [
        "INVALID_FIELD /triggers/0/signature/secrets",
        "signature.secrets is required, but missing: it must be a list (Names of 1 to 10 tenant secrets; a request signed with any of them passes, for rotation).",
      ],
      ["INVALID_FIELD /triggers/0/signature/secret", 'Did you mean "secrets"?'],
    ],
  ],
  [
    "webhook secrets text",
    withField({ triggers: [webhook({ signature: { scheme: "github", secrets: "X" } })] }),
    [["INVALID_FIELD /triggers/0/signature/secrets", 'but is "X". Write ["X"].']],
  ],
  [
    "webhook scheme Github",
    withField({ triggers: [webhook({ signature: { scheme: "GitHub", secrets: ["X"] } })] }),
    [["INVALID_FIELD /triggers/0/signature/scheme", 'but is "GitHub". Did you mean "github"?']],
  ],
  [
    "webhook secrets dashes",
    withField({ triggers: [webhook({ signature: { scheme: "github", secrets: ["my-secret"] } })] }),
    [["INVALID_FIELD /triggers/0/signature/secrets/0", 'but is "my-secret". Write "my_secret".']],
  ],
  [
    "signature text",
    withField({ triggers: [webhook({ signature: "github" })] }),
    [
      [
        "INVALID_FIELD /triggers/0/signature",
        'but is "github". Write { "scheme": "github", "secrets": ["NAME_OF_A_SECRET"] }.',
      ],
    ],
  ],
  [
    "missed true",
    withField({ triggers: [schedule({ missed: true })] }),
    [["INVALID_FIELD /triggers/0/missed", 'missed must be one of "skip", "latest", "all", but is true.']],
  ],
  [
    "delay seconds",
    documentOf([{ id: "d", type: "delay", config: { seconds: 5 } }]),
    [
      ["INVALID_FIELD /steps/0/config/seconds", 'Did you mean "for"?'],
      ["INVALID_FIELD /steps/0/config", "config must have for, a duration, or until, a time."],
    ],
  ],
  [
    "delay duration",
    documentOf([{ id: "d", type: "delay", config: { duration: "5s" } }]),
    [
      ["INVALID_FIELD /steps/0/config/duration", 'Did you mean "for"?'],
      ["INVALID_FIELD /steps/0/config", "config must have for, a duration, or until, a time."],
    ],
  ],
  [
    "delay for 5 minutes",
    documentOf([{ id: "d", type: "delay", config: { for: "5 minutes" } }]),
    [["INVALID_DURATION /steps/0/config/for", 'but is "5 minutes". Write "5m".']],
  ],
  [
    "delay until tomorrow",
    documentOf([{ id: "d", type: "delay", config: { until: "tomorrow" } }]),
    [
      [
        "INVALID_FIELD /steps/0/config/until",
        'config.until must be a time such as "2027-01-31T09:00:00Z", or a template of one, but is "tomorrow".',
      ],
    ],
  ],
  [
    "subworkflow name",
    documentOf([{ id: "d", type: "subworkflow", config: { name: "child" } }]),
    [
      [
        "INVALID_FIELD /steps/0/config/workflow",
        "config.workflow is required, but missing: it must be text (Name of the workflow to start).",
      ],
      ["INVALID_FIELD /steps/0/config/name", 'Did you mean "workflow"?'],
    ],
  ],
  [
    "subworkflow version text",
    documentOf([{ id: "d", type: "subworkflow", config: { workflow: "child", version: "latest" } }]),
    [["INVALID_FIELD /steps/0/config/version", 'but is "latest". Leave it out for the latest version.']],
  ],
  [
    "labels list",
    withField({ labels: ["a"] }),
    [["INVALID_FIELD /labels", 'but is a list of 1. Write { "orderId": "{{ input.orderId }}" }.']],
  ],
  ["labels number", withField({ labels: { a: 1 } }), [["INVALID_FIELD /labels/a", 'but is 1. Write "1", in quotes.']]],
  [
    "inputSchema type",
    withField({ inputSchema: { type: "int" } }),
    [["INVALID_FIELD /inputSchema/type", 'but is "int". Did you mean "integer"?']],
  ],
  [
    "inputSchema text",
    withField({ inputSchema: "object" }),
    [["INVALID_FIELD /inputSchema", 'an object, true or false, but is "object".']],
  ],
  ["outputs", withField({ outputs: {} }), [["INVALID_FIELD /outputs", 'Did you mean "output"?']]],
  ["on_failure", withField({ on_failure: "x" }), [["INVALID_FIELD /on_failure", 'Did you mean "onFailure"?']]],
  [
    "onFailure object",
    withField({ onFailure: { workflow: "x" } }),
    [["INVALID_FIELD /onFailure", "onFailure must be text, but is an object."]],
  ],
  [
    "timeout of transform",
    withStep({ timeout: "5s" }),
    [
      [
        "INVALID_FIELD /steps/0/timeout",
        "timeout is not known: only http and subworkflow steps have an attempt's timeout. Remove it.",
      ],
    ],
  ],
  [
    "unknown ref upstream",
    documentOf([step("a"), step("b", [], { config: { output: "{{ steps.a.output }}" } })]),
    [
      [
        "UNKNOWN_REFERENCE /steps/1/config/output",
        'config.output names steps.a, but Step "b" does not come after it: add it to dependsOn.',
      ],
    ],
  ],
];

it.each(mistakes)("teaches: %s", (_mistake, document, told) => {
  const problems = problemsOf(document);
  expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual(told.map(([place]) => place));
  for (const [index, [, words]] of told.entries()) expect(problems[index]?.message).toContain(words);
});
