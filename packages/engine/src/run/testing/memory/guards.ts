// What the store's statements guard against, each by itself, so that a test can take one away and see what comes of it.

export interface Guards {
  /** A commit must carry the newest epoch. */
  readonly epoch: boolean;
  /** A claim takes only what nobody holds. */
  readonly free: boolean;
  /** A step's input is kept as the first attempt sent it. */
  readonly frozenInput: boolean;
  /** A child's end is one row in its parent's inbox. */
  readonly toldOnce: boolean;
  /** No release while there is mail (T1, T2). */
  readonly mailKeepsLease: boolean;
  /** A release says when to look again. */
  readonly timers: boolean;
}

export const ALL_GUARDS: Guards = {
  epoch: true,
  free: true,
  frozenInput: true,
  toldOnce: true,
  mailKeepsLease: true,
  timers: true,
};
