// The closed list of functions. A name that is not in this Map cannot be called, whatever the data holds.
import { ARRAY_FUNCTIONS } from "./array-functions.ts";
import { CONVERT_FUNCTIONS } from "./convert-functions.ts";
import type { FunctionDoc, FunctionSpec } from "./define.ts";
import { NUMBER_FUNCTIONS } from "./number-functions.ts";
import { OBJECT_FUNCTIONS } from "./object-functions.ts";
import { ORDER_FUNCTIONS } from "./order-functions.ts";
import { SEQUENCE_FUNCTIONS } from "./sequence-functions.ts";
import { TEXT_FUNCTIONS } from "./text-functions.ts";
import { TIME_FUNCTIONS } from "./time-functions.ts";

const ALL: readonly FunctionSpec[] = [
  ...ARRAY_FUNCTIONS,
  ...ORDER_FUNCTIONS,
  ...SEQUENCE_FUNCTIONS,
  ...TEXT_FUNCTIONS,
  ...NUMBER_FUNCTIONS,
  ...OBJECT_FUNCTIONS,
  ...CONVERT_FUNCTIONS,
  ...TIME_FUNCTIONS,
];

export const FUNCTION_TABLE: ReadonlyMap<string, FunctionSpec> = new Map(ALL.map((spec) => [spec.name, spec]));

/** Every function as it is documented. */
export const FUNCTIONS: readonly FunctionDoc[] = ALL.map(({ name, signature, summary, example, result }) => ({
  name,
  signature,
  summary,
  example,
  result,
}));
