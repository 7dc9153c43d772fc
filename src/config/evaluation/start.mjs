/**
 * Where the evaluating process begins. JavaScript, because Node's type stripper takes longer to start than everything
 * else that this process does: modules whose JavaScript the parent kept from an earlier evaluation (`kept.ts`, on standard
 * input) are served from there, when their text is still the same; the stripper starts only for others.
 */
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { argv, stdin } from "node:process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

// Not readFileSync(0): on a busy host the parent may not have written yet, and its end of the socket does not block.
const kept = new Map(parse(await text(stdin)).map((module) => [module.url, module]));
const { WebAssembly } = globalThis;
const scripts = { loaded: [], missed: false };

registerHooks({
  load(url, context, next) {
    const module = kept.get(url);
    // A text that is tried before it is written (`load.ts`, "instead").
    if (module?.source === undefined && module !== undefined) return { format: "module", source: module.script, shortCircuit: true };
    if (!/^file:.*\.m?ts$/.test(url)) return next(url, context);
    const source = readFileSync(fileURLToPath(url), "utf8");
    scripts.loaded.push(url);
    if (module?.source === source) return { format: "module", source: module.script, shortCircuit: true };
    if (!scripts.missed) startStripper();
    scripts.missed = true;
    return next(url, context);
  },
});

const { evaluateConfig } = await import("./child.ts");
await evaluateConfig(argv[2] ?? "", scripts);

/** It is written in WebAssembly, which `globals.ts` may have taken away by now. Nothing of the config runs meanwhile. */
function startStripper() {
  const withheld = !("WebAssembly" in globalThis);
  if (withheld) globalThis.WebAssembly = WebAssembly;
  stripTypeScriptTypes("");
  if (withheld) delete globalThis.WebAssembly;
}

/** A file that a power cut left broken is as good as none. */
function parse(text) {
  try {
    return JSON.parse(text || "[]");
  } catch {
    return [];
  }
}
