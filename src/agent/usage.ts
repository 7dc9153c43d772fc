/** What the machine's program says about itself. Checked against the commands by a test. */

export const USAGE = `ashlar: the generations of this machine

  ashlar status                    what runs, what starts next, space, problems
  ashlar upgrade [--from SOURCE]   fetch the newest release, to start next
         [--retry] [--reboot]      even if it failed its trial; restart at once
  ashlar rollback [N] [--reboot]   go back to the one before, or to N
  ashlar generations               all generations
  ashlar pin N, ashlar unpin N     keep a generation; let it go
  ashlar collect [--keep N]        remove generations that are too old
         [--dry-run]               say what would go
  ashlar drift                     what was changed by hand under /etc
  ashlar health                    run the health probes of this system
  ashlar fsck [--repair]           measure every object of the store again

Each takes --json, for scripts, and --progress auto|plain|json|quiet.
SOURCE is a folder or http(s) address that \`ashlar publish\` made.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the release failed here before,
75 another process changes the generations.`;
