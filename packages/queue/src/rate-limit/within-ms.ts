/** What `promise` yields, or a rejection after `ms`; a busy process still gets what had arrived by then. */
export async function withinMs<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: given, resolve, reject } = Promise.withResolvers<T>();
  // Timers run before what the sockets brought: one turn later, an answer that is there has been read.
  const timer = setTimeout(() => setImmediate(() => reject(new Error(`No answer within ${ms} ms.`))), ms);
  promise.then(resolve, reject);
  try {
    return await given;
  } finally {
    clearTimeout(timer);
  }
}
