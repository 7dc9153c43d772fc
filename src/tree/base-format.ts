/** Changing what this stage does to a base tree changes this, so that no cached base of an older Ashlar is used. */
export const BASE_FORMAT = 3;
