/** A page of a list: so many items, and whether more come after them. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly more: boolean;
}

/** Of `limit + 1` rows read, the page; the row too many tells that there are more. */
export function pageFrom<T>(rows: readonly T[], limit: number): Page<T> {
  return { items: rows.slice(0, limit), more: rows.length > limit };
}
