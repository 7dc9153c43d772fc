/** Machines in folders that have lived: generations 1 to 3, of which 3 runs, and release 4 waits. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json, openLab, openPublisher } from "../support/machine-lab.ts";
import type { Lab } from "../support/machine-lab.ts";

export interface LivedLabs {
  readonly home: string;
  readonly open: () => Promise<Lab>;
  readonly close: () => Promise<void>;
}

export async function openLivedLabs(): Promise<LivedLabs> {
  const home = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ashlar-faults-"));
  const publisher = await openPublisher(home);
  let labs = 0;
  return {
    home,
    open: async () => {
      const lab = await openLab(join(home, `lab-${++labs}`), publisher);
      for (const version of [2, 3]) {
        await publisher.release(lab.releases, version);
        await json(lab.machine, "upgrade");
        lab.machine.boot();
      }
      await publisher.release(lab.releases, 4);
      return lab;
    },
    close: async () => {
      await publisher.store.close();
      rmSync(home, { recursive: true });
    },
  };
}
