/**
 * One machine and five bad releases, one after the other: each gives way by itself to the generation before, which says why.
 * A good release afterwards is judged on its merits.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before } from "node:test";
import { buildSystem } from "#pipeline";
import type { Image } from "#image/image.ts";
import { publish } from "#registry/publish.ts";
import { openStore } from "#store/open.ts";
import type { Store } from "#store/store.ts";
import { openInstalled } from "../support/installed.ts";
import type { Live } from "../support/live-machine.ts";
import { personAt } from "../support/person.ts";
import { onMachine } from "../support/steps.ts";
import { openRing } from "#registry/trust/ring.ts";

type Kernel = NonNullable<Image["kernel"]>;

interface Bad {
  readonly name: string;
  /** How its config differs. */
  readonly part: string;
  /** Another kernel, initrd or arguments than those of its image. */
  readonly spoil?: (kernel: Kernel, store: Store) => Partial<Kernel>;
  readonly reason: RegExp;
  /** What its log must say. */
  readonly log?: RegExp;
}

const unit = (name: string, text: string): string => `units: { "${name}.service": ${JSON.stringify(text)} }`;
const NGINX_500 = "server { listen 80 default_server; location / { return 500 'no database\\n'; } }\n";

const BAD: readonly Bad[] = [
  {
    // It finds nothing to run and panics. One that cannot even be loaded is refused when it is staged.
    name: "a kernel that panics",
    part: `{ files: { "/etc/motd": "Broken kernel.\\n" } }`,
    spoil: (kernel) => ({ arguments: [...kernel.arguments, "rdinit=/nonexistent", "root=/dev/nonexistent"] }),
    reason: /used up its only try before it could write to the log/,
  },
  {
    name: "a broken initrd",
    part: `{ files: { "/etc/motd": "Broken initrd.\\n" } }`,
    spoil: ({ initrd }, store) => ({ initrd: store.add(store.read(initrd).subarray(0, 2 ** 20)) }),
    reason: /used up its only try before it could write to the log/,
  },
  {
    name: "a unit that fails",
    part: `{ ${unit("failing", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo cannot open the ledger; exit 3'\n[Install]\nWantedBy=multi-user.target\n")}, health: { units: ["failing"] } }`,
    reason: /^failing\.service: it is failed/,
    log: /cannot open the ledger/,
  },
  {
    name: "a unit that hangs",
    part: `{ boot: { deadline: 60 }, ${unit("hanging", "[Unit]\nDefaultDependencies=no\nBefore=basic.target\n[Service]\nType=oneshot\nTimeoutStartSec=infinity\nExecStart=/bin/sh -c 'echo waiting for godot; exec sleep infinity'\n[Install]\nWantedBy=basic.target\n")} }`,
    reason: /did not come to the end of its start: systemd still waits for .*hanging\.service/,
    log: /waiting for godot/,
  },
  {
    name: "a service that answers 500",
    part: `{ files: { "/etc/nginx/sites-enabled/default": override({ text: ${JSON.stringify(NGINX_500)} }) }, health: { http: [{ name: "front-page", url: "http://localhost/", retries: 1 }] } }`,
    reason: /probe/,
  },
];

const GOOD = `{ files: { "/etc/motd": "All is well.\\n" }, health: { tcp: [{ port: 80 }], http: [{ url: "http://localhost/" }], space: [{ path: "/var", free: "1M" }], login: true } }`;

interface Status {
  readonly booted: { readonly generation: number };
  readonly next: { readonly generation: number };
  readonly problems: readonly string[];
  readonly degraded?: string;
}

interface Verdicts {
  readonly verdicts: readonly {
    readonly generation: number;
    readonly reason: string;
    readonly probes: readonly { readonly kind: string; readonly name: string; readonly output?: string }[];
    readonly log: readonly string[];
  }[];
}

let live: Live;
const step = onMachine(() => live);
const { sudo, status, restart, leave } = personAt(() => live);
let start: string;
/** The generation that everything comes back to. */
let good: number;

before(async () => {
  live = await openInstalled();
  good = 2;
});

after(async () => {
  await live?.close();
});

// Work on Ashlar itself goes on from a machine with an older image (test/support/installed.ts): first comes today's.
if (process.env["ASHLAR_INSTALLED"] !== undefined)
  step("a release of today's image starts", async () => {
    await live.publish(`{ files: { "/etc/motd": "Today.\\n" } }`);
    good = await upgrade();
    await restart();
    assert.equal((await status<Status>()).booted.generation, good);
  });

for (const bad of BAD)
  step(`${bad.name} gives way to the generation before by itself, which says why`, async (context) => {
    const started = performance.now();
    await publishBad(bad);
    const published = performance.now();
    const generation = await upgrade();
    start = await leave();
    const now = await comesBack();
    context.diagnostic(`published in ${seconds(started, published)} s, healed in ${seconds(published, performance.now())} s`);
    assert.deepEqual([now.booted.generation, now.next.generation, now.degraded], [good, good, undefined]);
    const [verdict] = (JSON.parse(await sudo(`ashlar why-failed ${generation} --json`)) as Verdicts).verdicts;
    assert.match(verdict?.reason ?? "", bad.reason, JSON.stringify(verdict));
    if (bad.log !== undefined) assert.match(verdict?.log.join("\n") ?? "", bad.log);
    assert.ok(
      now.problems.some((problem) => problem.startsWith(`generation ${generation} failed its trial: ${verdict?.reason}`)),
      JSON.stringify(now.problems),
    );
    const again = await live.sudo(`ashlar upgrade --from ${live.address("releases")}`);
    assert.equal(again.exitCode, 3, again.err);
  });

step("a good release afterwards is judged on its merits", async () => {
  await live.publish(GOOD);
  const generation = await upgrade();
  await restart();
  const now = await status<Status>();
  assert.deepEqual([now.booted.generation, now.next.generation, now.problems, now.degraded], [generation, generation, [], undefined]);
  assert.equal(await sudo("ashlar health"), "All 6 health probes passed.");
  assert.match(await sudo("ls /efi/loader/entries"), new RegExp(`ashlar-00000${generation}\\.conf|ashlar-0000${generation}\\.conf`));
});

async function publishBad({ part, spoil }: Bad): Promise<void> {
  live.project.write(part);
  const { image } = await buildSystem({ config: live.project.config }, live.context);
  const store = await openStore(live.context.workspace.store);
  try {
    await publish({
      image: spoil === undefined || image.kernel === undefined ? image : spoiled(image, spoil(image.kernel, store)),
      store,
      folder: join(live.served, "releases"),
      signing: openRing(join(live.project.folder, "keys"), () => ""),
      report: live.context.report,
    });
  } finally {
    await store.close();
  }
}

function spoiled(image: Image, kernel: Partial<Kernel>): Image {
  assert.ok(image.kernel !== undefined);
  return { ...image, kernel: { ...image.kernel, ...kernel } };
}

async function upgrade(): Promise<number> {
  const out = await sudo(`ashlar upgrade --json --progress quiet --from ${live.address("releases")}`);
  const { outcome, generation } = JSON.parse(out) as { outcome: string; generation: number };
  assert.equal(outcome, "staged");
  return generation;
}

/** Waits until the good generation runs again and has looked at itself. */
async function comesBack(): Promise<Status> {
  for (;;) {
    start = await live.nextStart(start);
    // This may be the start that is about to end: then the connection breaks, or it says so.
    const settled = await live.ask("systemctl is-system-running --wait >/dev/null; ashlar status --json");
    if (settled.exitCode === 0 && (JSON.parse(settled.out) as Status).booted.generation === good) return status<Status>();
  }
}

function seconds(from: number, to: number): number {
  return Math.round((to - from) / 1000);
}
