/** The name of a channel: what a config follows, what a command says, and what a list of releases has. */
export const CHANNEL_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
