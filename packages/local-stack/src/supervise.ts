// Keeps one process running: starts it again when it dies, says so, and keeps its pid file current.
// The process leads a group of its own, so that a Ctrl-C in the terminal reaches whoever decides the order of stopping,
// and not PostgreSQL before the workers have drained.

import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "./log.ts";
import { removePidFile, writePidFile } from "./pid-file.ts";
import { signalProcess } from "./stop-process.ts";

/** A process that lived shorter than this counts as one more failure in a row. */
const QUICK_DEATH_MS = 10_000;
const RESTART_DELAYS_MS = [100, 250, 500, 1_000, 2_000];
const LOG_FILE_LIMIT_BYTES = 64 * 1024 * 1024;

export interface ServiceSpec {
  /** As in the pid file's name: `worker-0`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string | undefined;
  /** User and group to run as; needs root. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly pidFile: string;
  /** Its stdout and stderr are appended here; left out, both go to this process's stderr. */
  readonly logFile?: string | undefined;
  readonly log: Log;
  /** Default true. */
  readonly restart?: boolean | undefined;
  /** What asks it to end. Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals | undefined;
  /** From the stop signal to SIGKILL. Default 30 s. */
  readonly graceMs?: number | undefined;
  /** Runs before every start, the first included. */
  readonly beforeStart?: (() => Promise<void>) | undefined;
}

export interface Service {
  readonly name: string;
  readonly logFile: string | undefined;
  /** The pid of the moment, or null while none runs. */
  readonly pid: () => number | null;
  /** Deaths in a row within ten seconds of their start, unasked for. */
  readonly quickDeaths: () => number;
  /** Starts it if it does not run; it is kept running from then on. */
  readonly start: () => Promise<void>;
  /** Ends it and leaves it ended; resolves once it is gone. Safe to repeat. */
  readonly stop: () => Promise<void>;
  /** Sends a signal as a fault from outside would: a death by it is followed by a restart. */
  readonly kill: (signal?: NodeJS.Signals) => void;
}

export async function superviseService(spec: ServiceSpec): Promise<Service> {
  const service = createService(spec);
  await service.start();
  return service;
}

function createService(spec: ServiceSpec): Service {
  let child: ChildProcess | null = null;
  let ended: Promise<void> = Promise.resolve();
  let launching: Promise<void> = Promise.resolve();
  let wanted = false;
  let deaths = 0;
  let pause = new AbortController();

  async function launch(): Promise<void> {
    await spec.beforeStart?.();
    if (!wanted) return;
    const startedAt = Date.now();
    const started = spawnService(spec);
    child = started;
    ended = new Promise((resolve) => {
      const onEnd = (how: string): void => {
        if (child !== started) return;
        child = null;
        resolve();
        deaths = Date.now() - startedAt < QUICK_DEATH_MS ? deaths + 1 : 0;
        // Behind the start that it has died in, if it has: that one still writes its pid file.
        if (wanted) launching = launching.catch(() => {}).then(() => startAgain(how));
      };
      started.once("exit", (code, signal) => onEnd(signal ?? `exit code ${code}`));
      started.once("error", (error) => onEnd(error.message));
    });
    if (started.pid !== undefined) await writePidFile(spec.pidFile, started.pid);
  }

  async function startAgain(how: string): Promise<void> {
    if (!wanted) return;
    spec.log(`${spec.name} died (${how})${spec.restart === false ? "" : ", starting it again"}`);
    if (spec.restart === false) wanted = false;
    const isMissing = (): boolean => wanted && child === null;
    while (isMissing()) {
      const delayMs = RESTART_DELAYS_MS[Math.min(deaths, RESTART_DELAYS_MS.length - 1)];
      await sleep(delayMs, undefined, { signal: pause.signal }).catch(() => {});
      if (!wanted) return;
      try {
        // If it is dead by now, its end has been noted, and the next start stands behind this one.
        return await launch();
      } catch (error) {
        deaths += 1;
        spec.log(`${spec.name} could not be started: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  return {
    name: spec.name,
    logFile: spec.logFile,
    pid: () => child?.pid ?? null,
    quickDeaths: () => deaths,
    async start() {
      if (wanted) return;
      wanted = true;
      deaths = 0;
      pause = new AbortController();
      launching = launch();
      await launching;
    },
    async stop() {
      wanted = false;
      pause.abort();
      await launching.catch(() => {});
      const pid = child?.pid;
      if (pid !== undefined) {
        signalProcess(pid, spec.stopSignal ?? "SIGTERM");
        const timer = setTimeout(() => {
          spec.log(`${spec.name} did not end in time, killing it`);
          signalProcess(pid, "SIGKILL");
        }, spec.graceMs ?? 30_000);
        await ended;
        clearTimeout(timer);
      }
      await removePidFile(spec.pidFile);
    },
    kill(signal = "SIGKILL") {
      if (child?.pid !== undefined) signalProcess(child.pid, signal);
    },
  };
}

function spawnService(spec: ServiceSpec): ChildProcess {
  const output = spec.logFile === undefined ? process.stderr.fd : openLogFile(spec.logFile);
  try {
    return spawn(spec.command, spec.args, {
      env: spec.env,
      stdio: ["ignore", output, output],
      detached: true,
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    });
  } finally {
    if (output !== process.stderr.fd) closeSync(output);
  }
}

function openLogFile(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_FILE_LIMIT_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, "a");
}
