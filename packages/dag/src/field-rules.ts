// Rules between the fields of one step, and of fixed text that is not a template. Read leniently, so that each holds
// whatever else is wrong with the step.

import { DURATION_FORMS, isJsonObject, type JsonObject, nearDuration, parseDuration, show } from "@keelson/contracts";
import { type DefinitionProblem, type Path, place, problem } from "./problem.ts";

/** Checks what the schema cannot say of the steps' configs. */
export function checkStepFields(document: unknown, steps: readonly unknown[]): DefinitionProblem[] {
  return steps.flatMap((step, index) => {
    if (!isJsonObject(step) || !isJsonObject(step.config)) return [];
    const at = new Place(document, ["steps", index, "config"]);
    switch (step.type) {
      case "http":
        return checkUrl(at, step.config);
      case "condition":
        return checkCondition(at, step.config);
      case "delay":
        return checkDelay(at, step.config);
      default:
        return [];
    }
  });
}

class Place {
  readonly #document: unknown;
  readonly #path: Path;

  constructor(document: unknown, path: Path) {
    this.#document = document;
    this.#path = path;
  }

  refuse(
    field: string | null,
    rule: string,
    code: "INVALID_FIELD" | "INVALID_DURATION" = "INVALID_FIELD",
    remedy = "",
  ): DefinitionProblem[] {
    const path = field === null ? this.#path : [...this.#path, field];
    return [problem(code, path, `${place(this.#document, path)} ${rule}.${remedy}`)];
  }
}

function checkUrl(at: Place, { url }: JsonObject): DefinitionProblem[] {
  if (typeof url !== "string" || url === "") return [];
  const opening = url.indexOf("{{");
  if (opening < 0) {
    const protocol = URL.parse(url)?.protocol;
    if (protocol === "http:" || protocol === "https:") return [];
    return at.refuse("url", `must be an absolute http or https URL, but is ${show(url)}`);
  }
  const start = url.slice(0, opening);
  if (
    start === "" ||
    /^https?:\/\//i.test(start) ||
    "https://".startsWith(start.toLowerCase()) ||
    "http://".startsWith(start.toLowerCase())
  )
    return [];
  return at.refuse("url", `must begin with http:// or https://, but is ${show(url)}`);
}

function checkCondition(at: Place, config: JsonObject): DefinitionProblem[] {
  const { if: single, cases, otherwise } = config;
  if (single === undefined && cases === undefined) return at.refuse(null, "must have if, an expression, or cases");
  if (single !== undefined && cases !== undefined)
    return at.refuse("cases", "cannot stand beside if: keep one of the two");
  if (single !== undefined && otherwise !== undefined) {
    return at.refuse(
      "otherwise",
      "cannot stand beside if, whose branches are true and false: remove it, or write cases",
    );
  }
  return [];
}

function checkDelay(at: Place, config: JsonObject): DefinitionProblem[] {
  const { for: length, until } = config;
  const problems: DefinitionProblem[] = [];
  if (length === undefined && until === undefined)
    problems.push(...at.refuse(null, "must have for, a duration, or until, a time"));
  if (length !== undefined && until !== undefined)
    problems.push(...at.refuse("until", "cannot stand beside for: keep one of the two"));
  if ((typeof length === "number" || isFixedText(length)) && parseDuration(length) === null) {
    const rule = `must be a duration of at most 365 days, ${DURATION_FORMS}, or a template of one, but is ${show(length)}`;
    problems.push(...at.refuse("for", rule, "INVALID_DURATION", nearDuration(length)));
  }
  if (isFixedText(until) && !isTime(until)) {
    problems.push(
      ...at.refuse(
        "until",
        `must be a time such as "2027-01-31T09:00:00Z", or a template of one, but is ${show(until)}`,
      ),
    );
  }
  return problems;
}

function isFixedText(value: unknown): value is string {
  return typeof value === "string" && !value.includes("{{");
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** RFC 3339 text of a day that the calendar has. */
function isTime(text: string): boolean {
  const [, year, month, day] = (RFC_3339.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined || Number.isNaN(Date.parse(text))) return false;
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}
