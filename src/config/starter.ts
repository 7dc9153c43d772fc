/** What `ashlar init` writes: a commented config, and what an editor needs to help with it. */
import { typeDeclarations } from "./declarations.ts";

export interface StarterAnswers {
  /** Name of the system. */
  readonly name: string;
  /** Whether it runs under a hypervisor; decides the kernel and the console. */
  readonly virtual: boolean;
  /** Somebody who may log in by ssh and become root. */
  readonly administrator?: { readonly name: string; readonly sshKey: string };
  readonly timezone?: string;
}

/** File names to their contents. */
export function starterFiles(answers: StarterAnswers): Map<string, string> {
  return new Map([
    ["system.ts", systemText(answers)],
    ["tsconfig.json", TSCONFIG],
    ["ashlar.d.ts", typeDeclarations()],
    [".gitignore", "# Disks and images made by Ashlar. system.lock.json belongs into source control.\n*.img\n*.qcow2\n"],
  ]);
}

const TSCONFIG = `{
  "compilerOptions": {
    "target": "esnext",
    "module": "nodenext",
    "strict": true,
    "noEmit": true,
    "allowImportingTsExtensions": true,
    "erasableSyntaxOnly": true
  },
  "include": ["**/*.ts"]
}
`;

function systemText({ name, virtual, administrator, timezone }: StarterAnswers): string {
  const text = JSON.stringify;
  const key = administrator?.sshKey ?? "ssh-ed25519 AAAA… you@laptop";
  const users = `  users: {\n    ${keyOf(administrator?.name ?? "admin")}: { sudo: true, sshKeys: [${text(key)}] },\n  },`;
  const kernel = virtual
    ? `  // The small kernel for virtual machines, with a console on the first serial port.\n  kernel: { package: "linux-image-cloud-amd64", arguments: ["quiet", "console=ttyS0"] },`
    : `  // For virtual machines "linux-image-cloud-amd64" is smaller.\n  kernel: { package: "linux-image-amd64" },`;
  return `import { defineSystem } from "ashlar";

// The whole machine. Your editor describes every option; \`ashlar check\` says what is wrong.
export default defineSystem({
  name: ${text(name)},

  // Debian packages, besides what the options below bring with them.
  packages: ["nano"],

${kernel}

  timezone: ${text(timezone ?? "UTC")},

  // Runs the OpenSSH server, for keys only.
  ssh: true,
${administrator === undefined ? `\n  // Replace the key by yours, then take the comment signs away.\n${users.replace(/^/gm, "  //").replace(/^ {2}\/\/ {2}/gm, "  // ")}` : users}

  // Files by their absolute path: the content, or { source: "a-file-beside-this-one" }.
  files: {
    "/etc/motd": ${text(`This machine is described by ${name}/system.ts.\n`)},
  },

  // Units that start with the machine, and units that must be active for an update to stay.
  services: { enable: [] },
  health: { units: ["ssh"] },
});
`;
}

function keyOf(name: string): string {
  return /^[a-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}
