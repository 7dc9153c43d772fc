/** Each parser of untrusted bytes with very many cases. */
import { fuzzAll } from "../support/fuzz/run.ts";

fuzzAll(100_000);
