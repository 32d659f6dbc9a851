// The benchmarks: workloads run on the whole engine, and what they come to.
export { parseOptions, type BenchOptions } from "./options.ts";
export { runSuite, type Results } from "./suite.ts";
export { headOf, tableOf } from "./table.ts";
