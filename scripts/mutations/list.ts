// Every mutation, by the part that it breaks.
import { EDGE_MUTATIONS } from "./edges.ts";
import { ENGINE_MUTATIONS } from "./engine.ts";
import type { Mutation } from "./mutation.ts";
import { STORE_MUTATIONS } from "./store.ts";

export const MUTATIONS: readonly Mutation[] = [...STORE_MUTATIONS, ...ENGINE_MUTATIONS, ...EDGE_MUTATIONS];
