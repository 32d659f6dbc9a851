// Holds every answer that a test gets, refusals too, against the OpenAPI document.

import { type SeenAnswer, faultsOf, operationAt, schemaFaults } from "./documented.ts";

/** Throws where the answer is none that the document declares for the call. */
export function checkAnswer(method: string, path: string, answer: SeenAnswer): void {
  const operation = operationAt(method, path);
  const faults =
    operation === null ? schemaFaults(["components", "schemas", "Problem"], answer.body) : faultsOf(operation, answer);
  if (faults.length > 0) throw new Error(`${method} ${path} answers otherwise than documented: ${faults.join("; ")}`);
}
