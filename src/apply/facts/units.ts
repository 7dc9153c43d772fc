/** The units that are active now, asked of systemd in one go. */
import { exec } from "#sys/exec.ts";

export interface ActiveUnit {
  readonly name: string;
  readonly type: string;
  readonly canReload: boolean;
}

const PROPERTIES = ["Id", "ActiveState", "Type", "CanReload"];

export async function activeUnits(): Promise<ActiveUnit[]> {
  const { stdout } = await exec("systemctl", ["show", `--property=${PROPERTIES.join(",")}`, "*"]);
  return parseUnits(stdout.toString());
}

/** @param text of `systemctl show`: "Name=value" lines, an empty line after each unit */
export function parseUnits(text: string): ActiveUnit[] {
  return text.split("\n\n").flatMap((block) => {
    const values = new Map(
      block.split("\n").map((line): [string, string] => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    const name = values.get("Id");
    const state = values.get("ActiveState");
    if (name === undefined || (state !== "active" && state !== "activating" && state !== "reloading")) return [];
    return [{ name, type: values.get("Type") ?? "", canReload: values.get("CanReload") === "yes" }];
  });
}
