import assert from "node:assert/strict";
import { test } from "node:test";
import { readDatabase } from "./database.ts";
import { companions, misfits } from "./relations.ts";

/** "name version; Depends: …": a set of installed packages. */
function installed(...packages: readonly string[]) {
  const status = packages.map((text) => {
    const [head = "", ...fields] = text.split("; ");
    const [name, version] = head.split(" ");
    return [`Package: ${name}`, "Status: install ok installed", `Version: ${version}`, ...fields].join("\n");
  });
  return readDatabase([], (path) => (path.endsWith("/status") ? `${status.join("\n\n")}\n` : undefined)).packages;
}

function wrong(...packages: readonly string[]): string[] {
  return misfits(installed(...packages)).map(({ package: name, field, relation }) => `${name} ${field} ${relation}`);
}

test("every group of a dependency has to be met, by any of its alternatives", () => {
  assert.deepEqual(wrong("a 1; Depends: b | c, d", "c 1", "d 1"), []);
  assert.deepEqual(wrong("a 1; Depends: b | c, d", "d 1"), ["a Depends b | c"]);
  assert.deepEqual(wrong("a 1; Pre-Depends: b (>= 2)", "b 2~rc1"), ["a Pre-Depends b (>= 2)"]);
});

test("a provided name meets a relation, with a version only when it is provided with one", () => {
  assert.deepEqual(wrong("a 1; Depends: mta", "exim 4; Provides: mta"), []);
  assert.deepEqual(wrong("a 1; Depends: mta (>= 1)", "exim 4; Provides: mta"), ["a Depends mta (>= 1)"]);
  assert.deepEqual(wrong("a 1; Depends: abi (= 7)", "perl 5; Provides: abi (= 7)"), []);
  assert.deepEqual(wrong("a 1; Depends: abi (= 8)", "perl 5; Provides: abi (= 7)"), ["a Depends abi (= 8)"]);
});

test("what a package excludes may not be there, but it does not exclude itself", () => {
  assert.deepEqual(wrong("exim 4; Provides: mta; Conflicts: mta"), []);
  assert.deepEqual(wrong("exim 4; Provides: mta; Conflicts: mta", "postfix 3; Provides: mta"), ["exim Conflicts mta"]);
  assert.deepEqual(wrong("a 1; Breaks: b (<< 2)", "b 2"), []);
  assert.deepEqual(wrong("a 1; Breaks: b (<< 2)", "b 1"), ["a Breaks b (<< 2)"]);
});

test("packages that are not installed count for nothing", () => {
  const status = "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nDepends: nothing\n";
  assert.equal(readDatabase([], (path) => (path.endsWith("/status") ? status : undefined)).packages.size, 0);
});

test("the companions of a choice are found over several steps, and not at all when nothing helps", () => {
  const newer = installed("a 2; Depends: b (>= 2)", "b 2; Depends: c (>= 2)", "c 2", "d 2");
  const older = installed("a 1; Depends: b (<< 2)", "b 1; Depends: c (<< 2)", "c 1", "d 1");
  const choose = (names: ReadonlySet<string>) =>
    new Map([...newer].map(([name, each]) => [name, names.has(name) ? older.get(name)! : each]));
  assert.deepEqual(
    companions(new Set(["a"]), choose, () => true),
    new Set(["a", "b", "c"]),
  );
  assert.equal(
    companions(new Set(["a"]), choose, (name) => name !== "c"),
    undefined,
  );
});

test("a path belongs to the package that lists it, where the image has it: /usr is merged, and diverted files lie elsewhere", () => {
  const files: Readonly<Record<string, string>> = {
    "/usr/lib/sysimage/dpkg/status": "",
    "/usr/lib/sysimage/dpkg/diversions": "/usr/bin/sh\n/usr/bin/sh.distrib\ndash\n",
    "/usr/lib/sysimage/dpkg/info/bash.list": "/.\n/bin\n/bin/bash\n/usr/bin/sh\n",
    "/usr/lib/sysimage/dpkg/info/dash:amd64.list": "/.\n/usr/bin/sh\n/var/lib/dash/x\n",
  };
  const database = readDatabase(Object.keys(files), (path) => files[path]);
  assert.deepEqual(database.ownersOf("/usr/bin/bash"), ["bash"]);
  assert.deepEqual(database.ownersOf("/usr/bin/sh"), ["dash"]);
  assert.deepEqual(database.ownersOf("/usr/bin/sh.distrib"), ["bash"]);
  assert.deepEqual(database.ownersOf("/usr/share/factory/var/lib/dash/x"), ["dash"]);
  assert.deepEqual(database.ownersOf("/usr/lib/sysimage/dpkg/info/dash:amd64.list"), ["dash"]);
});
