/** Commands that change which generations this machine has, and which of them starts. */
import { FLAG, TEXT, usage, wholeNumber } from "../command.ts";
import type { CommandTable } from "../command.ts";

export const USAGE = `  ashlar status                    what runs, what starts next, space, problems
  ashlar upgrade [--from SOURCE]   fetch the newest release, to start next
         [--retry] [--reboot]      even if it failed its trial; restart at once
         [--check|--download]      only say what there is; only fetch it
         [--unattended]            as updates.automatic says (for the timer)
         [--unsafe-unsigned]       even if nobody vouches for it
  ashlar switch SOURCE             upgrade from there, now and from now on
         [--reset]                 from where the config says
         [--unsafe-unsigned]       as above
  ashlar rollback [N] [--reboot]   go back to the one before, or to N
         [--restore-state]         with data that is too new for it put back
         [--keep-state]            or as it is
         [--only PART,PART]        only kernel, services.NAME, packages.NAME
         [--from N] [--dry-run]    or an option, of N; say what that would be
  ashlar generations               all generations
  ashlar pin N, ashlar unpin N     keep a generation; let it go
  ashlar collect [--keep N]        remove generations that are too old
         [--dry-run]               say what would go
  ashlar fsck                      measure every object of the store again
         [--repair]                fetch what is damaged, from where it came
         [--from SOURCE]           or from there
  ashlar neighbours                objects for machines nearby (a unit runs it)
  ashlar why NAME                  where a path, unit or kernel argument is from`;

export const generations: CommandTable = {
  status: { options: {}, operands: [0, 0], run: async (context) => (await import("../commands/status.ts")).status(context) },
  generations: { options: {}, operands: [0, 0], run: async (context) => (await import("../commands/status.ts")).generations(context) },
  upgrade: {
    options: { from: TEXT, retry: FLAG, reboot: FLAG, check: FLAG, download: FLAG, unattended: FLAG, "unsafe-unsigned": FLAG },
    operands: [0, 0],
    run: async (context, { from, retry, reboot, check, download, unattended, "unsafe-unsigned": unsafe }) => {
      const only = Object.entries({ check, download, unattended }).flatMap(([name, given]) => (given === true ? [name] : []));
      if (only.length > 1) throw usage(`--${only.join(" and --")} exclude each other`);
      if (only.length > 0 && (retry === true || reboot === true)) throw usage(`--${only[0]} goes with neither --retry nor --reboot`);
      const source = typeof from === "string" ? from : undefined;
      const looking = { from: source, unsafeUnsigned: unsafe === true };
      if (check === true) return (await import("../commands/look.ts")).check(context, looking);
      if (download === true) return (await import("../commands/look.ts")).download(context, looking);
      if (unattended === true && unsafe === true)
        throw usage("--unattended never takes what nobody vouches for: --unsafe-unsigned is for people");
      if (unattended === true && source !== undefined) throw usage("--unattended goes where the config says, not --from");
      if (unattended === true) return (await import("../commands/unattended.ts")).unattended(context);
      return (await import("../commands/upgrade.ts")).upgrade(context, {
        ...looking,
        retry: retry === true,
        reboot: reboot === true,
      });
    },
  },
  switch: {
    options: { retry: FLAG, reboot: FLAG, reset: FLAG, "unsafe-unsigned": FLAG },
    operands: [0, 1],
    run: async (context, { retry, reboot, reset, "unsafe-unsigned": unsafe }, [source]) => {
      const commands = await import("../commands/switch.ts");
      if ((source === undefined) !== (reset === true))
        throw usage("switch takes a source (oci://host/name[:tag][@sha256:…], a folder or an http(s) address), or --reset");
      if (source === undefined) return commands.resetSource(context);
      return commands.switchSource(context, source, { retry: retry === true, reboot: reboot === true, unsafeUnsigned: unsafe === true });
    },
  },
  rollback: {
    options: { reboot: FLAG, "restore-state": FLAG, "keep-state": FLAG, only: TEXT, from: TEXT, "dry-run": FLAG },
    operands: [0, 1],
    run: async (context, { reboot, "restore-state": restore, "keep-state": keep, only, from, "dry-run": dryRun }, [number]) => {
      if (typeof only === "string")
        return (await import("../commands/compose.ts")).composeGeneration(context, {
          parts: partsOf(only, number),
          ...(from === undefined ? {} : { from: wholeNumber(String(from), "--from") }),
          dryRun: dryRun === true,
          reboot: reboot === true,
          ...(restore === true ? { state: "restore" } : keep === true ? { state: "keep" } : {}),
        });
      if (from !== undefined || dryRun === true) throw usage("--from and --dry-run belong to --only PART");
      return (await import("../commands/generation.ts")).rollback(context, {
        ...(number === undefined ? {} : { generation: wholeNumber(number, "a generation") }),
        reboot: reboot === true,
        ...(restore === true ? { state: "restore" } : keep === true ? { state: "keep" } : {}),
      });
    },
  },
  pin: {
    options: {},
    operands: [1, 1],
    missing: "the number of a generation",
    run: async (context, _values, [number]) =>
      (await import("../commands/generation.ts")).pin(context, wholeNumber(number, "a generation"), true),
  },
  unpin: {
    options: {},
    operands: [1, 1],
    missing: "the number of a generation",
    run: async (context, _values, [number]) =>
      (await import("../commands/generation.ts")).pin(context, wholeNumber(number, "a generation"), false),
  },
  collect: {
    options: { "dry-run": FLAG, keep: TEXT },
    operands: [0, 0],
    run: async (context, { keep, "dry-run": dryRun }) =>
      (await import("../commands/generation.ts")).collect(context, {
        ...(typeof keep === "string" ? { keep: wholeNumber(keep, "--keep") } : {}),
        dryRun: dryRun === true,
      }),
  },
  neighbours: {
    options: { store: TEXT },
    operands: [0, 0],
    // For ashlar-neighbours.service, which sees nothing else of the machine.
    run: async (context, { store }) =>
      (await import("../commands/neighbours.ts")).serveNeighbours(typeof store === "string" ? store : context.machine.store),
  },
  why: {
    options: {},
    operands: [1, 1],
    missing: "a path, a unit or a kernel argument",
    run: async (context, _values, [name = ""]) => (await import("../commands/why.ts")).why(context, name),
  },
  fsck: {
    options: { repair: FLAG, from: TEXT },
    operands: [0, 0],
    run: async (context, { repair, from }) =>
      (await import("../commands/fsck.ts")).fsck(context, {
        repair: repair === true,
        ...(typeof from === "string" ? { from } : {}),
      }),
  },
};

/** "kernel,services.nginx"; N is for going back as a whole. */
function partsOf(text: string, number: string | undefined): string[] {
  if (number !== undefined) throw usage("with --only, the other generation is named by --from N");
  const parts = text.split(",").filter((part) => part !== "");
  if (parts.length === 0) throw usage("--only takes parts, separated by commas: kernel, services.nginx");
  return parts;
}
