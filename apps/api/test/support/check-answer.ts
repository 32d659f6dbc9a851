// Holds every answer that a test gets against the schema that the call declares.

import { ROUTES } from "../../src/routes/all.ts";

const patterns = ROUTES.map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll(/:\w+/g, "[^/]+")}$`),
}));

/** Throws where the answer is none that the call declares. Refusals and streams are not looked at. */
export function checkAnswer(
  method: string,
  path: string,
  answer: { readonly status: number; readonly body: unknown; readonly text?: string; readonly type: string },
): void {
  if (answer.status >= 400 || answer.type === "text/event-stream") return;
  const [pathname = ""] = path.split("?");
  const found = patterns.find(({ route, pattern }) => route.method === method && pattern.test(pathname));
  if (found === undefined) throw new Error(`No call is ${method} ${pathname}`);
  const schema = found.route.answers[answer.status];
  if (schema === undefined) throw new Error(`${found.route.path} does not declare the status ${answer.status}`);
  if (schema === null) {
    if ((answer.text ?? "") !== "") throw new Error(`${found.route.path} has a body with ${answer.status}`);
    return;
  }
  const parsed = schema.safeParse(answer.body);
  if (!parsed.success) throw new Error(`${found.route.path} answers otherwise than declared: ${parsed.error.message}`);
}
