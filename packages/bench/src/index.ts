// The benchmarks: workloads run on the whole engine, and what they come to.
export { runFullLoad, type FullLoad } from "./full-load.ts";
export { measureUsage } from "./process-meter.ts";
export { parseOptions, type BenchOptions } from "./options.ts";
export { runSuite, type Results } from "./suite.ts";
export { headOf, tableOf } from "./table.ts";
export type { Fleet } from "./scale/fleet.ts";
export { parseScaleOptions, type ScaleOptions } from "./scale/options.ts";
export { runScale, type ScaleDeps, type ScaleResults, type Started } from "./scale/scale.ts";
export { scaleReport } from "./scale/scale-table.ts";
