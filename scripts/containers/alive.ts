// That a service has come through: the process that was started still runs and answers, and the kernel has killed nothing in
// its container.
import type { Container, Memory } from "./podman.ts";

const MIB = 1024 * 1024;

/** Its memory so far. Throws where it has not come through. */
export async function requireAlive(container: Container): Promise<Memory> {
  if (!(await container.isFirstProcess())) throw new Error(`${container.name} has ended: ${await container.logs()}`);
  if (!(await container.isHealthy())) throw new Error(`${container.name} is not healthy: ${await container.logs()}`);
  const memory = await container.memory();
  if (memory.oomKills !== 0) throw new Error(`${container.name}: the kernel killed ${memory.oomKills} processes.`);
  return memory;
}

/** `name 195 MiB (212 of its 512 with files)` */
export function describePeak(name: string, { residentPeakBytes, peakBytes, limitBytes }: Memory): string {
  const mib = (bytes: number): number => Math.round(bytes / MIB);
  return `${name} ${mib(residentPeakBytes)} MiB (${mib(peakBytes)} of its ${mib(limitBytes)} with files)`;
}
