/** Each parser of untrusted bytes with some cases; test/nightly/fuzz.test.ts has very many. */
import { fuzzAll } from "../support/fuzz/run.ts";

fuzzAll(1000);
