/** A page of a list: so many items, and whether more may come after them. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly more: boolean;
  /** Where it stopped looking, if not at the last item: the position from which the next page goes on. */
  readonly stoppedAt?: string;
}

/** Of `limit + 1` rows read, the page; the row too many tells that there are more. */
export function pageFrom<T>(rows: readonly T[], limit: number): Page<T> {
  return { items: rows.slice(0, limit), more: rows.length > limit };
}
