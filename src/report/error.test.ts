import assert from "node:assert/strict";
import { test } from "node:test";
import { AshlarError } from "#errors";
import { errorRecord, renderError } from "./error.ts";

const expired = new AshlarError("E_ARCHIVE_EXPIRED", 'Release of "trixie-security" expired on 2026-01-02', {
  hint: "wait for the mirror, or choose another with ASHLAR_MIRROR",
  cause: new Error("Valid-Until: Fri, 02 Jan 2026 08:12:00 UTC", { cause: new Error("clock says 2026-01-09") }),
  details: { suite: "trixie-security" },
});

test("an error shows what failed, each cause, its code and the next command", () => {
  assert.equal(
    renderError(expired, "text"),
    `error: Release of "trixie-security" expired on 2026-01-02
  cause: Valid-Until: Fri, 02 Jan 2026 08:12:00 UTC
  cause: clock says 2026-01-09
  code:  E_ARCHIVE_EXPIRED
  hint:  wait for the mirror, or choose another with ASHLAR_MIRROR`,
  );
});

test("the JSON form of an error is one record on one line", () => {
  const text = renderError(expired, "json");
  assert.ok(!text.includes("\n"));
  assert.deepEqual(JSON.parse(text), {
    error: {
      code: "E_ARCHIVE_EXPIRED",
      message: 'Release of "trixie-security" expired on 2026-01-02',
      hint: "wait for the mirror, or choose another with ASHLAR_MIRROR",
      details: { suite: "trixie-security" },
      causes: ["Valid-Until: Fri, 02 Jan 2026 08:12:00 UTC", "clock says 2026-01-09"],
    },
  });
});

test("a cause that the message quotes is not said twice", () => {
  const error = new AshlarError("E_X", "cannot read /a: no such file", { cause: new Error("no such file") });
  assert.doesNotMatch(renderError(error, "text"), /cause:/);
});

test("a defect shows its stack and asks for a report; a system error does not", () => {
  assert.match(renderError(new TypeError("x is undefined"), "text"), /error\.test\.ts[\s\S]*defect in Ashlar/);
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", errno: -28 });
  assert.equal(renderError(full, "text"), "error: ENOSPC: no space left on device, write\n  code:  ENOSPC");
});

test("a cause chain that refers to itself ends", () => {
  const loop = new Error("a");
  loop.cause = new Error("b", { cause: loop });
  assert.ok(errorRecord(loop).error.causes.length < 10);
});

test("colours appear only when asked for", () => {
  assert.ok(renderError(expired, "text", true).includes("\u001b[31m"));
  assert.ok(!renderError(expired, "text").includes("\u001b"));
});
