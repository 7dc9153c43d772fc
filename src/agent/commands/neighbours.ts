/** `ashlar neighbours`: gives this machine's objects to others until nobody has asked for a while. Started by its socket. */
import { once } from "node:events";
import { AshlarError } from "#errors";
import { neighbourServer } from "#registry/neighbour-server.ts";
import type { AgentResult } from "../context.ts";

export type NeighboursErrorCode = "E_NEIGHBOURS_SOCKET";

/** sd_listen_fds(3): the first descriptor that systemd passes. */
const LISTEN_FD = 3;
/** Milliseconds without a request after which the process ends; the socket starts it again. */
const IDLE = 60_000;

/**
 * @param store a folder with `objects/` and `images/` of a store
 * @throws E_NEIGHBOURS_SOCKET when no socket was passed
 */
export async function serveNeighbours(store: string): Promise<AgentResult> {
  if (process.env["LISTEN_FDS"] !== "1")
    throw new AshlarError<NeighboursErrorCode>("E_NEIGHBOURS_SOCKET", "no socket was passed to this program", {
      hint: "set updates.neighbours.serve in the config; ashlar-neighbours.socket starts it",
    });
  let answers = 0;
  const server = neighbourServer({
    store,
    onAnswer: () => {
      answers++;
      idle.refresh();
    },
  });
  const idle = setTimeout(() => server.close(), IDLE);
  server.listen({ fd: LISTEN_FD });
  await once(server, "close");
  clearTimeout(idle);
  return { json: { answers }, text: `${answers} requests were answered.` };
}
