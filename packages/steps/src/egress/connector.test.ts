import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createAddressPolicy, type AddressPolicy } from "./addresses.ts";
import { createGuardedConnector } from "./connector.ts";
import { EgressBlocked } from "./egress-blocked.ts";

async function startPort(): Promise<{ port: number; received: () => number }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.resume()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const received = () => sockets.reduce((sum, socket) => sum + socket.bytesRead, 0);
  return { port: (server.address() as AddressInfo).port, received };
}

function connect(policy: AddressPolicy, hostname: string, port: number): Promise<Socket> {
  const connector = createGuardedConnector({
    policy,
    connectTimeoutMs: 5_000,
    lookup: async () => [{ address: "127.0.0.1", family: 4 }],
  });
  return new Promise((resolve, reject) => {
    connector({ hostname, host: `${hostname}:${port}`, protocol: "http:", port: String(port) }, (error, socket) => {
      if (error !== null) reject(error);
      else resolve(socket);
    });
  });
}

describe("createGuardedConnector", () => {
  it("judges literals, which no resolver is asked for", async () => {
    const { port } = await startPort();
    await expect(connect(createAddressPolicy([]), "127.0.0.1", port)).rejects.toThrow(EgressBlocked);
  });

  it("judges the peer again once connected", async () => {
    const { port, received } = await startPort();
    let judged = 0;
    const changesItsMind: AddressPolicy = {
      allowsPrivate: true,
      judge: () => (judged++ === 0 ? { kind: "allowed", byOperator: true } : { kind: "refused", reason: "elsewhere" }),
    };
    await expect(connect(changesItsMind, "name.example", port)).rejects.toThrow("out of bounds");
    expect(received()).toBe(0);
  });

  it("opens a socket to what is allowed", async () => {
    const { port } = await startPort();
    const socket = await connect(createAddressPolicy(["127.0.0.1"]), "name.example", port);
    onTestFinished(() => void socket.destroy());
    expect(socket.remoteAddress).toBe("127.0.0.1");
  });
});
