/** Tests of one machine that build on each other, in order. */
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Live } from "./live-machine.ts";

export type Step = (name: string, work: (context: TestContext) => Promise<void>) => void;

/** Characters of a console that tell how it came to this. */
const CONSOLE_TAIL = 4000;

/**
 * `test` for a file whose tests share a machine: a failure shows the end of its console, and the rest, which would only fail for
 * its sake, is skipped.
 * @param live asked when a step has failed; there may be no machine yet
 */
export function onMachine(live: () => Live | undefined): Step {
  let failed: string | undefined;
  return (name, work) =>
    void test(name, async (context) => {
      if (failed !== undefined) return context.skip(`"${failed}" failed`);
      try {
        await work(context);
      } catch (error) {
        failed = name;
        context.diagnostic(live()?.machine.console.transcript().slice(-CONSOLE_TAIL) ?? "there is no machine");
        throw error;
      }
    });
}
