// Chains: `a.b?.c[d].f(e)`. A `?.` that meets null ends its whole chain with null, as in JavaScript.
import { assertNever, type Json } from "@keelson/contracts";
import { compileMethod } from "./compile-call.ts";
import { NOTHING, positionOf, quote, type Context, type Run } from "./context.ts";
import { stepFieldHint } from "./foreign-names.ts";
import type { Frame } from "./frame.ts";
import { readIndex, readProperty } from "./members.ts";
import type { Link, Node } from "./tree.ts";

type Step = (value: Json, frame: Frame) => Json;
type Chain = Node & { kind: "chain" };

const STEP_FIELDS = new Set(["output", "status", "error"]);

export function compileChain(node: Chain, context: Context): Run {
  const { base } = node;
  const named = base.kind === "name" && !context.names.has(base.name) ? base.name : undefined;
  if (named === "steps" || named === "secrets") return compileRecord(node, named, context);
  return follow(context.compile(base, context), base.to, node, 0, context);
}

/** `steps.<id>…` and `secrets.<NAME>…`: the name is fixed in the source, so that it can be checked at save. */
function compileRecord(node: Chain, root: "steps" | "secrets", context: Context): Run {
  const position = positionOf(node, context);
  const [link, field] = node.links;
  const name = link === undefined ? undefined : fixedName(link);
  if (context.findings.root(root, position) === undefined) return NOTHING;
  if (link === undefined || name === undefined) {
    const message = `${root} takes one fixed name, as in ${root === "steps" ? "steps.charge.output" : "secrets.API_TOKEN"}.`;
    context.findings.problem("EXPRESSION_FORBIDDEN", message, position);
    return NOTHING;
  }
  context.findings.place(root, name, position);
  if (root === "secrets") return follow((frame) => frame.secret(name), link.to, node, 1, context);
  const fieldName = field === undefined ? undefined : fixedName(field);
  if (fieldName !== undefined && !STEP_FIELDS.has(fieldName)) {
    const message = `A step has output, status and error, and no ${fieldName.slice(0, 60)}.${stepFieldHint(name, fieldName.slice(0, 60))}`;
    context.findings.problem("UNKNOWN_REFERENCE", message, context.tokens[field?.to ?? 0]?.start ?? position);
  }
  return follow((frame) => frame.scope.steps(name) ?? null, link.to, node, 1, context);
}

function fixedName(link: Link): string | undefined {
  if (link.kind === "property") return link.name;
  if (link.kind !== "index" || link.key.kind !== "literal") return undefined;
  return typeof link.key.value === "string" ? link.key.value : undefined;
}

/** The links from `start` on, behind a base that ends at token `baseEnd`. */
function follow(base: Run, baseEnd: number, node: Chain, start: number, context: Context): Run {
  const steps: { readonly optional: boolean; readonly step: Step }[] = [];
  let end = baseEnd;
  for (const link of node.links.slice(start)) {
    steps.push({ optional: link.optional, step: compileLink(link, node.from, end, context) });
    end = link.to;
  }
  return (frame) => {
    let value = base(frame);
    for (const { optional, step } of steps) {
      if (optional && value === null) return null;
      frame.spend(1);
      value = step(value, frame);
    }
    return value;
  };
}

function compileLink(link: Link, from: number, to: number, context: Context): Step {
  const place = (): string => quote(from, to, context);
  switch (link.kind) {
    case "property": {
      const { name } = link;
      return (value) => readProperty(value, name, place);
    }
    case "index": {
      const key = context.compile(link.key, context);
      return (value, frame) => readIndex(value, key(frame), place);
    }
    case "call": {
      const { name, at, args } = link;
      return compileMethod({ name, at, args, place }, context);
    }
    default:
      return assertNever(link);
  }
}
