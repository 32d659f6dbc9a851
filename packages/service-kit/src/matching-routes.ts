// Which routes of a router match a path, whatever their method. Reads the router's layers: `match` is not in Express's types,
// so that a change of it is caught by this file's tests rather than by the compiler.

import type { RequestHandler, Router } from "express";

export interface MatchingRoute {
  /** The path as declared, mounts included, e.g. `/v1/workflows/:ref`. */
  readonly pattern: string;
  /** Upper case, with HEAD beside GET. */
  readonly methods: readonly string[];
}

/** In the order of declaration; a path that cannot be decoded matches nothing. */
export function matchingRoutes(router: Pick<Router, "stack">, path: string, mount = ""): readonly MatchingRoute[] {
  return router.stack.flatMap((layer): readonly MatchingRoute[] => {
    const match = matchOf(layer, path);
    if (match === null) return [];
    if (layer.route !== undefined) return [{ pattern: mount + match.pattern, methods: methodsOf(layer.route) }];
    if (!isRouter(layer.handle)) return [];
    const rest = path.slice(trimSlash(match.path).length);
    return matchingRoutes(layer.handle, rest === "" ? "/" : rest, mount + trimSlash(match.pattern));
  });
}

/** The route that takes a request, as declared; null where none does. */
export function routePattern(router: Pick<Router, "stack">, method: string, path: string): string | null {
  return matchingRoutes(router, path).find((route) => route.methods.includes(method))?.pattern ?? null;
}

/** The part of the path that the layer matched and the pattern that it was declared with, or null. */
function matchOf(layer: object, path: string): { readonly path: string; readonly pattern: string } | null {
  if (!("match" in layer) || typeof layer.match !== "function") return null;
  try {
    const match: unknown = layer.match(path);
    if (typeof match !== "object" || match === null || !("path" in match) || !("pattern" in match)) return null;
    return typeof match.path === "string" ? { path: match.path, pattern: String(match.pattern) } : null;
  } catch {
    return null;
  }
}

function trimSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

function methodsOf(route: object): readonly string[] {
  if (!("methods" in route) || typeof route.methods !== "object" || route.methods === null) return [];
  const methods = Object.keys(route.methods)
    .filter((method) => method !== "_all")
    .map((method) => method.toUpperCase());
  return methods.includes("GET") ? [...methods, "HEAD"] : methods;
}

function isRouter(handle: RequestHandler): handle is Router {
  return "stack" in handle && Array.isArray(handle.stack);
}
