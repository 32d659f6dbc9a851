import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// unit needs nothing running; integration and e2e share one PostgreSQL and one Redis, started once per run.
const services = ["./e2e/global-setup.ts"];

// Tests wait more than they compute. With as many files at once as cores, one core would be left idle.
const lanes = availableParallelism() + 1;

// Each end-to-end file runs whole services of its own: three engines, whatever the machine.
const engines = Math.min(lanes, 3);

export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: [
      {
        test: {
          name: "unit",
          include: ["{apps,packages}/*/src/**/*.test.ts", "scripts/*.test.ts"],
          // Written for bundlers: it imports JSON as Node does not.
          server: { deps: { inline: [/@actions\/workflow-parser/] } },
          maxWorkers: lanes,
          // They have nothing to clear away after them, and reading every module anew for each took half of their time.
          isolate: false,
          // Only what hangs shall run into it: the walks and differential tests compute for seconds on a busy machine.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "integration",
          include: ["{apps,packages}/*/test/**/*.int.test.ts"],
          maxWorkers: lanes,
          globalSetup: services,
          testTimeout: 30_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["e2e/**/*.e2e.test.ts"],
          globalSetup: services,
          maxWorkers: engines,
          // Projects in one group share its lanes, so that none is idle between them; with another number, it is a group of its own.
          sequence: { groupOrder: engines === lanes ? 0 : 1 },
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
