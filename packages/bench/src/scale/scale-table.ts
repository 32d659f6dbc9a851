// What `--scale` prints: Markdown tables, to be pasted as they are.
import { limitOf, placesCarry } from "./arithmetic.ts";
import type { Faults } from "./faults.ts";
import type { Point } from "./point.ts";
import type { ScaleResults } from "./scale.ts";
import { bytesOf, type TableSize } from "./storage.ts";

const KINDS = ["worker", "ingress", "api", "scheduler", "postgres", "redis", "pgbouncer", "bench"] as const;

export function scaleReport(results: ScaleResults): string {
  const { machine, options, points, full, faults, pgbouncer, tried, tookSeconds } = results;
  const all = [...points, ...full];
  return [
    `${machine.cores} × ${machine.model}, load average ${machine.loadAverage.toFixed(1)} before; points of ${options.seconds} s, ${tookSeconds} s in all; the target answers after ${options.delayMs} ms${pgbouncer === null ? "" : `; through ${pgbouncer.version}`}`,
    pointsTable(points),
    pointsTable(full),
    cpuTable(all),
    ...(faults === null ? [] : [faultsTable(faults)]),
    storageTable(results.perExecution),
    ...(tried === "" ? [] : [tried]),
  ].join("\n\n");
}

function pointsTable(points: readonly Point[]): string {
  const [first] = points;
  const rows = points.map((point) => {
    const { fleet, perSecond, concurrency, cpuShare, cpuElsewhere, cpuPostgres, connections, lost, doubled } = point;
    return [
      String(fleet.worker),
      String(concurrency),
      String(fleet.ingress),
      perSecond.toFixed(1),
      first === undefined || first.perSecond === 0 ? "" : (perSecond / first.perSecond).toFixed(2),
      percent(perSecond / placesCarry(point)),
      percent(cpuShare),
      percent(cpuElsewhere),
      cpuPostgres === null ? "" : cpuPostgres.toFixed(2),
      String(connections),
      `${lost}, ${doubled}`,
      limitOf(point),
    ];
  });
  const head = [
    "workers",
    "places each",
    "api, ingress, schedulers: each",
    "executions/s",
    "× the first row",
    "of what the places carry",
    "CPU of the machine",
    "of it by others",
    "PostgreSQL, cores",
    "connections",
    "lost, doubled",
    "limit",
  ];
  return table(head, rows);
}

function cpuTable(points: readonly Point[]): string {
  const known = points.flatMap((point) => (point.cpu === null ? [] : [{ point, cpu: point.cpu }]));
  const kinds = KINDS.filter((kind) => known.some(({ cpu }) => cpu[kind] > 0));
  const rows = known.map(({ point, cpu }) => [
    `${point.fleet.worker} × ${point.concurrency}, ${point.fleet.ingress}`,
    ...kinds.map((kind) => ((cpu[kind] * 1000) / Math.max(1, point.perSecond)).toFixed(2)),
    (point.walBytes / 1000).toFixed(1),
    Object.entries(point.connectionsOf)
      .map(([name, count]) => `${name} ${count}`)
      .join(", "),
  ]);
  const labels = kinds.map((kind) => (kind === "bench" ? "load and target" : kind));
  return table(["CPU ms an execution at", ...labels, "WAL kB an execution", "connections"], rows);
}

function faultsTable({ phases, againAfterMs, lost, doubled, refused, fleet }: Faults): string {
  const before = phases[0]?.perSecond ?? 0;
  const rows = phases.map(({ what, workers, perSecond }) => [
    what,
    String(workers),
    perSecond.toFixed(1),
    before === 0 ? "" : (perSecond / before).toFixed(2),
    (workers / fleet.worker).toFixed(2),
  ]);
  const seconds = (ms: number | undefined): string => ((ms ?? 0) / 1000).toFixed(1);
  const again =
    againAfterMs.length === 0
      ? "no request was sent twice"
      : `${againAfterMs.length} requests, all of the killed worker's, came again under their key, the first ${seconds(againAfterMs[0])} s and the last ${seconds(againAfterMs.at(-1))} s after the kill`;
  const words = `${lost} lost, ${doubled} doubled, ${refused} refused; ${again}.`;
  return `${table(["under load", "workers", "executions/s", "of before", "their share"], rows)}\n\n${words}`;
}

function storageTable(sizes: readonly TableSize[]): string {
  const sum = (of: (size: TableSize) => number): number => sizes.reduce((total, size) => total + of(size), 0);
  const row = (name: string, of: (key: (size: TableSize) => number) => number): string[] => [
    name,
    of(bytesOf).toFixed(0),
    of(({ heapBytes }) => heapBytes).toFixed(0),
    of(({ indexBytes }) => indexBytes).toFixed(0),
    of(({ toastBytes }) => toastBytes).toFixed(0),
    of(({ inserted }) => inserted).toFixed(2),
    of(({ dead }) => dead).toFixed(2),
    of(({ hot }) => hot).toFixed(2),
  ];
  const shown = sizes.filter((size) => bytesOf(size) >= 1 || size.inserted + size.dead >= 0.01);
  const head = [
    "an execution leaves in",
    "bytes",
    "rows",
    "indexes",
    "out of line",
    "inserted",
    "dead",
    "of these HOT",
  ];
  return table(head, [...shown.map((size) => row(size.table, (key) => key(size))), row("all", sum)]);
}

function percent(share: number | null): string {
  return share === null ? "" : `${(share * 100).toFixed(0)} %`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, n) => (n === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}
