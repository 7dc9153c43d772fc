/**
 * Ashlar on one screen. Each function takes options and a context (where to work, where to report) and returns data;
 * the command line prints it. What a function needs is loaded when it is called: starting is not slowed by the rest.
 *
 *   config ──▶ lock ──▶ tree ──▶ image ──▶ registry ──▶ deployment ──▶ boot
 */

/** config → lock: what the archive and apt say today. */
export const lockSystem: Lock["lockSystem"] = async (...given) => (await import("./pipeline/lock.ts")).lockSystem(...given);
/** config + lock → tree → image. */
export const buildSystem: Build["buildSystem"] = async (...given) => (await import("./pipeline/build.ts")).buildSystem(...given);
/** Twice, in different conditions. */
export const checkReproducible: Check["checkReproducible"] = async (...given) =>
  (await import("./pipeline/check.ts")).checkReproducible(...given);
/** image → a disk that boots. */
export const makeDiskImage: Disk["makeDiskImage"] = async (...given) => (await import("./pipeline/disk.ts")).makeDiskImage(...given);
/** image → a signed release. */
export const publishSystem: Publish["publishSystem"] = async (...given) => (await import("./pipeline/publish.ts")).publishSystem(...given);
/** A release that stays → signed anew. */
export const renewTrust: Renew["renewTrust"] = async (...given) => (await import("./pipeline/renew.ts")).renewTrust(...given);
/** image ↔ a container image, in a folder or a registry. */
export const exportOci: Oci["exportOci"] = async (...given) => (await import("./pipeline/oci.ts")).exportOci(...given);
export const pushOci: Oci["pushOci"] = async (...given) => (await import("./pipeline/oci.ts")).pushOci(...given);
export const pullOci: Oci["pullOci"] = async (...given) => (await import("./pipeline/oci.ts")).pullOci(...given);
export const importOci: Oci["importOci"] = async (...given) => (await import("./pipeline/oci.ts")).importOci(...given);
/** image → a machine in QEMU. */
export const openMachine: Vm["openMachine"] = async (...given) => (await import("./pipeline/vm.ts")).openMachine(...given);
export const runMachine: Vm["runMachine"] = async (...given) => (await import("./pipeline/vm.ts")).runMachine(...given);
/** Two images → their differences; one image → its dump. */
export const compareImages: Compare["compareImages"] = async (...given) => (await import("./pipeline/compare.ts")).compareImages(...given);
export const dumpImage: Compare["dumpImage"] = async (...given) => (await import("./pipeline/compare.ts")).dumpImage(...given);
/** The store: is it right, and what is still needed? */
export const checkStore: Maintain["checkStore"] = async (...given) => (await import("./pipeline/maintain.ts")).checkStore(...given);
export const collectStore: Maintain["collectStore"] = async (...given) => (await import("./pipeline/maintain.ts")).collectStore(...given);
/** A machine's drift → its config. */
export const readDrift: AdoptSource["readDrift"] = async (...given) => (await import("./pipeline/adopt-source.ts")).readDrift(...given);
export const adoptDrift: Adopt["adoptDrift"] = async (...given) => (await import("./pipeline/adopt.ts")).adoptDrift(...given);
/** All of it, from a config to a rollback. */
export const demo: Demo["demo"] = async (...given) => (await import("./pipeline/demo.ts")).demo(...given);

export type { Context } from "./pipeline/context.ts";

type Lock = typeof import("./pipeline/lock.ts");
type Build = typeof import("./pipeline/build.ts");
type Check = typeof import("./pipeline/check.ts");
type Disk = typeof import("./pipeline/disk.ts");
type Publish = typeof import("./pipeline/publish.ts");
type Renew = typeof import("./pipeline/renew.ts");
type Oci = typeof import("./pipeline/oci.ts");
type Vm = typeof import("./pipeline/vm.ts");
type Compare = typeof import("./pipeline/compare.ts");
type Maintain = typeof import("./pipeline/maintain.ts");
type AdoptSource = typeof import("./pipeline/adopt-source.ts");
type Adopt = typeof import("./pipeline/adopt.ts");
type Demo = typeof import("./pipeline/demo.ts");
