export { dataDirHolder, DataDirInUseError, lockDataDir } from "./data-dir-lock.ts";
export type { Log } from "./log.ts";
export { freePort, freePorts, isPortFree, PortTakenError } from "./ports.ts";
export { startPostgres, type Postgres, type PostgresOptions } from "./postgres.ts";
export { startRedis, type Redis, type RedisOptions } from "./redis.ts";
export { superviseService, type Service, type ServiceSpec } from "./supervise.ts";
export { startThrowawayServices, type ThrowawayOptions, type ThrowawayServices } from "./throwaway-services.ts";
