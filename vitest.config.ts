import { defineConfig } from "vitest/config";

// unit needs nothing running; integration and e2e share one PostgreSQL and one Redis, started once per run.
const services = ["./e2e/global-setup.ts"];

// These wait more than they compute. With as many files at once as cores, one core would be left idle.
const maxWorkers = "100%";

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
          maxWorkers,
          // Only what hangs shall run into it: the walks and differential tests compute for seconds on a busy machine.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "integration",
          include: ["{apps,packages}/*/test/**/*.int.test.ts"],
          maxWorkers,
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
          // Each file runs whole services of its own, which wait for most of the time: two engines, whatever the machine.
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
