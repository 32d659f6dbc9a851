// What other products, or other habits, call our keys and values: no edit distance finds these.

/** Of a known key, in lower case and without `-` and `_`: what it may have been meant by. */
export const KEY_ALIASES: Readonly<Record<string, string>> = {
  branch: "name then goto next",
  body: "data payload json content",
  cases: "switch branches choices",
  config: "with params parameters args arguments options settings",
  cron: "schedule expression pattern",
  dependsOn: "depends needs after requires dependencies parents runafter",
  factor: "multiplier coefficient backoffcoefficient",
  for: "duration seconds minutes milliseconds ms time wait delay",
  if: "condition expression expr when test",
  initialDelay: "delay interval wait initialinterval minbackoff",
  input: "inputs params parameters args arguments payload data",
  inputSchema: "schema inputs parameters",
  labels: "metadata meta",
  maxAttempts: "attempts retries maxretries limit times count max",
  maxDelay: "maxinterval maxbackoff cap",
  method: "verb",
  name: "title slug",
  onError: "onfailure continueonerror errorhandling catch",
  onFailure: "onerror failureworkflow errorworkflow",
  otherwise: "default else fallback",
  output: "outputs result value return set",
  overlap: "concurrency",
  query: "params querystring qs queryparams parameters",
  retry: "retries retrypolicy attempts maxattempts",
  scheme: "type provider kind",
  secrets: "secret key signingsecret",
  steps: "tasks nodes jobs actions stages",
  successStatus: "expectedstatus statuscodes okstatus status",
  timezone: "tz zone",
  triggers: "on events webhooks schedules",
  type: "kind uses action",
  until: "at datetime date",
  url: "uri href endpoint address",
  workflow: "name workflowname workflowid child",
};

/** Of a known value, in lower case: what it may have been meant by. */
export const VALUE_ALIASES: Readonly<Record<string, string>> = {
  all: "every and",
  any: "first one or",
  condition: "if switch choice branch when",
  continue: "ignore skip",
  delay: "wait sleep timer pause",
  exponential: "exp",
  fail: "stop abort",
  fixed: "constant",
  form: "urlencoded",
  http: "request rest fetch api call webhook",
  schedule: "cron timer interval",
  standard: "standardwebhooks svix",
  subworkflow: "workflow child subflow",
  transform: "set map script code javascript function",
  webhook: "http hook",
};

/** The candidate that `name` is an alias of, or null. */
export function aliased(
  name: string,
  candidates: readonly string[],
  aliases: Readonly<Record<string, string>>,
): string | null {
  const wanted = name.toLowerCase().replaceAll(/[-_ ]/g, "");
  return (
    candidates.find((known) => Object.hasOwn(aliases, known) && aliases[known]?.split(" ").includes(wanted)) ?? null
  );
}
