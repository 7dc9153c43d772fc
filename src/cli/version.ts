import packageJson from "../../package.json" with { type: "json" };

/** Ashlar's own version. */
export const version: string = packageJson.version;
