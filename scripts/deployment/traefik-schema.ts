// What Traefik 3 takes of what we say to it: of its reference, the parts that infra/traefik uses, and no key beside them, for
// Traefik passes over most of what it does not know. npm has no JSON schema of these files. When they need another key, look
// it up (SchemaStore's traefik-v3 and traefik-v3-file-provider, which our files have been held to by hand) and add it here.
import { z } from "zod";

const Duration = z.string().regex(/^\d+(ms|s|m|h)$/);
/** `:8080`, or with the address to listen on. */
const Listen = z.string().regex(/^(\d+\.\d+\.\d+\.\d+)?:\d+$/);

const EntryPoint = z.strictObject({
  address: Listen,
  http: z
    .strictObject({
      redirections: z
        .strictObject({ entryPoint: z.strictObject({ to: z.string(), scheme: z.enum(["http", "https"]) }) })
        .optional(),
      tls: z.strictObject({ certResolver: z.string() }).optional(),
    })
    .optional(),
  transport: z
    .strictObject({
      respondingTimeouts: z.strictObject({ readTimeout: Duration, writeTimeout: Duration, idleTimeout: Duration }),
      lifeCycle: z.strictObject({ graceTimeOut: Duration }),
    })
    .optional(),
});

/** traefik.yml: read once, as it starts. */
export const InstallConfiguration = z.strictObject({
  entryPoints: z.record(z.string(), EntryPoint),
  certificatesResolvers: z
    .record(
      z.string(),
      z.strictObject({ acme: z.strictObject({ storage: z.string(), tlsChallenge: z.strictObject({}) }) }),
    )
    .optional(),
  providers: z.strictObject({ file: z.strictObject({ filename: z.string() }) }),
  ping: z.strictObject({ entryPoint: z.string() }),
  log: z.strictObject({ level: z.enum(["DEBUG", "INFO", "WARN", "ERROR"]) }),
  accessLog: z.strictObject({
    format: z.enum(["common", "json"]),
    fields: z.strictObject({ headers: z.strictObject({ defaultMode: z.enum(["keep", "drop", "redact"]) }) }),
  }),
  api: z.strictObject({ dashboard: z.boolean() }),
  global: z.strictObject({ checkNewVersion: z.boolean(), sendAnonymousUsage: z.boolean() }),
});

const Middleware = z.union([
  z.strictObject({ rateLimit: z.strictObject({ average: z.int().positive(), burst: z.int().positive() }) }),
  z.strictObject({ buffering: z.strictObject({ maxRequestBodyBytes: z.int().positive() }) }),
]);

const Server = z.strictObject({ url: z.url() });

/** dynamic.yml: read again whenever it changes. */
export const RoutingConfiguration = z.strictObject({
  http: z.strictObject({
    routers: z.record(
      z.string(),
      z.strictObject({ rule: z.string(), service: z.string(), middlewares: z.array(z.string()) }),
    ),
    middlewares: z.record(z.string(), Middleware),
    services: z.record(
      z.string(),
      z.strictObject({ loadBalancer: z.strictObject({ serversTransport: z.string(), servers: z.array(Server) }) }),
    ),
    serversTransports: z.record(
      z.string(),
      z.strictObject({
        maxIdleConnsPerHost: z.int().positive(),
        forwardingTimeouts: z.strictObject({
          dialTimeout: Duration,
          responseHeaderTimeout: Duration,
          idleConnTimeout: Duration,
        }),
      }),
    ),
  }),
});
