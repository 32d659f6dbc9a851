// Parameters of paths. What does not fit is 404, like what is not there; a PUT, which may create it, says what a name must be.

import { Id, SecretName, VersionNumber, WorkflowRef } from "@keelson/contracts";
import type { WorkflowKey } from "@keelson/db";
import { z } from "zod";

export const IdPath = z.object({ id: Id });
export const SecretPath = z.object({ name: SecretName });
export const WorkflowPath = z.object({ ref: WorkflowRef });
export const VersionPath = z.object({ ref: WorkflowRef, n: VersionNumber });

/** A name never looks like an id. */
export function workflowKey(ref: WorkflowRef): WorkflowKey {
  return Id.safeParse(ref).success ? { id: ref } : { name: ref };
}
