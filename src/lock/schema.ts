/** The schema of `system.lock.json`, version 1 (docs/formats/lock.md). Strict: a field that is not known is not ignored. */
import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hexadecimal digits");
const name = z.string().regex(/^[a-z0-9][a-z0-9+.-]*$/, "expected a Debian package name");
/** No host, no way out of the archive. */
const poolPath = z.string().regex(/^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[!-~]+$/, "expected a path below the archive's root");
const ids = z.record(z.string().regex(/^[a-z_][a-z0-9_-]*\$?$/i, "expected an account name"), z.int().min(0).max(65535));

const lockedPackage = z.strictObject({
  name,
  version: z.string().regex(/^[0-9A-Za-z.+:~-]+$/, "expected a Debian version"),
  architecture: z.string().regex(/^[a-z0-9-]+$/),
  path: poolPath,
  archive: z.string().regex(/^[a-z][a-z0-9.-]*$/),
  size: z.int().min(0),
  sha256,
});

export const lockSchema = z.strictObject({
  version: z.literal(1),
  request: z.strictObject({
    distribution: z.string(),
    suite: z.string(),
    architecture: z.string(),
    components: z.array(z.string()),
    packages: z.array(name),
    recommends: z.boolean(),
  }),
  archives: z
    .array(
      z.strictObject({
        root: z.enum(["debian", "debian-security"]),
        suite: z.string(),
        components: z.array(z.string()),
        date: z.iso.datetime(),
        release: sha256,
      }),
    )
    .min(1),
  packages: z.array(lockedPackage),
  layers: z
    .strictObject({
      request: z.strictObject({ packages: z.array(name), debs: z.array(sha256) }),
      packages: z.array(lockedPackage),
    })
    .optional(),
  tools: z.strictObject({ ashlar: z.string(), node: z.string(), packages: z.array(lockedPackage) }),
  ids: z.strictObject({ users: ids, groups: ids }),
});
