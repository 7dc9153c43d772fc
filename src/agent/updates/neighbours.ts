/**
 * What machines nearby have need not come from afar. They are asked first, believed by nothing but the digest of each object, and
 * left at the first thing that is wrong: the worst of them costs seconds.
 */
import { AshlarError, messageOf } from "#errors";
import { list, literal, record } from "#formats/shape.ts";
import type { RegistryErrorCode } from "#registry/errors.ts";
import { fetchObjects } from "#registry/fetch-objects.ts";
import { httpSource } from "#registry/http.ts";
import { NEIGHBOUR_FILE, NEIGHBOUR_IMAGES_MAX } from "#registry/neighbour-server.ts";
import { paced } from "#registry/paced.ts";
import type { ReleaseObject } from "#registry/release.ts";
import { readFrom } from "#registry/stream.ts";
import type { ReleaseSource } from "#registry/stream.ts";
import type { Step } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import { objectIdShape } from "#store/shape.ts";
import type { Store } from "#store/store.ts";
import { asFailure } from "./newest.ts";
import type { PassedOver } from "./newest.ts";

export interface FromNeighbours {
  /** Addresses that sent something. */
  readonly served: readonly string[];
  readonly passed: readonly PassedOver[];
  /** Bytes that came over the wire. */
  readonly wire: number;
}

/** In one network: silence and trickling are faults. */
const PATIENCE = { retries: 0, pause: 1, stall: 5000 };
const PACE = { rate: 256 * 1024, grace: 3000 };
const LIST_MAX = 64 * 1024;

const listShape = record({ version: literal(1), images: list(objectIdShape, NEIGHBOUR_IMAGES_MAX) });

/**
 * Brings what it can of these objects; what is lacking afterwards has to come from a source.
 * @param image a neighbour that has it has all its objects
 */
export async function fetchFromNeighbours(
  addresses: readonly string[],
  { image, objects }: { readonly image: ObjectId; readonly objects: readonly ReleaseObject[] },
  store: Store,
  step: Step,
): Promise<FromNeighbours> {
  const served: string[] = [];
  const passed: PassedOver[] = [];
  let wire = 0;
  const lacking = (): number => objects.filter(({ object }) => !store.has(object)).length;
  for (const address of addresses) {
    const before = lacking();
    if (before === 0) break;
    const source = paced(httpSource(address, PATIENCE), PACE);
    try {
      if (!(await imagesOf(source)).includes(image)) {
        passed.push({ address, why: "it does not have this release" });
        continue;
      }
      wire += (await fetchObjects(source, objects, store, step)).wire;
    } catch (error) {
      passed.push({ address, why: messageOf(asFailure(error)) });
      step.note("info", `passed over ${address}: ${messageOf(error)}`);
    }
    if (lacking() < before) served.push(address);
  }
  return { served, passed, wire };
}

async function imagesOf(source: ReleaseSource): Promise<readonly ObjectId[]> {
  const bytes = await readFrom(source, NEIGHBOUR_FILE, LIST_MAX);
  if (bytes === undefined) return [];
  try {
    return listShape(JSON.parse(bytes.toString("utf8")), "").images;
  } catch (cause) {
    throw new AshlarError<RegistryErrorCode>(
      "E_SOURCE_FORMAT",
      `${source.address}/${NEIGHBOUR_FILE} is no list of images: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}
