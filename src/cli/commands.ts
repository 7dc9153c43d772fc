import type { CommandEntry } from "./command.ts";
import { adoptCommand } from "./commands/adopt.ts";
import { buildCommand } from "./commands/build.ts";
import { checkCommand } from "./commands/check.ts";
import { collectCommand } from "./commands/collect.ts";
import { completionCommand } from "./commands/completion.ts";
import { demoCommand } from "./commands/demo.ts";
import { diffCommand } from "./commands/diff.ts";
import { diskCommand } from "./commands/disk.ts";
import { dumpCommand } from "./commands/dump.ts";
import { exportCommand } from "./commands/export.ts";
import { fsckCommand } from "./commands/fsck.ts";
import { imagesCommand } from "./commands/images.ts";
import { importCommand } from "./commands/import.ts";
import { initCommand } from "./commands/init.ts";
import { keysInitCommand } from "./commands/keys-init.ts";
import { keysRenewCommand } from "./commands/keys-renew.ts";
import { keysRotateCommand } from "./commands/keys-rotate.ts";
import { keysSignCommand } from "./commands/keys-sign.ts";
import { keysStatusCommand } from "./commands/keys-status.ts";
import { lockCommand } from "./commands/lock.ts";
import { manCommand } from "./commands/man.ts";
import { publishCommand } from "./commands/publish.ts";
import { pullCommand } from "./commands/pull.ts";
import { pushCommand } from "./commands/push.ts";
import { schemaCommand } from "./commands/schema.ts";
import { vmCommand } from "./commands/vm.ts";

export interface CommandGroup {
  readonly title: string;
  /** Command words ("keys init") to their entries. */
  readonly commands: Readonly<Record<string, CommandEntry>>;
}

/** The command table: help, completion, manual pages and the guide are all made from it. */
export const commandGroups: readonly CommandGroup[] = [
  {
    title: "See it work",
    commands: { demo: demoCommand },
  },
  {
    title: "Describe a machine",
    commands: { init: initCommand, check: checkCommand, schema: schemaCommand },
  },
  {
    title: "Build it",
    commands: { lock: lockCommand, build: buildCommand, images: imagesCommand, diff: diffCommand, dump: dumpCommand },
  },
  {
    title: "Start it, install it",
    commands: { vm: vmCommand, disk: diskCommand },
  },
  {
    title: "Update machines",
    commands: {
      "keys init": keysInitCommand,
      "keys status": keysStatusCommand,
      "keys rotate": keysRotateCommand,
      publish: publishCommand,
      "keys sign": keysSignCommand,
      "keys renew": keysRenewCommand,
      adopt: adoptCommand,
    },
  },
  {
    title: "Use container registries",
    commands: { push: pushCommand, pull: pullCommand, export: exportCommand, import: importCommand },
  },
  {
    title: "Look after the store of this host",
    commands: { fsck: fsckCommand, collect: collectCommand },
  },
  {
    title: "Set up your shell",
    commands: { completion: completionCommand, man: manCommand },
  },
];
