// What each part of the document may name.

/** Templates of http steps, the only ones that may name secrets. */
export const HTTP_ROOTS = ["input", "trigger", "steps", "execution", "secrets"] as const;
/** `successIf`, which sees the answer as well. */
export const SUCCESS_IF_ROOTS = [...HTTP_ROOTS, "response"] as const;
/** All other steps, and the workflow's output. */
export const STEP_ROOTS = ["input", "trigger", "steps", "execution"] as const;
/** Labels, which are evaluated before any step. */
export const LABEL_ROOTS = ["input", "trigger"] as const;
