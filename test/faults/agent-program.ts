/** The machine's own program as files, to be started as a process of its own. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { System } from "#config/system.ts";
import { openWorkspace } from "#workspace";
import { agentContributions } from "../../src/agent/bundle.ts";

export interface AgentProgram {
  readonly node: string;
  readonly script: string;
}

/** Writes what a machine has below /usr/lib/ashlar into a folder. */
export async function writeAgentProgram(folder: string): Promise<AgentProgram> {
  // Which system it is for decides about files that tests do not use.
  const system = { users: {}, files: {} } as unknown as System;
  for (const item of await agentContributions(system, openWorkspace())) {
    if (item.kind !== "file" && item.kind !== "file-from") continue;
    const path = join(folder, item.path);
    mkdirSync(dirname(path), { recursive: true });
    if (item.kind === "file-from") symlinkSync(item.from, path);
    else {
      writeFileSync(path, item.content);
      chmodSync(path, item.mode);
    }
  }
  return { node: join(folder, "usr/lib/ashlar/node"), script: join(folder, "usr/lib/ashlar/agent.js") };
}
