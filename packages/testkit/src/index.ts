export { eventually } from "./eventually.ts";
export { freePort } from "./free-port.ts";
export {
  recordingTarget,
  type Answer,
  type Answerer,
  type RecordedRequest,
  type RecordingTarget,
} from "./recording-target.ts";
export { testRedisPrefix } from "./redis-prefix.ts";
export { testAdminUrl, testRedisUrl, testTemplateDatabase } from "./services.ts";
export { createTestDatabase, type TestDatabase } from "./test-database.ts";
export { conditionStep, delayStep, httpStep, transformStep, uniqueName, workflowOf } from "./workflow-builders.ts";
