// Every figure of the table: what it is called, its unit, and what it should come to.

export type Unit = "/s" | "ms" | "× B" | "×" | "" | "bytes" | "KiB" | "MiB" | "share";

export interface Figure {
  readonly label: string;
  readonly unit: Unit;
}

/** By key; the order is the table's. A turn's figures have these keys. */
export const FIGURES = {
  baseline: { label: "B, commits of the bare PostgreSQL", unit: "/s" },
  bareHttp: { label: "bare http round trip, p50", unit: "ms" },

  perSecond: { label: "executions, closed loop of 32", unit: "/s" },
  ofB: { label: "… against B", unit: "× B" },
  stepsPerSecond: { label: "steps, closed loop of 32", unit: "/s" },
  ack50P50: { label: "ack at 50/s, p50", unit: "ms" },
  ack50P99: { label: "ack at 50/s, p99", unit: "ms" },
  held: { label: "highest rate held", unit: "/s" },
  heldAckP50: { label: "ack at that rate, p50", unit: "ms" },
  heldAckP99: { label: "ack at that rate, p99", unit: "ms" },
  end20P50: { label: "end to end at 20/s, p50", unit: "ms" },
  end20P99: { label: "end to end at 20/s, p99", unit: "ms" },
  oneP50: { label: "end to end, one at a time, p50", unit: "ms" },
  oneP99: { label: "end to end, one at a time, p99", unit: "ms" },
  oneOfBare: { label: "… p50 against the bare round trip", unit: "×" },

  loadedPerSecond: { label: "webhooks taken while delays are loaded", unit: "/s" },
  latenessP50: { label: "from due to the target, p50", unit: "ms" },
  latenessP99: { label: "from due to the target, p99", unit: "ms" },
  latenessMax: { label: "from due to the target, max", unit: "ms" },
  delayEndedP50: { label: "from due to the delay's recorded end, p50", unit: "ms" },
  delayEndedP99: { label: "from due to the delay's recorded end, p99", unit: "ms" },
  delayEndedMax: { label: "from due to the delay's recorded end, max", unit: "ms" },

  commits: { label: "commits per execution", unit: "" },
  writes: { label: "… that write, per execution", unit: "" },
  statements: { label: "statements per execution", unit: "" },
  walBytes: { label: "WAL per execution", unit: "bytes" },
  redisCommands: { label: "Redis commands per execution", unit: "" },
  cpuIngress: { label: "CPU per execution, ingress", unit: "ms" },
  cpuApi: { label: "CPU per execution, api", unit: "ms" },
  cpuScheduler: { label: "CPU per execution, scheduler", unit: "ms" },
  cpuWorker: { label: "CPU per execution, worker", unit: "ms" },
  cpuPostgres: { label: "CPU per execution, PostgreSQL", unit: "ms" },
  cpuRedis: { label: "CPU per execution, Redis", unit: "ms" },
  rssIngress: { label: "peak RSS, ingress", unit: "MiB" },
  rssApi: { label: "peak RSS, api", unit: "MiB" },
  rssScheduler: { label: "peak RSS, scheduler", unit: "MiB" },
  rssWorker: { label: "peak RSS, worker", unit: "MiB" },
  rssPostgres: { label: "peak RSS, largest PostgreSQL process", unit: "MiB" },
  rssRedis: { label: "peak RSS, Redis", unit: "MiB" },
  accepted: { label: "webhooks accepted", unit: "" },
  refused: { label: "webhooks refused", unit: "" },
  lost: { label: "lost executions", unit: "" },
  doubled: { label: "doubled executions", unit: "" },
} as const satisfies Readonly<Record<string, Figure>>;

export type FigureKey = keyof typeof FIGURES;
/** What one turn has measured; what could not be measured is left out. */
export type Figures = Partial<Record<FigureKey, number>>;

export interface Target {
  readonly atLeast?: number;
  readonly atMost?: number;
}

const NONE: Target = { atMost: 0 };
const RSS: Partial<Record<FigureKey, Target>> = Object.fromEntries(
  (["rssIngress", "rssApi", "rssScheduler", "rssWorker", "rssPostgres", "rssRedis"] as const).map((key) => [
    key,
    { atMost: 256 },
  ]),
);
const ALWAYS: Partial<Record<FigureKey, Target>> = { lost: NONE, doubled: NONE, ...RSS };

/** What the figures should come to, on two cores and an otherwise idle machine. */
export const TARGETS: Readonly<Record<string, Partial<Record<FigureKey, Target>>>> = {
  W1: {
    ...ALWAYS,
    ofB: { atLeast: 0.085 },
    oneOfBare: { atMost: 28 },
    ack50P99: { atMost: 10 },
    commits: { atMost: 4 },
  },
  W2: { ...ALWAYS, ofB: { atLeast: 0.06 }, ack50P99: { atMost: 10 }, commits: { atMost: 4 } },
  W3: { ...ALWAYS, ofB: { atLeast: 0.02 }, ack50P99: { atMost: 10 }, commits: { atMost: 30 } },
  W4: { ...ALWAYS, delayEndedMax: { atMost: 2_000 } },
  W5: ALWAYS,
};

/** Whether `value` meets it; the bound of a latency or a rate counts as met. */
export function meets(value: number, { atLeast, atMost }: Target): boolean {
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
}
