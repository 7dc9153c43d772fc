/** What must fit together between options; each one alone has passed the schema. A table, one row per rule. */
import type { Problem } from "./errors.ts";
import { isWithin } from "./paths.ts";
import type { System } from "./system.ts";

/** Every contradiction in a system. */
export function check(system: System): Problem[] {
  return RULES.flatMap((rule) => rule(system));
}

type Rule = (system: System) => Problem[];

const RULES: readonly Rule[] = [
  pathsAreUsedOnce,
  filesHaveNoChildren,
  kernelArgumentsAreFree,
  servicesAreDecidedOnce,
  idsAreUsedOnce,
  rootIsZero,
  ownGroupsFit,
  mountsAreFree,
  varIsBelowVar,
  schemasAreOfData,
  commandsAreNamedOnce,
  somebodyCanLogIn,
  automaticHasWhatItNeeds,
];

function pathsAreUsedOnce(system: System): Problem[] {
  const seen = new Map<string, string>();
  return (["directories", "files", "links"] as const).flatMap((option) =>
    Object.keys(system[option]).flatMap((path) => {
      const first = seen.get(path);
      seen.set(path, option);
      return first === undefined ? [] : [{ path: [option, path], message: `expected a path that is used once; ${first} has it too` }];
    }),
  );
}

function filesHaveNoChildren(system: System): Problem[] {
  const leaves = [...Object.keys(system.files), ...Object.keys(system.links)];
  return (["directories", "files", "links"] as const).flatMap((option) =>
    Object.keys(system[option]).flatMap((path) => {
      const parent = leaves.find((leaf) => leaf !== path && isWithin(path, leaf));
      return parent === undefined ? [] : [{ path: [option, path], message: `expected a path in a folder; ${parent} is a file or link` }];
    }),
  );
}

/** Ashlar writes these itself; a second one would start another system or none. */
const OWN_ARGUMENTS = /^(composefs|root|rootfstype|rootflags|init|rdinit|initrd|ro|rw)(=|$)|^ashlar\./;

function kernelArgumentsAreFree(system: System): Problem[] {
  return system.kernel.arguments.flatMap((argument, index) =>
    OWN_ARGUMENTS.test(argument)
      ? [
          {
            path: ["kernel", "arguments", index],
            message: `expected an argument that Ashlar does not set itself, found ${JSON.stringify(argument)}`,
            found: argument,
            hint: "take it out",
          },
        ]
      : [],
  );
}

function servicesAreDecidedOnce({ services }: System): Problem[] {
  const both = (a: "disable" | "mask", b: "enable" | "disable"): Problem[] =>
    services[a].flatMap((name) =>
      services[b].includes(name)
        ? [{ path: ["services", a], message: `expected each unit in one list; ${name} is in ${b} too`, found: name }]
        : [],
    );
  return [...both("disable", "enable"), ...both("mask", "enable"), ...both("mask", "disable")];
}

function idsAreUsedOnce(system: System): Problem[] {
  const users = Object.entries(system.users).map(([name, { uid }]) => ({ path: ["users", name, "uid"], id: uid }));
  const groups = Object.entries(system.groups).map(([name, { gid }]) => ({ path: ["groups", name, "gid"], id: gid }));
  return [users, groups].flatMap((accounts) =>
    accounts.flatMap(({ path, id }, index) =>
      id !== undefined && accounts.slice(0, index).some((earlier) => earlier.id === id)
        ? [{ path, message: `expected a number of its own; another account has ${id}`, found: id }]
        : [],
    ),
  );
}

function rootIsZero({ users }: System): Problem[] {
  return Object.entries(users).flatMap(([name, { uid }]) =>
    uid !== undefined && (uid === 0) !== (name === "root")
      ? [
          {
            path: ["users", name, "uid"],
            message: `expected ${name === "root" ? "0 for root" : "a number above 0 for everybody but root"}, found ${uid}`,
            found: uid,
          },
        ]
      : [],
  );
}

/** A user's own group has its name; two numbers for it would surprise every tool. */
function ownGroupsFit({ users, groups }: System): Problem[] {
  return Object.keys(groups).flatMap((name) =>
    name in users && groups[name]?.gid !== undefined && users[name]?.uid !== undefined && groups[name].gid !== users[name].uid
      ? [
          {
            path: ["groups", name, "gid"],
            message: `expected the number of the user ${name} (${users[name].uid}), whose own group this is`,
            found: groups[name].gid,
          },
        ]
      : [],
  );
}

function mountsAreFree({ mounts }: System): Problem[] {
  const taken = ["/", "/usr", "/etc", "/var", "/proc", "/sys", "/dev", "/run", "/boot", "/efi", "/state", "/sysroot"];
  return Object.keys(mounts).flatMap((path) =>
    taken.some((own) => path === own || (own !== "/" && own !== "/var" && own !== "/run" && isWithin(path, own)))
      ? [
          {
            path: ["mounts", path],
            message: "expected a folder that Ashlar does not mount itself",
            hint: "use one below /srv, /mnt, /home or /var",
          },
        ]
      : [],
  );
}

function varIsBelowVar({ state }: System): Problem[] {
  return Object.keys(state.var).flatMap((path) =>
    path.startsWith("/var/") ? [] : [{ path: ["state", "var", path], message: "expected a path below /var" }],
  );
}

function schemasAreOfData({ state, mounts }: System): Problem[] {
  const isMounted = (path: string): boolean => Object.keys(mounts).some((mount) => isWithin(path, mount) || isWithin(mount, path));
  return Object.entries(state.schemas).flatMap(([unit, { paths, snapshot }]) => [
    ...(unit.endsWith(".service")
      ? []
      : [{ path: ["state", "schemas", unit], message: "expected the name of a service", hint: "name the service that has the data" }]),
    ...paths.flatMap((path, index) =>
      path.startsWith("/var/") || path.startsWith("/srv/")
        ? []
        : [{ path: ["state", "schemas", unit, "paths", index], message: "expected a folder below /var or /srv", found: path }],
    ),
    ...paths.flatMap((path, index) =>
      snapshot && isMounted(path)
        ? [
            {
              path: ["state", "schemas", unit, "paths", index],
              message: "expected a folder on the machine's own disk: one that is mounted cannot be copied and put back in one step",
              found: path,
              hint: "say snapshot: false, and make copies with the means of that file system",
            },
          ]
        : [],
    ),
  ]);
}

function commandsAreNamedOnce({ health }: System): Problem[] {
  return health.commands.flatMap(({ name, command }, index) => [
    ...(health.commands.slice(0, index).some((earlier) => earlier.name === name)
      ? [{ path: ["health", "commands", index, "name"], message: `expected a name of its own; another command is ${name}`, found: name }]
      : []),
    ...(command[0]?.startsWith("/") === true
      ? []
      : [
          {
            path: ["health", "commands", index, "command", 0],
            message: `expected the absolute path of a program, found ${JSON.stringify(command[0])}`,
            found: command[0],
          },
        ]),
  ]);
}

function somebodyCanLogIn({ health }: System): Problem[] {
  return health.login?.users.length === 0
    ? [
        {
          path: ["health", "login"],
          message: "expected a user who can log in; none has a key or a password",
          hint: "give one of `users` an `sshKeys` or a `passwordHash`",
        },
      ]
    : [];
}

function automaticHasWhatItNeeds({ updates: { automatic, source } }: System): Problem[] {
  if (automatic === undefined) return [];
  return [
    ...(source.length === 0
      ? [
          {
            path: ["updates", "automatic"],
            message: "expected `updates.source` beside it; there is nowhere to look",
            hint: "name a source",
          },
        ]
      : []),
    ...(automatic.mode === "apply" && automatic.window.length === 0
      ? [
          {
            path: ["updates", "automatic", "window"],
            message: "is missing; `apply` may interrupt services and has to know when",
            hint: 'e.g. ["02:00-04:00"]',
          },
        ]
      : []),
  ];
}
