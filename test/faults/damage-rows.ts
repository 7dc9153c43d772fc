/** One thing on a machine is damaged at a time: what runs goes on, going back works, nothing that may be needed is removed. */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ashlar } from "../support/machine-lab.ts";
import type { Lab } from "../support/machine-lab.ts";
import { keptFiles, nextOf } from "./machine-invariants.ts";
import type { Row } from "./row.ts";

interface Damage {
  readonly id: string;
  readonly fault: string;
  readonly damage: (lab: Lab) => void;
  /** Which command says it, in its output or its error. */
  readonly saidBy: "status" | "fsck" | "upgrade";
  readonly says: RegExp;
  /** Collecting would not know what to keep. */
  readonly stopsCollect: boolean;
  /** Where the machine itself does not know any more what else there is, the boot menu does. */
  readonly onlyByMenu?: true;
}

const DAMAGES: readonly Damage[] = [
  {
    id: "F47",
    fault: "a bit of an object is flipped",
    damage: (lab) => flip(objectOf(lab, (path) => readFileSync(path).length === CONTENT)),
    saidBy: "fsck",
    says: /corrupt/,
    stopsCollect: false,
  },
  {
    id: "F47",
    fault: "a bit of an image is flipped",
    damage: (lab) => flip(imageOf(lab, 2)),
    saidBy: "fsck",
    says: /corrupt/,
    stopsCollect: true,
  },
  {
    id: "F47",
    fault: "an image is gone",
    damage: (lab) => rmSync(imageOf(lab, 2)),
    saidBy: "fsck",
    says: /missing/,
    stopsCollect: true,
  },
  {
    id: "F43",
    fault: "a record is cut off",
    damage: ({ machine }) => cut(join(machine.root, "sysroot/ashlar/deployments/000001.json")),
    saidBy: "status",
    says: /000001\.json cannot be read/,
    stopsCollect: true,
  },
  {
    id: "F43",
    fault: "a boot entry is cut off",
    damage: ({ machine }) => cut(join(machine.root, "efi/loader/entries/ashlar-000001.conf")),
    saidBy: "status",
    says: /ashlar-000001\.conf/,
    stopsCollect: true,
  },
  {
    id: "F43",
    fault: "the journal of trials is cut off",
    damage: ({ machine }) => {
      const path = join(machine.root, "sysroot/ashlar/trials.json");
      writeFileSync(path, '{"version":1,"den');
    },
    saidBy: "status",
    says: /trials\.json/,
    stopsCollect: false,
  },
  {
    id: "F45",
    fault: "all records are gone",
    damage: ({ machine }) => {
      const folder = join(machine.root, "sysroot/ashlar/deployments");
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
    },
    saidBy: "status",
    says: /no record/,
    stopsCollect: false,
    onlyByMenu: true,
  },
];

/** Bytes of the file that all images of a lab have. */
const CONTENT = 20_000;

/** Each on a machine with generations 1, 2 and 3, of which 3 runs. @param lab makes such a machine */
export async function damageRows(lab: () => Promise<Lab>): Promise<Row[]> {
  const rows: Row[] = [];
  for (const damage of DAMAGES) {
    const problems = await problemsOf(damage, await lab());
    rows.push({ id: damage.id, fault: damage.fault, tried: 1, survived: problems.length === 0 ? 1 : 0, problems });
  }
  return rows;
}

async function problemsOf({ damage, saidBy, says, stopsCollect, onlyByMenu }: Damage, lab: Lab): Promise<string[]> {
  const { machine } = lab;
  const problems: string[] = [];
  const next = nextOf(machine.root);
  damage(lab);
  const files = keptFiles(machine.root);
  const said = await ashlar(machine, saidBy);
  if (!says.test(said.out + said.err)) problems.push(`${saidBy} does not say it: ${said.out}${said.err}`);
  const status = await ashlar(machine, "status");
  if (status.exitCode !== 0) problems.push(`status ends with ${status.exitCode}: ${status.err}`);
  if (nextOf(machine.root) !== next) problems.push(`generation ${nextOf(machine.root)} starts next, not ${next}`);
  const dry = await ashlar(machine, "collect", "--dry-run");
  const collected = await ashlar(machine, "collect", "--keep", "0");
  if (stopsCollect !== (collected.exitCode !== 0) || stopsCollect !== (dry.exitCode !== 0))
    problems.push(`collect ends with ${collected.exitCode}, as a dry run with ${dry.exitCode}: ${collected.err}`);
  if (stopsCollect && keptFiles(machine.root).join() !== files.join()) problems.push("collect refused and removed something");
  if (onlyByMenu) return problems;
  const back = await ashlar(machine, "rollback", "--json");
  if (back.exitCode !== 0) problems.push(`rollback ends with ${back.exitCode}: ${back.err}`);
  else if ((JSON.parse(back.out) as { generation: number }).generation !== nextOf(machine.root))
    problems.push(`rollback says ${back.out}, and generation ${nextOf(machine.root)} starts`);
  return problems;
}

function cut(path: string): void {
  writeFileSync(path, readFileSync(path).subarray(0, 50));
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  rmSync(path);
  writeFileSync(path, bytes);
}

function objectOf({ machine }: Lab, is: (path: string) => boolean): string {
  const folder = join(machine.root, "sysroot/ashlar/store/objects");
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .find(is);
  if (found === undefined) throw new Error("the store has no such object");
  return found;
}

function imageOf({ machine }: Lab, generation: number): string {
  const { deployments } = { deployments: join(machine.root, "sysroot/ashlar/deployments") };
  const name = `${String(generation).padStart(6, "0")}.json`;
  const { image } = JSON.parse(readFileSync(join(deployments, name), "utf8")) as { image: { digest: string } };
  return join(machine.root, "sysroot/ashlar/store/objects", image.digest.slice(0, 2), image.digest.slice(2));
}
