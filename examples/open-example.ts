// A numbered example on a running engine: its secrets stored, its documents saved for the stand-ins, ready to be started.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Client, type Engine, newTenant } from "./client.ts";

export interface Example {
  readonly client: Client;
  /** Of its workflow, if that has a webhook. */
  readonly hookUrl: string | undefined;
  /** By name, as in its secrets.json. */
  readonly secrets: Readonly<Record<string, string>>;
  /** A file of its folder. */
  readonly read: (file: string) => Promise<string>;
}

/** Files of an example's folder that are no documents. */
const DATA = new Set(["secrets.json", "payload.json", "input.json"]);

/** Sets an example up in a tenant of its own, with `https://host` of its documents at `<standInsUrl>/host`. */
export async function openExample(engine: Engine, folder: string, standInsUrl: string): Promise<Example> {
  const read = (file: string) => readFile(join(import.meta.dirname, folder, file), "utf8");
  const client = await newTenant(engine, "example");
  const secrets: Record<string, string> = JSON.parse(await read("secrets.json"));
  for (const [name, value] of Object.entries(secrets)) await client.call("PUT", `/v1/secrets/${name}`, { value });
  const files = await readdir(join(import.meta.dirname, folder));
  const others = files.filter((file) => file.endsWith(".json") && file !== "workflow.json" && !DATA.has(file));
  const save = (file: string) => client.save(join(import.meta.dirname, folder, file), "https://", `${standInsUrl}/`);
  for (const file of others) await save(file);
  return { client, hookUrl: await save("workflow.json"), secrets, read };
}
