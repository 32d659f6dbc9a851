// Of HEALTHCHECK: exits 0 where the service of this container answers /readyz with 200, else 1 and says why.
const { API_PORT, INGRESS_PORT, SCHEDULER_PORT, WORKER_PORT } = process.env;
const [service] = process.argv.slice(2);
const ports = {
  api: API_PORT ?? 4000,
  ingress: INGRESS_PORT ?? 4001,
  scheduler: SCHEDULER_PORT ?? 4002,
  worker: WORKER_PORT ?? 4003,
};

try {
  const response = await fetch(`http://127.0.0.1:${ports[service]}/readyz`, { signal: AbortSignal.timeout(4_000) });
  process.stdout.write(`${response.status} ${await response.text()}\n`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`no answer: ${error.cause?.code ?? error.name}\n`);
  process.exitCode = 1;
}
