// A target that answers a few kilobytes which unpack to a gigabyte, and a workflow that asks it for twenty at once.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { constants, createBrotliCompress, createGzip } from "node:zlib";
import type { Client } from "@keelson/examples/client";

const UNPACKED_BYTES = 1024 ** 3;
const CHUNK = Buffer.alloc(1024 * 1024);
const STEPS = 20;

export interface BombTarget {
  readonly url: string;
  /** Answers given. */
  readonly served: () => number;
  readonly close: () => void;
}

export async function startBombTarget(): Promise<BombTarget> {
  const bombs = {
    gzip: await packed(createGzip()),
    br: await packed(createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })),
  };
  let served = 0;
  const server = createServer((req, res) => {
    const encoding = req.url === "/br" ? "br" : "gzip";
    served += 1;
    res.writeHead(200, { "content-type": "application/json", "content-encoding": encoding }).end(bombs[encoding]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    served: () => served,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** All of them at once; the codes that their steps failed with. */
export async function sendBombs(client: Client, target: BombTarget, count: number): Promise<readonly string[]> {
  const steps = Array.from({ length: STEPS }, (_, n) => ({
    id: `bomb_${n}`,
    type: "http",
    timeout: "2m",
    retry: { maxAttempts: 1 },
    config: { method: "GET", url: `${target.url}/${n % 2 === 0 ? "gzip" : "br"}` },
  }));
  await client.call("PUT", "/v1/workflows/bombs", { name: "bombs", steps });
  const started = await Promise.all(
    Array.from({ length: count / STEPS }, () =>
      client.call<{ id: string }>("POST", "/v1/workflows/bombs/executions", { input: {} }),
    ),
  );
  const ended = [];
  for (const { id } of started) ended.push(await client.ended(id));
  return ended.flatMap((execution) => execution.steps.map((step) => step.error?.code ?? step.status));
}

async function packed(
  stream: ReturnType<typeof createGzip> | ReturnType<typeof createBrotliCompress>,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = once(stream, "end");
  for (let written = 0; written < UNPACKED_BYTES; written += CHUNK.length) {
    if (!stream.write(CHUNK)) await once(stream, "drain");
  }
  stream.end();
  await ended;
  return Buffer.concat(chunks);
}
