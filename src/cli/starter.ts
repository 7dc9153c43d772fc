import { dirname, join, relative } from "node:path";

export interface StarterOptions {
  /** Absolute path of the folder that the files are for. */
  readonly folder: string;
  /** Name of the system. */
  readonly name: string;
  /** An OpenSSH public key that may log in. */
  readonly sshKey: string | undefined;
}

/** The files that `ashlar init` writes, name to text. */
export function starterFiles({ folder, name, sshKey }: StarterOptions): Readonly<Record<string, string>> {
  return { "system.ts": starterSystem(name, sshKey), "tsconfig.json": starterTsconfig(folder), ".gitignore": "*.img\n*.pem\n" };
}

function starterSystem(name: string, sshKey: string | undefined): string {
  return `// One machine. \`ashlar check\` says whether it is right, \`ashlar vm\` starts it here, \`ashlar disk -o ${name}.img\`
// writes a disk that boots. Every option is documented in the editor; those not written have a default.
import { defineSystem } from "ashlar";

export default defineSystem({
  name: ${JSON.stringify(name)},

  // Debian packages, besides the kernel and what the options below need. \`ashlar lock\` pins their versions.
  packages: ["nginx-light"],
  services: { enable: ["nginx"] },

  // Files of the machine. They are part of the image: a rollback brings back the old ones.
  files: {
    "/etc/motd": "Welcome to ${name}.\\n",
  },

  // Your account. Without a key and without a password nobody can log in.
  users: {
    admin: {
      sudo: "nopassword",
      ${sshKey === undefined ? '// sshKeys: ["ssh-ed25519 AAAA… you@laptop"],' : `sshKeys: [${JSON.stringify(sshKey)}],`}
      // A password for the console, as its hash: openssl passwd -6
      // passwordHash: "$6$…",
    },
  },
  ssh: true,

  // When a new generation counts as working. If it does not within its tries, the old one comes back by itself.
  health: { units: ["nginx.service"] },
  boot: { timeout: 3, tries: 3 },

  // What may not be lost: /var, /home, /root and /srv persist; /etc comes from the image, except for these paths.
  // state: { etc: ["ssl/private"] },

  // Where \`ashlar upgrade\` on the machine looks, and who must have signed it (\`ashlar key create\`).
  // updates: { keys: ["ashlar-key-1:…"], source: "http://releases.example/" },
});
`;
}

/** For the editor only: where the types of "ashlar" are. Evaluation finds them by itself. */
function starterTsconfig(folder: string): string {
  const index = join(dirname(dirname(import.meta.dirname)), "src/config/index.ts");
  const tsconfig = {
    compilerOptions: {
      target: "esnext",
      module: "nodenext",
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      paths: { ashlar: [relative(folder, index)] },
    },
    include: ["*.ts"],
  };
  return `${JSON.stringify(tsconfig, undefined, 2)}\n`;
}
