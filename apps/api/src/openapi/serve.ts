// GET /openapi.json, /docs and /schemas/workflow.json: for anyone, without a key. All of it is of this process's making or
// its packages': the page works without the internet.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import type { JsonObject } from "@keelson/contracts";
import type { Express, RequestHandler } from "express";
import helmet from "helmet";
import type { Route } from "../http/route.ts";
import { createDocument } from "./document.ts";
import { createWorkflowSchema } from "./workflow-schema.ts";

const ASSETS = new URL("../../assets/docs/", import.meta.url);
const RAPIDOC = createRequire(import.meta.url).resolve("rapidoc/dist/rapidoc-min.js");

export function serveDocuments(
  app: Express,
  routes: readonly Route[],
  about: { readonly version: string; readonly ingressUrl: string },
): void {
  const json = (make: () => JsonObject) => () => Buffer.from(JSON.stringify(make()));
  const file = (name: string | URL) => () => readFileSync(name);
  const document = kept(
    "application/json",
    json(() => createDocument(routes, about)),
  );
  app.get("/openapi.json", mayBeReadFromAnywhere, document);
  const schema = kept("application/schema+json", json(createWorkflowSchema));
  app.get("/schemas/workflow.json", mayBeReadFromAnywhere, schema);
  app.get("/docs", onlyOwnContent(), kept("text/html; charset=utf-8", file(new URL("index.html", ASSETS))));
  app.get("/docs/docs.css", kept("text/css; charset=utf-8", file(new URL("docs.css", ASSETS))));
  app.get("/docs/docs.js", kept("text/javascript; charset=utf-8", file(new URL("docs.js", ASSETS))));
  app.get("/docs/rapidoc.js", kept("text/javascript; charset=utf-8", file(RAPIDOC)));
}

interface Kept {
  readonly plain: Buffer;
  readonly gzipped: Buffer;
  readonly tag: string;
}

/** Made at the first request and kept. Callers may keep it too, and ask by its tag whether it is still the same. */
function kept(type: string, make: () => Buffer): RequestHandler {
  let made: Kept | null = null;
  return (req, res) => {
    made ??= keep(make());
    const isGzipped = req.acceptsEncodings(["gzip", "identity"]) === "gzip";
    const etag = `"${made.tag}${isGzipped ? "-gzip" : ""}"`;
    res.set({ etag, vary: "accept-encoding", "cache-control": "public, max-age=60" });
    if (req.fresh) {
      res.status(304).end();
      return;
    }
    res.setHeader("content-type", type);
    if (isGzipped) res.setHeader("content-encoding", "gzip");
    res.end(isGzipped ? made.gzipped : made.plain);
  };
}

function keep(plain: Buffer): Kept {
  const tag = createHash("sha256").update(plain).digest("base64url").slice(0, 22);
  return { plain, gzipped: gzipSync(plain), tag };
}

/** Editors and generators in a browser read these from pages of their own. */
const mayBeReadFromAnywhere: RequestHandler = (_req, res, next) => {
  res.set({ "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" });
  next();
};

/** Unlike helmet's own policy it lets a page served by plain http fetch its parts. Rapidoc styles its parts in place. */
function onlyOwnContent(): RequestHandler {
  return helmet.contentSecurityPolicy({
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", "data:"],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  });
}
