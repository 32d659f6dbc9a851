/** Milliseconds of the machine's monotonic clock: the same in every process of one machine, whatever the wall clock does. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
