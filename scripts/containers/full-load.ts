// The benchmarks' W1, W2 and W3 at full load, against services of which nothing is known but where they are.
import { runFullLoad, type FullLoad } from "@keelson/bench";

const WORKLOADS = ["W1", "W2", "W3"] as const;

export interface LoadedEngine {
  readonly api: string;
  readonly adminToken: string;
  /** The database's owner: executions are counted in PostgreSQL itself. */
  readonly adminUrl: string;
}

/** Throws unless every webhook was accepted and has led to exactly one execution that succeeded and to its POSTs, once each. */
export async function proveFullLoad(
  { api, adminToken, adminUrl }: LoadedEngine,
  options: { readonly seconds: number; readonly signal: AbortSignal; readonly print: (line: string) => void },
): Promise<void> {
  const { seconds, signal, print } = options;
  await runFullLoad(
    { urls: { api }, adminToken, adminUrl },
    { only: WORKLOADS, seconds, signal, onLoop: (loop) => print(requireComplete(loop)) },
  );
}

function requireComplete({ workload, perSecond, accepted, refused, lost, doubled, notes }: FullLoad): string {
  if (accepted === 0 || refused + lost + doubled > 0) {
    throw new Error(
      `${workload}: of ${accepted + refused} webhooks ${refused} were refused, ${lost} lost, ${doubled} doubled. ${notes.join("; ")}`,
    );
  }
  return `${workload}: ${accepted} executions by 32 connections, ${perSecond.toFixed(0)} a second, none lost or doubled`;
}
