// Containers by podman, each as docker-compose.yml has it: 512 MB and no swap, a read-only root, no capability.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const COMMAND = (process.env["KEELSON_PODMAN"] ?? "podman").split(" ");
export const MEMORY_BYTES = 512 * 1024 * 1024;
/** Within what a host without systemd lets root raise. */
const OPEN_FILES = 4096;
const PROCESSES = 4096;

export interface Container {
  readonly name: string;
  /** What the kernel counts for its group of processes, and for the service's own. */
  readonly memory: () => Promise<Memory>;
  /** Whether the process that was started runs: it has neither ended nor been started again. */
  readonly isFirstProcess: () => Promise<boolean>;
  /** Exit code and output of a command in it. */
  readonly exec: (...command: readonly string[]) => Promise<Ended>;
  /** What its image's HEALTHCHECK says. */
  readonly isHealthy: () => Promise<boolean>;
  readonly logs: () => Promise<string>;
  /** SIGTERM, and after half a minute SIGKILL; its exit code. */
  readonly stop: () => Promise<number>;
  readonly remove: () => Promise<void>;
}

export interface Memory {
  readonly limitBytes: number;
  /** Of all its processes, with the pages of files that they have read. */
  readonly peakBytes: number;
  /** Resident, of the service's process alone; so far, as `peakBytes`. */
  readonly residentPeakBytes: number;
  readonly oomKills: number;
}

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs podman where its monitor may leave a file when a container runs out of memory: not in the checkout. */
export async function podman(...args: readonly string[]): Promise<Ended> {
  const [file = "podman", ...before] = COMMAND;
  try {
    const { stdout, stderr } = await run(file, [...before, ...args], { cwd: tmpdir(), maxBuffer: 64 * 1024 * 1024 });
    return { code: 0, output: stdout === "" ? stderr : stdout };
  } catch (error) {
    if (!(error instanceof Error && "code" in error && typeof error.code === "number")) throw error;
    const output = "stderr" in error && "stdout" in error ? `${String(error.stdout)}${String(error.stderr)}` : "";
    return { code: error.code, output };
  }
}

/** Arguments of `podman run` for anything here. */
export function contained(image: string, options: RunOptions): string[] {
  const { name, env = {}, secretsDir, entrypoint, command = [] } = options;
  return [
    "run",
    `--name=${name}`,
    "--network=host",
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    `--memory=${MEMORY_BYTES}`,
    `--memory-swap=${MEMORY_BYTES}`,
    `--ulimit=nofile=${OPEN_FILES}:${OPEN_FILES}`,
    `--ulimit=nproc=${PROCESSES}:${PROCESSES}`,
    ...(secretsDir === undefined ? [] : ["--volume", `${secretsDir}:/run/secrets:ro`]),
    ...Object.entries(env).map(([variable, value]) => `--env=${variable}=${value}`),
    ...(options.detached === true ? ["--detach"] : []),
    ...(entrypoint === undefined ? [] : ["--entrypoint", entrypoint]),
    image,
    ...command,
  ];
}

export interface RunOptions {
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Mounted as /run/secrets. */
  readonly secretsDir?: string;
  readonly entrypoint?: string;
  readonly command?: readonly string[];
  readonly detached?: boolean;
}

/** Starts a service's container; it is not healthy yet. */
export async function startContainer(image: string, options: RunOptions): Promise<Container> {
  const { name } = options;
  const started = await podman(...contained(image, { ...options, detached: true }));
  if (started.code !== 0) throw new Error(`${name} could not be started: ${started.output.trim()}`);
  const pid = (await podman("inspect", "--format", "{{.State.Pid}}", name)).output.trim();
  const group = await memoryGroup(pid);
  return {
    name,
    memory: async () => ({ ...(await readGroup(group)), residentPeakBytes: await residentPeak(pid) }),
    async isFirstProcess() {
      const format = "{{.State.Running}} {{.State.Pid}} {{.RestartCount}}";
      return (await podman("inspect", "--format", format, name)).output.trim() === `true ${pid} 0`;
    },
    exec: (...command) => podman("exec", name, ...command),
    isHealthy: async () => (await podman("healthcheck", "run", name)).code === 0,
    logs: async () => (await podman("logs", "--tail", "30", name)).output,
    async stop() {
      await podman("stop", "--time", "30", name);
      return Number((await podman("inspect", "--format", "{{.State.ExitCode}}", name)).output);
    },
    async remove() {
      await podman("rm", "--force", "--time", "5", name);
    },
  };
}

async function residentPeak(pid: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

interface MemoryGroup {
  readonly path: string;
  readonly version: 1 | 2;
}

/** Where the kernel keeps the counters of the group that a process is in; cgroups of both versions. */
async function memoryGroup(pid: string): Promise<MemoryGroup> {
  const lines = (await readFile(`/proc/${pid}/cgroup`, "utf8")).trim().split("\n");
  for (const line of lines) {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers.split(",").includes("memory")) return { path: join("/sys/fs/cgroup/memory", path), version: 1 };
  }
  const unified = lines.find((line) => line.startsWith("0::"))?.slice(3) ?? "/";
  return { path: join("/sys/fs/cgroup", unified), version: 2 };
}

async function readGroup({ path, version }: MemoryGroup): Promise<Omit<Memory, "residentPeakBytes">> {
  const number = async (file: string): Promise<number> => Number(await readFile(join(path, file), "utf8"));
  const kills = async (file: string): Promise<number> =>
    Number(/^oom_kill (\d+)$/m.exec(await readFile(join(path, file), "utf8"))?.[1] ?? Number.NaN);
  if (version === 1) {
    return {
      limitBytes: await number("memory.limit_in_bytes"),
      peakBytes: await number("memory.max_usage_in_bytes"),
      oomKills: await kills("memory.oom_control"),
    };
  }
  return {
    limitBytes: await number("memory.max"),
    peakBytes: await number("memory.peak"),
    oomKills: await kills("memory.events"),
  };
}
