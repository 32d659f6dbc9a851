// A worker in this process: the engine's runner over the store, woken by the API's own hints.

import {
  createDefinitionStore,
  createExecutionStore,
  createLeaseStore,
  type MasterKeys,
  createSecretBox,
  createSecretReader,
  createSweepStore,
  openDatabase,
} from "@keelson/db";
import { createPgClock, createRunner, sweepOnce, untracedExecutions } from "@keelson/engine";
import { createWakeConsumer, mailChannel, openRedis, subscribe } from "@keelson/queue";
import { newId, startLoop } from "@keelson/service-kit";
import { createHttpClient, createStepKinds } from "@keelson/steps";
import { testRedisUrl } from "@keelson/testkit";

export interface TestWorker {
  stop(): Promise<void>;
}

export async function startWorker(options: {
  readonly url: string;
  readonly masterKeys: MasterKeys;
  readonly redisPrefix: string;
}): Promise<TestWorker> {
  const db = openDatabase({ url: options.url, applicationName: "keelson-api-test-worker", maxConnections: 6 });
  const clock = createPgClock(newId);
  const http = createHttpClient({ egressAllow: ["127.0.0.1/32"], nowAt: clock.nowAt });
  const leases = createLeaseStore(db, {
    url: options.url,
    applicationName: "keelson-api-test-worker",
    stats: () => ({}),
  });
  const silent = () => {};
  const connections: ReturnType<typeof openRedis>[] = [];
  const redis = (name: string) => {
    const connection = openRedis(testRedisUrl(), name, "blocking", { redisLost: silent, redisBack: silent });
    connections.push(connection);
    return connection;
  };
  const runner = createRunner(
    {
      store: createExecutionStore(db),
      leases,
      definitions: createDefinitionStore(db),
      secrets: createSecretReader(db, createSecretBox(options.masterKeys)),
      kinds: createStepKinds(http),
      tracing: untracedExecutions,
      checkInput: () => [],
      hints: { wake: (ref) => void runner.offer(ref).catch(silent), mail: (ref) => runner.mail(ref.executionId) },
      clock,
      calibrate: clock.calibrate,
      observer: { committed: silent, attempted: silent },
      log: {
        sessionFailed: silent,
        incarnationBegan: silent,
        incarnationLost: silent,
        tickFailed: silent,
        leaseGivenBack: silent,
      },
    },
    { name: `worker-${process.pid}`, leaseTtlMs: 15_000, concurrency: 16 },
  );
  await runner.tick();
  const ticking = startLoop({ intervalMs: 200, runOnce: runner.tick, onError: silent });
  const sweeps = createSweepStore(db);
  const offer = (ref: { tenantId: string; executionId: string }) => runner.offer(ref).catch(silent);
  const sweeping = startLoop({
    intervalMs: 200,
    runOnce: () => sweepOnce(sweeps, (refs) => refs.forEach((ref) => void offer(ref))),
    onError: silent,
  });
  const mail = subscribe({ redis: redis("mail"), channel: mailChannel(options.redisPrefix), onMessage: runner.mail });
  const consumer = createWakeConsumer({
    redis: redis("wake"),
    prefix: options.redisPrefix,
    concurrency: 16,
    onWake: runner.offer,
    onError: silent,
  });
  let stopping: Promise<void> | null = null;
  return {
    stop: () => (stopping ??= stop()),
  };

  async function stop(): Promise<void> {
    await Promise.race([consumer.close(), new Promise((resolve) => setTimeout(resolve, 2_000))]);
    await sweeping.stop();
    await runner.stop(1_000);
    await ticking.stop();
    await Promise.allSettled([mail.close(), leases.close(), http.close()]);
    for (const connection of connections) connection.disconnect();
    await db.close();
  }
}
