import { defineSystem, merge } from "ashlar";
import { virtualMachine } from "../common.ts";

export default defineSystem(
  merge(virtualMachine, {
    name: "minimal",
    files: { "/etc/motd": "The smallest machine that Ashlar makes.\n" },
  }),
);
