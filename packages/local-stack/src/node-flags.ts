// What every service's Node is started with, so that none takes more than 256 MiB at full load. The images set the same
// (Dockerfile, docker-compose.yml), which scripts/deployment.test.ts holds to these.
//
//  --max-old-space-size   What outlives two collections; MiB. Far more than a service keeps: a bound for the worst of what
//                         tenants send, within the 512 MiB of a container.
//  --max-semi-space-size  New objects; MiB, of which V8 takes twice as much. By default it takes 32, and lets as many bytes
//                         of sockets' buffers lie about as hang on dead objects there. With 8 the collections cost a worker
//                         a third more CPU where executions have many steps in parallel; with 16 nothing that shows.
const HEAP_FLAGS: readonly string[] = ["--max-old-space-size=320", "--max-semi-space-size=16"];

/** NODE_OPTIONS of a service. What `given` says of the same flags counts: Node takes the last. */
export function nodeOptions(given?: string): string {
  return [...HEAP_FLAGS, ...(given === undefined || given === "" ? [] : [given])].join(" ");
}
