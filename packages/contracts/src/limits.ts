// Fixed limits of the product. Sizes in bytes of UTF-8, unless the name says otherwise.

export const LIMITS = {
  steps: 200,
  /** Longest path through the graph, counted in steps. */
  pathSteps: 50,
  /** Levels of sub-workflows below the root. */
  nestingLevels: 3,
  documentBytes: 256 * 1024,
  expressionBytes: 4 * 1024,
  webhookBodyBytes: 1024 * 1024,
  httpResponseBytes: 5 * 1024 * 1024,
  stepOutputBytes: 1024 * 1024,
  labels: 8,
  labelChars: 200,
  tags: 16,
  /** Deepest nesting of a JSON value that is stored or parsed. */
  jsonDepth: 128,
  durationMs: 365 * 24 * 60 * 60 * 1000,
} as const;
