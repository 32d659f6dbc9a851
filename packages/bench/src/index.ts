// The benchmarks: workloads run on the whole engine, and what they come to.
export { runFullLoad, type FullLoad } from "./full-load.ts";
export { measureUsage } from "./process-meter.ts";
export { parseOptions, type BenchOptions } from "./options.ts";
export { runSuite, type Results } from "./suite.ts";
export { headOf, tableOf } from "./table.ts";
