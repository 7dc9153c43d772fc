/** A project as a user has one: the web example under another name, with a person who may log in and a key that signs. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lockSystem, publishSystem } from "#pipeline";
import type { Context } from "#pipeline";
import { openRing } from "#registry/trust/ring.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { createSshKey } from "#vm/ssh.ts";
import type { SshKey } from "#vm/ssh.ts";
import { makeKeys } from "./keys.ts";

export type Published = Awaited<ReturnType<typeof publishSystem>>;

export interface LiveProject {
  readonly folder: string;
  /** Path of the config that the machine is made of. */
  readonly config: string;
  readonly key: SshKey;
  /** Writes the config with further parts merged in. */
  write(...parts: readonly string[]): void;
  /** Publishes the config as it stands into a folder of releases. */
  publish(releases: string): Promise<Published>;
}

export interface ProjectOptions {
  readonly folder: string;
  /** The system's name. */
  readonly name: string;
  /** A part of a config, in TypeScript, that all its versions have. */
  readonly part: string;
  readonly toolchain: Toolchain;
  readonly context: Context;
}

export const USER = "demo";
const EXAMPLES = join(import.meta.dirname, "../../examples");

/** Makes the project in an empty folder, or opens it with the keys it has. */
export async function openProject({ folder, name, part, toolchain, context }: ProjectOptions): Promise<LiveProject> {
  const keys = join(folder, "keys");
  const ssh = join(folder, "ssh");
  if (!existsSync(keys)) {
    mkdirSync(folder, { recursive: true });
    await createSshKey(ssh, toolchain);
    makeKeys(keys);
  }
  const key = { folder: ssh, publicKey: readFileSync(join(ssh, "id.pub"), "utf8").trim() };
  const config = copyExample(folder);
  const write = (...parts: readonly string[]): void =>
    writeFileSync(
      config,
      `import { merge, override } from "ashlar";
import web from "./system.ts";

export default merge(web, {
  name: override(${JSON.stringify(name)}),
  users: { ${USER}: { sshKeys: [${JSON.stringify(key.publicKey)}], sudo: "nopassword" } },
  updates: { root: "../keys/1.root.json" },
}, ${[part, ...parts].join(", ")});
`,
    );
  write();
  const publish = async (releases: string): Promise<Published> => {
    // Does nothing where the lock fits.
    await lockSystem({ config }, context);
    return publishSystem({ config, folder: releases, signing: openRing(keys, () => "") }, context);
  };
  return { folder, config, key, write, publish };
}

function copyExample(folder: string): string {
  // Where a tsconfig.json is, a project begins: configs may read everything below it.
  writeFileSync(join(folder, "tsconfig.json"), "{}\n");
  cpSync(join(EXAMPLES, "common.ts"), join(folder, "common.ts"));
  cpSync(join(EXAMPLES, "web"), join(folder, "web"), { recursive: true, filter: (path) => !path.endsWith(".lock.json") });
  return join(folder, "web", "machine.ts");
}
