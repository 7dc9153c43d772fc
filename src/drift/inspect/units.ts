/**
 * Units: which were enabled, disabled, masked or edited by hand, for good (below /etc) or until the next start (below
 * /run), and which failed. systemd.unit(5), "Unit File Load Path".
 */
import type { Facts, RuntimeUnitFile } from "../facts.ts";
import type { Finding } from "../finding.ts";
import type { ImageView } from "../image.ts";
import { inspectFiles } from "./files.ts";

const ETC_FOLDERS = /^\/etc\/systemd\/system(\.control)?\//;
const RUN_FOLDERS = /^\/run\/systemd\/system(\.control)?\//;
const UNIT = /\.(service|socket|timer|path|target|mount|automount|swap|slice)$/;

export function inspectUnits({ etc, image, runtimeUnits, units }: Facts): Finding[] {
  const below = etc.filter(({ path }) => ETC_FOLDERS.test(path));
  const kinds = new Map(below.map((node) => [node.path, node]));
  const lasting = inspectFiles(below, { kind: "file", image, kept: [] }).flatMap((finding): Finding[] => {
    const node = kinds.get(finding.name);
    const target = finding.change === "removed" ? image.node(finding.name)?.payload : node?.target;
    const read = explain(finding.name.replace(ETC_FOLDERS, ""), finding.change === "removed", target, image);
    return read === undefined ? [] : [{ kind: "unit", ...read, path: finding.name }];
  });
  return [
    ...lasting,
    // A file below /etc hides the one of its name below /run.
    ...runtimeUnits.filter(({ path }) => !kinds.has(path.replace("/run/", "/etc/"))).flatMap((file) => atRunTime(file, image)),
    ...units.failed.map((name): Finding => ({ kind: "unit", name, change: "failed", what: [] })),
    ...units.stopped.map((name): Finding => ({ kind: "unit", name, change: "stopped", what: [] })),
  ];
}

/** Whether a path below /etc is told as a unit rather than as a file. */
export function isUnitPath(path: string): boolean {
  return ETC_FOLDERS.test(path);
}

function atRunTime({ path, target }: RuntimeUnitFile, image: ImageView): Finding[] {
  const read = explain(path.replace(RUN_FOLDERS, ""), false, target, image);
  return read === undefined ? [] : [{ kind: "unit", ...read, what: [...read.what, "until the next start"], path }];
}

type Read = Pick<Finding, "name" | "change" | "what">;

/** What a path below a folder of units means; undefined for a folder, whose files speak for themselves. */
function explain(below: string, removed: boolean, target: string | undefined, image: ImageView): Read | undefined {
  const [first = "", second] = below.split("/");
  const pulled = /^(.+)\.(wants|requires|upholds)$/.exec(first);
  if (pulled !== null && second !== undefined)
    return { name: second, change: removed ? "disabled" : "enabled", what: [`${pulled[2]} ${pulled[1]}`] };
  if (first.endsWith(".d") && second !== undefined) return { name: first.slice(0, -2), change: "edited", what: [second] };
  if (second !== undefined || !UNIT.test(first)) return undefined;
  if (target === "/dev/null") return { name: first, change: removed ? "unmasked" : "masked", what: [] };
  if (removed) return { name: first, change: "removed", what: [] };
  const brought = image.node(`/usr/lib/systemd/system/${first}`) !== undefined;
  if (target !== undefined) return { name: first, change: "enabled", what: [`alias of ${target.slice(target.lastIndexOf("/") + 1)}`] };
  return { name: first, change: brought ? "edited" : "added", what: brought ? ["replaced as a whole"] : [] };
}
