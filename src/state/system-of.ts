/** The System of a generation that need not run: its image carries it. */
import type { System } from "#config/system.ts";
import type { RootReader } from "./root-reader.ts";

/** Undefined for an image that Ashlar's program is not in. What older versions of Ashlar did not know has its default. */
export function readSystem(root: RootReader): System | undefined {
  const text = root.read("/usr/lib/ashlar/system.json");
  if (text === undefined) return undefined;
  const system = JSON.parse(text) as System;
  const { state, boot, updates } = system;
  return {
    ...system,
    state: { ...state, varMode: state.varMode ?? "persistent", wiped: state.wiped ?? 0, schemas: state.schemas ?? {} },
    boot: { ...boot, failsafe: boot.failsafe ?? "off", factoryReset: boot.factoryReset ?? false },
    updates: { ...updates, retention: updates.retention ?? { count: 2, installed: true } },
  };
}
