import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Ended {
  readonly ok: boolean;
  /** stdout and stderr as they came; empty where they were shown. */
  readonly output: string;
}

/** The environment, with colours only where a terminal shows them. */
export function plainEnv(): NodeJS.ProcessEnv {
  return process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: "1" };
}

/** Runs one of the checkout's tools with the Node of this process. `signal` asks it to end; resolves once it has. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: {
    readonly show: boolean;
    readonly env?: NodeJS.ProcessEnv;
    /** Default: this process's own. */
    readonly cwd?: string;
    readonly signal: AbortSignal;
  },
): Promise<Ended> {
  const { show, env = process.env, cwd = process.cwd(), signal } = options;
  signal.throwIfAborted();
  const output = show ? "inherit" : "pipe";
  const child = spawn(command, args, { env, cwd, stdio: ["ignore", output, output] });
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  try {
    const [code] = (await once(child, "close")) as [number | null];
    signal.throwIfAborted();
    return { ok: code === 0, output: Buffer.concat(chunks).toString("utf8") };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
