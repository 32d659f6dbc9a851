// Fail points: moments of the code at which a process may be made to die by a test, between what has just become true and
// what follows from it. All that stands here is their names; at none of them does anything happen unless this process was
// told to stand still there by KEELSON_FAIL_POINT, which is refused in production.

/** `<process>.<what>.<what has become of it>`, with the moment; in the order of an execution's life. */
export const FAIL_POINTS = {
  "ingress.delivery.committed": "delivery and execution are committed; no hint, no answer to the producer",
  "api.start.committed": "the execution is committed; no hint, no answer to the client",
  "scheduler.fire.committed": "the due time is settled and its execution committed; no hint",
  "worker.hint.received": "the hint is off the queue; nothing is claimed",
  "worker.claim.answered": "the lease is taken; nothing is decided",
  "worker.commit.sending": "decided; the commit is not sent",
  "worker.commit.answered": "committed; no hint, no effect",
  "worker.effect.beginning": "input committed, secrets read; nothing is sent",
  "worker.request.sent": "the last byte of the request is handed to the socket; no answer",
  "worker.response.headers": "the head of the answer is here; its body is not",
  "worker.response.read": "the answer is here; it is not judged",
  "worker.outcome.judged": "the outcome is checked and can be stored; nothing is decided on it",
  "worker.release.committed": "committed, the lease given back with it; no hint for the time to look again",
  "worker.children.committed": "committed, children born with it; no hint for them",
  "worker.mail.committed": "committed, its end in the parent's inbox with it; no hint for the parent",
  "worker.lease.renewed": "the tick is answered; what it said is not compared with what is known",
  "sweep.lost.freed": "what the dead held is free; no hint for it",
  "sweep.due.found": "what is due is found, and put off for other sweeps; no hint for it",
} as const;

export type FailPoint = keyof typeof FAIL_POINTS;

let reached: (point: FailPoint) => void = () => undefined;

/** Marks the moment in the code. Costs a call of an empty function. */
export function failPoint(point: FailPoint): void {
  reached(point);
}

/** Has `callback` called at each fail point of this process from now on, in place of whoever was before. */
export function onFailPoint(callback: (point: FailPoint) => void): void {
  reached = callback;
}
