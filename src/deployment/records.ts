/**
 * The records of a machine's generations.
 *
 *   000002.json           a generation
 *   000001.removed.json   one that was collected; keeps its number and release sequence from being used again
 *   000003.failed.json    one that was collected after it failed its trial, before the journal of trials could say so
 *
 * Removing is a rename: it works on a full disk, and a power cut leaves one name or the other.
 */
import { readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { AshlarError, messageOf } from "#errors";
import { ShapeError } from "#formats/shape.ts";
import { syncFolder, writeFileAtomic } from "#sys/atomic.ts";
import { RECORD_MAX, parseDeployment, renderDeployment } from "./deployment.ts";
import type { Deployment } from "./deployment.ts";
import type { DeploymentErrorCode } from "./errors.ts";
import { namesIfThere } from "#sys/if-there.ts";

export type Past = "removed" | "failed";

export interface Records {
  /** By rising number. */
  readonly deployments: readonly Deployment[];
  /** Collected generations. */
  readonly past: readonly { readonly deployment: Deployment; readonly why: Past }[];
  readonly unreadable: readonly { readonly path: string; readonly why: string }[];
}

const RECORD = /^(\d{6})(?:\.(removed|failed))?\.json$/;
/** Past records beyond these only take space; the newest and those that failed last are what matters. */
const PAST_MAX = 32;

/** Reads all records; those that cannot be read are listed. */
export function readRecords(folder: string): Records {
  const deployments: Deployment[] = [];
  const past: { deployment: Deployment; why: Past }[] = [];
  const unreadable: { path: string; why: string }[] = [];
  for (const name of namesIfThere(folder)) {
    const match = RECORD.exec(name);
    if (match === null) continue;
    const path = join(folder, name);
    try {
      const deployment = readRecord(path);
      if (deployment.number !== Number(match[1])) throw new ShapeError(`number: expected ${Number(match[1])}, got ${deployment.number}`);
      if (match[2] === undefined) deployments.push(deployment);
      else past.push({ deployment, why: match[2] === "failed" ? "failed" : "removed" });
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof ShapeError || (error instanceof Error && "errno" in error))) throw error;
      unreadable.push({ path, why: messageOf(error) });
    }
  }
  return { deployments, past, unreadable };
}

/** Like {@link readRecords}, for what may not go on without one of them. @throws E_DEPLOYMENT_UNREADABLE */
export function readAllRecords(folder: string): Records {
  const records = readRecords(folder);
  const [bad] = records.unreadable;
  if (bad !== undefined)
    throw new AshlarError<DeploymentErrorCode>("E_DEPLOYMENT_UNREADABLE", `${bad.path} cannot be read: ${bad.why}`, {
      hint: "restore it from a backup, or move it away when that generation is not needed; nothing was changed",
      details: { path: bad.path },
    });
  return records;
}

/** Writes a record durably. */
export function writeRecord(folder: string, deployment: Deployment): void {
  writeFileAtomic(join(folder, `${padded(deployment.number)}.json`), renderDeployment(deployment));
}

/** Turns a record into a past one, durably. */
export function retireRecord(folder: string, number: number, why: Past): void {
  renameSync(join(folder, `${padded(number)}.json`), join(folder, `${padded(number)}.${why}.json`));
  syncFolder(folder);
}

/** Says of a past record that the journal of trials knows about it. */
export function settleRecord(folder: string, number: number): void {
  renameSync(join(folder, `${padded(number)}.failed.json`), join(folder, `${padded(number)}.removed.json`));
  syncFolder(folder);
}

/** Removes past records, but for the newest ones and the one with the highest sequence. */
export function prunePast(folder: string): void {
  const { past } = readRecords(folder);
  const floor = Math.max(0, ...past.map(({ deployment }) => deployment.sequence ?? 0));
  const floorKeeper = past.findLast(({ deployment }) => (deployment.sequence ?? 0) === floor);
  for (const item of past.slice(0, Math.max(0, past.length - PAST_MAX)))
    if (item !== floorKeeper) rmSync(join(folder, `${padded(item.deployment.number)}.${item.why}.json`), { force: true });
}

/** The number of the next generation, and the lowest sequence that this machine may still take. */
export function floorsOf(records: Records): { readonly number: number; readonly sequence: number } {
  const all = [...records.deployments, ...records.past.map(({ deployment }) => deployment)];
  return {
    number: Math.max(0, ...all.map(({ number }) => number)) + 1,
    // What nobody vouched for does not decide which releases count as old.
    sequence: Math.max(1, ...all.map(({ sequence, unsigned }) => (unsigned === true ? 1 : (sequence ?? 1)))),
  };
}

function readRecord(path: string): Deployment {
  if (statSync(path).size > RECORD_MAX) throw new ShapeError(`it is larger than ${RECORD_MAX} bytes`);
  return parseDeployment(readFileSync(path, "utf8"));
}

function padded(number: number): string {
  return String(number).padStart(6, "0");
}
