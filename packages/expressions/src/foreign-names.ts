// What is called otherwise elsewhere, in JavaScript or in other template languages, and what to write here.
import { closest } from "@keelson/contracts";

const PAYLOAD = "the payload is input, as in input.orderId.";

const ROOTS: ReadonlyMap<string, string> = new Map([
  ...words("payload event data body request req json $json inputs params args msg message item", PAYLOAD),
  ...words("headers query", "a request's headers and query are trigger.headers and trigger.query."),
  ...words("env process vars secret", "what is configured is a secret: secrets.NAME, in http steps only."),
  ...words("JSON", "write json(x), or parseJson(text)."),
  ...words("Math", "write the function alone, as in round(x, 2) or max(a, b)."),
  ...words("Object", "write the function alone, as in keys(x) or entries(x)."),
  ...words("Date", "write now(), or date(x)."),
  ...words("String Number Boolean Array", "write string(x), number(x), boolean(x) or type(x)."),
  ...words("workflow", "this workflow's name is execution.workflow."),
  ...words("step node nodes tasks outputs", "an earlier step's result is steps.<id>.output."),
  ["undefined", "it is no JSON value: use null."],
  ["$", "begin with a name, as in input.orderId."],
]);

const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ...words("upper uppercase upcase", "toUpperCase"),
  ...words("lower lowercase downcase", "toLowerCase"),
  ...words("stringify toJson toJSON tojson dump", "json"),
  ...words("parse fromJson fromJSON", "parseJson"),
  ...words("len size count", "length"),
  ...words("contains has", "includes"),
  ...words("push append", "concat"),
  ...words("int float parseInt parseFloat toNumber", "number"),
  ...words("toString str text", "string"),
  ...words("encodeURIComponent encodeURI urlencode", "urlEncode"),
  ...words("decodeURIComponent decodeURI", "urlDecode"),
  ...words("btoa b64encode", "base64"),
  ...words("atob b64decode", "base64Decode"),
  ...words("hmac sign", "hmacSha256"),
  ...words("hash md5 sha1 digest", "sha256"),
  ...words("each forEach collect", "map"),
  ...words("where select", "filter"),
  ...words("orderBy orderby", "sortBy"),
  ...words("distinct uniq dedupe", "unique"),
  ...words("default ifNull nvl or", "coalesce"),
  ...words("strftime dateFormat toLocaleDateString", "formatDate"),
  ...words("getTime timestamp toEpoch", "epochMs"),
  ...words("toISOString toDate parseDate", "date"),
  ...words("plusDays addDays dateAdd", "addDuration"),
  ...words("avg mean", "average"),
  ...words("assign extend", "merge"),
  ...words("any", "some"),
  ...words("all", "every"),
  ...words("guid randomUUID", "uuid"),
  ...words("today utcnow", "now"),
]);

/** What to write for a name that is no root; ends with a full stop. */
export function rootHint(name: string, roots: readonly string[]): string {
  const foreign = ROOTS.get(name);
  if (foreign !== undefined) return foreign;
  const near = closest(name, roots);
  if (near !== null) return `did you mean ${near}?`;
  return `use one of ${roots.filter((root) => root !== "secrets").join(", ")}.`;
}

/** The function that is meant, or null. */
export function nearFunction(name: string, known: Iterable<string>): string | null {
  return FUNCTIONS.get(name) ?? closest(name, known);
}

/** What to write for a property that no step has: each has `output`, `status` and `error`. */
export function stepFieldHint(step: string, field: string): string {
  const near = closest(field, ["output", "status", "error"]);
  if (near !== null) return ` Did you mean steps.${step}.${near}?`;
  if (/^(?:result|results|response|data|value|return|outputs)$/.test(field))
    return ` Did you mean steps.${step}.output?`;
  return ` What the step yielded is under output: steps.${step}.output.${field}.`;
}

function words(list: string, meant: string): [string, string][] {
  return list.split(" ").map((word) => [word, meant]);
}
