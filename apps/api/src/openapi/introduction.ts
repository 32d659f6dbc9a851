// What a reader of the document should know before the first call. Markdown.

export const DESCRIPTION = `
Start workflows by webhook, by schedule or by a call, and see what becomes of them. What is answered with 2xx is committed.

**Authentication.** \`Authorization: Bearer <key>\`. A key belongs to one tenant and has scopes, which stand alone: \`read\`
for every GET but the audit, \`write\` for workflows, secrets and schedules, \`trigger\` for starts and interventions, \`admin\`
for API keys and audit. Calls of the operator take the operator's token instead.

**Refusals** are \`application/problem+json\` (RFC 9457) with a \`code\` out of a closed list, a \`detail\` that says what to do,
and a \`requestId\` that finds the request in the server's logs. Another tenant's ids are 404, like ids of nothing. What is not
declared here is refused: query parameters, and keys of a body.

**Lists** take \`limit\` (1 to 100, default 20) and \`cursor\`, and answer \`{ items, nextCursor }\`, newest first unless said.
A page may be short, even empty, where few match: the list ends when \`nextCursor\` is null.

**JSON** is UTF-8, every key once in its object, at most 128 levels deep. Times are RFC 3339 in UTC with milliseconds, ids are
UUIDv7 in lower case. A request's headers must have arrived within 20 s, all of it within 30 s.

**Beside this document**, without a key: \`GET /schemas/workflow.json\`, the JSON Schema of the workflow document, for editors;
\`GET /healthz\`, \`GET /readyz\` and \`GET /metrics\` on the port of each service.
`.trim();
