// Keys of an input schema that check nothing, since they are no keywords: misspelt ones, or those of another dialect. JSON
// Schema has them ignored, and so a check that was meant is not made.

import { isJsonObject, show, suggestion } from "@keelson/contracts";
import { type DefinitionProblem, type Path, pointer } from "../problem.ts";
import { DATA_KEYWORDS, MAP_KEYWORDS } from "./prepare.ts";

/** Of 2020-12 by vocabulary, and two of before that are still understood. */
const KEYWORDS: ReadonlySet<string> = new Set(
  [
    "$schema $id $ref $anchor $dynamicRef $dynamicAnchor $vocabulary $comment $defs",
    "allOf anyOf oneOf not if then else dependentSchemas prefixItems items contains properties patternProperties",
    "additionalProperties propertyNames unevaluatedItems unevaluatedProperties",
    "type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems",
    "uniqueItems maxContains minContains maxProperties minProperties required dependentRequired",
    "title description default deprecated readOnly writeOnly examples format contentEncoding contentMediaType contentSchema",
    "definitions dependencies",
  ].flatMap((line) => line.split(" ")),
);
const NOTE = /^x-/i;
const MAX_WARNINGS = 20;

/** A warning `UNKNOWN_KEYWORD` for each, at most 20. Keys that begin with `x-` are notes. */
export function unknownKeywords(schema: unknown): DefinitionProblem[] {
  const found: DefinitionProblem[] = [];
  const lookAt = (part: unknown, path: Path): void => {
    if (found.length >= MAX_WARNINGS) return;
    if (Array.isArray(part)) part.forEach((item, index) => lookAt(item, [...path, index]));
    if (!isJsonObject(part)) return;
    for (const [key, value] of Object.entries(part)) {
      const at = [...path, key];
      if (!KEYWORDS.has(key)) found.push(...warningOf(key, path));
      else if (MAP_KEYWORDS.has(key) && isJsonObject(value))
        for (const [name, named] of Object.entries(value)) lookAt(named, [...at, name]);
      else if (!DATA_KEYWORDS.has(key)) lookAt(value, at);
    }
  };
  lookAt(schema, ["inputSchema"]);
  return found.slice(0, MAX_WARNINGS);
}

function warningOf(key: string, parent: Path): DefinitionProblem[] {
  if (NOTE.test(key)) return [];
  const remedy = suggestion(key, KEYWORDS) || ' Begin its name with "x-" if it is a note.';
  const message = `${show(key)} is no keyword of JSON Schema 2020-12, and checks nothing.${remedy}`;
  return [{ path: pointer([...parent, key]), code: "UNKNOWN_KEYWORD", message }];
}
