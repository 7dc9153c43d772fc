/** Tests of one machine that build on each other, in order. */
import { test } from "node:test";
import type { TestContext } from "node:test";

export type Step = (name: string, work: (context: TestContext) => Promise<void>) => void;

/**
 * `test` for a file whose tests share a machine: after a failure the rest would only fail for its sake, and is skipped.
 * @param onFailure called with the step that failed, while the machine still runs
 */
export function inOrder(onFailure: (context: TestContext) => void = () => {}): Step {
  let failed: string | undefined;
  return (name, work) =>
    void test(name, async (context) => {
      if (failed !== undefined) return context.skip(`"${failed}" failed`);
      try {
        await work(context);
      } catch (error) {
        failed = name;
        onFailure(context);
        throw error;
      }
    });
}
