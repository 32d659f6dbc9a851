// One declaration for each call of the API: its path, who may make it, and the schemas that parse it. From it comes the
// handler, always in the same order: authenticate, authorise, parse, one domain call, present.
//  R1. What is not declared is refused: query parameters, keys of a body. A malformed id in the path is 404, but for PUT,
//      which may create what the path names.

import { type Scope, issueRule, remedyOf, seen } from "@keelson/contracts";
import { AppError, addLogFields, parseRequest, readJsonBody } from "@keelson/service-kit";
import type { Express, Request, RequestHandler, Response } from "express";
import { z } from "zod";
import { requireScope } from "../auth/authenticate.ts";
import type { Caller, OperatorCaller, TenantCaller } from "../auth/caller.ts";
import type { ApiDeps } from "../deps.ts";
import type { RouteDoc } from "../openapi/route-doc.ts";
import { parseQuery } from "./parse-query.ts";

export interface Answer {
  readonly status: number;
  /** Left out: no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Call<C, P, Q, B> {
  readonly caller: C;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly req: Request;
  readonly res: Response;
  readonly deps: ApiDeps;
}

interface RouteParts<P, Q, B> {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** As Express has it: `/v1/workflows/:ref`. */
  readonly path: string;
  /** What the path's parameters must be; anything else is `NOT_FOUND`, for PUT `INVALID_REQUEST`. */
  readonly params?: z.ZodType<P>;
  /** Default: no parameters. */
  readonly query?: z.ZodType<Q>;
  /** Default: no body, or `{}`. Not read for GET and DELETE. */
  readonly body?: z.ZodType<B>;
  /** Default 64 KiB. */
  readonly maxBodyBytes?: number;
  /** What it answers when it does not refuse, by status; null: no body. */
  readonly answers: Answers;
  readonly doc: RouteDoc;
}

export type Answers = Readonly<Record<number, z.ZodType | null>>;

/** A handler answers, or has written the whole answer itself and yields null. */
type Handle<C, P, Q, B> = (call: Call<C, P, Q, B>) => Promise<Answer | null>;

/** Who may make a call: a key with this scope, the operator, or anyone who is known. */
export type Access = Scope | "operator" | "anyone";

/** What the OpenAPI document is made of, and how the call is served. */
export interface Route {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly path: string;
  readonly access: Access;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  /** Undefined: it takes none, or `{}`. */
  readonly body: z.ZodType | undefined;
  readonly answers: Answers;
  readonly doc: RouteDoc;
  readonly mount: (app: Express, deps: ApiDeps) => void;
}

const MAX_BODY_BYTES = 64 * 1024;
const NoParams: z.ZodType = z.record(z.string(), z.string());
const NoQuery: z.ZodType = z.strictObject({});
const NoBody: z.ZodType = z.strictObject({}).optional();

/** A call of a tenant, made with a key that has the scope. */
export function tenantRoute<P = unknown, Q = unknown, B = unknown>(
  spec: RouteParts<P, Q, B> & { readonly scope: Scope; readonly handle: Handle<TenantCaller, P, Q, B> },
): Route {
  return routeOf(spec, spec.scope, spec.handle, async (deps, req) => {
    const caller = await deps.authenticator.tenant(req);
    requireScope(caller, spec.scope);
    return caller;
  });
}

/** A call of the operator. */
export function operatorRoute<P = unknown, Q = unknown, B = unknown>(
  spec: RouteParts<P, Q, B> & { readonly handle: Handle<OperatorCaller, P, Q, B> },
): Route {
  return routeOf(spec, "operator", spec.handle, async (deps, req) => deps.authenticator.operator(req));
}

/** A call that takes any key, whatever its scopes, and the operator's token. */
export function anyoneRoute<P = unknown, Q = unknown, B = unknown>(
  spec: RouteParts<P, Q, B> & { readonly handle: Handle<Caller, P, Q, B> },
): Route {
  return routeOf(spec, "anyone", spec.handle, (deps, req) => deps.authenticator.anyone(req));
}

function routeOf<C extends Caller, P, Q, B>(
  spec: RouteParts<P, Q, B>,
  access: Access,
  handle: Handle<C, P, Q, B>,
  authenticate: (deps: ApiDeps, req: Request) => Promise<C>,
): Route {
  const { method, path } = spec;
  const takesBody = method !== "get" && method !== "delete";
  const readBody = readJsonBody({ maxBytes: spec.maxBodyBytes ?? MAX_BODY_BYTES });
  const paramsSchema = spec.params ?? (NoParams as z.ZodType<P>);
  const querySchema = spec.query ?? (NoQuery as z.ZodType<Q>);
  const bodySchema = spec.body ?? (NoBody as z.ZodType<B>);
  const mount = (app: Express, deps: ApiDeps) => {
    app[method](path, async (req, res) => {
      const caller = await authenticate(deps, req);
      addLogFields(res, logFieldsOf(caller));
      const params = parseParams(paramsSchema, req.params, method === "put");
      const query = parseQuery(querySchema, req.query);
      const body = parseRequest(bodySchema, takesBody ? await bodyOf(readBody, req, res) : (undefined as B));
      const answer = await handle({ caller, params, query, body, req, res, deps });
      if (answer !== null) send(res, answer);
    });
  };
  const { params, query, body, answers, doc } = spec;
  return { method, path, access, params, query, body, answers, doc, mount };
}

function logFieldsOf(caller: Caller): Record<string, string> {
  if (caller.kind === "operator") return { actor: "operator" };
  return { tenant_id: caller.tenant.id, api_key_id: caller.apiKey.id };
}

/** `isNew`: the path names what may not be there yet, so that the caller has to be told what a name must be. */
function parseParams<P>(schema: z.ZodType<P>, params: unknown, isNew: boolean): P {
  const parsed = schema.safeParse(params, { error: issueRule });
  if (parsed.success) return parsed.data;
  if (!isNew) throw new AppError("NOT_FOUND");
  const errors = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? "");
    const value: unknown = Reflect.get(Object(params), name);
    const message = `${name} ${ruleOf(issue)}${seen(value)}.${remedyOf(issue, value)}`;
    return { path: `path:${name}`, code: issue.code.toUpperCase(), message };
  });
  throw new AppError("INVALID_REQUEST", { errors });
}

/** Of a union, such as an id or a name, the last kind's: who creates writes a name. */
function ruleOf(issue: z.core.$ZodIssue): string {
  const last = issue.code === "invalid_union" ? issue.errors.at(-1)?.[0] : undefined;
  return last?.message ?? issue.message;
}

async function bodyOf(read: RequestHandler, req: Request, res: Response): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  await read(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  await promise;
  return req.body;
}

function send(res: Response, { status, body, headers = {} }: Answer): void {
  res.status(status).set(headers);
  if (body === undefined) {
    res.end();
    return;
  }
  // By hand: Express would add a charset, which JSON does not have.
  res.setHeader("content-type", "application/json");
  res.end(JSON.stringify(body));
}
