/** What starts next. */
import type { AgentContext } from "../context.ts";

/** Makes a generation the next to start, unless it is. Its tries stay as they are: a change without a restart proves no start. */
export function activator({ loader }: AgentContext): (generation: number) => void {
  return (generation) => {
    const { next, activation } = loader.entries();
    if (next !== generation) loader.activate(generation, activation + 1);
  };
}
