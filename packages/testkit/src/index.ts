export { masterKeyBytes, noteSecret, SECRET_MARK, secretValue, webhookSecret } from "./canary.ts";
export { eventually } from "./eventually.ts";
export { freePort } from "./free-port.ts";
export { type RedisWatch, scanDatabase, scanFolder, scanRedis, watchRedis } from "./leak-scan.ts";
export { assertNoSecrets, failOnLeaks, type Leak, leakSearch } from "./leak-search.ts";
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
