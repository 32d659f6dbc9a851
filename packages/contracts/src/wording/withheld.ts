import { z } from "zod";

/** Schemas of bodies whose values no refusal shows, since they are secrets. */
export const withheld = z.registry<{ readonly why: string }>();
