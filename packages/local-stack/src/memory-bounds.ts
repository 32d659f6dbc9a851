// What keeps every service's memory in bounds, by its environment: at full load none takes more than 256 MiB. The images set
// the same (Dockerfile, docker-compose.yml), which scripts/deployment.test.ts holds to these.
//
//  --max-old-space-size   What outlives two collections; MiB. Far more than a service keeps: a bound for the worst of what
//                         tenants send, within the 512 MiB of a container.
//  --max-semi-space-size  New objects; MiB, of which V8 takes twice as much. Left alone it takes more than a hundred, and
//                         with them lie about the buffers of sockets that hang on dead objects. With 8 the collections cost
//                         a worker a third more CPU where executions have many steps in parallel; with 16 little that shows.
//  MALLOC_ARENA_MAX       glibc's: else each of the threads that decompress keeps what it has freed for itself.
const NODE_FLAGS: readonly string[] = ["--max-old-space-size=320", "--max-semi-space-size=16"];
const ARENAS = "2";

type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of a service. What `given` says of the same flags counts: Node takes the last. */
export function memoryBounds(given: Environment = {}): { NODE_OPTIONS: string; MALLOC_ARENA_MAX: string } {
  const { NODE_OPTIONS: options = "", MALLOC_ARENA_MAX: arenas = ARENAS } = given;
  return { NODE_OPTIONS: [...NODE_FLAGS, options].join(" ").trimEnd(), MALLOC_ARENA_MAX: arenas };
}
