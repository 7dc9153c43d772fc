/** What may be a secret and is therefore never printed, compared in public or taken along without being asked for. */

const NAMES = [
  /^\/etc\/g?shadow-?$/,
  /^\/etc\/(ssl\/private|wireguard|ppp|ipsec\.d\/private)(\/|$)/,
  /^\/etc\/ssh\/ssh_host_[^/]*_key$/,
  /(^|\/)(id_[a-z0-9]+|[^/]*\.(key|pem|p12|pfx|jks|kdbx|keytab))$/i,
  /(^|\/)[^/]*(password|passwd|secret|credential|token)[^/]*$/i,
];

/** Public although their names look otherwise. */
const PUBLIC = [/^\/etc\/passwd-?$/, /^\/etc\/pam\.d\//, /\.pub$/, /^\/etc\/ssl\/certs\//];

/**
 * True for a file that not everybody may read, or whose name speaks of keys or passwords.
 * @param mode permission bits (type bits may be set)
 */
export function isSecret(path: string, mode: number): boolean {
  const type = mode & 0o170000;
  if (type !== 0o100000) return false;
  if ((mode & 0o004) === 0) return true;
  return NAMES.some((pattern) => pattern.test(path)) && !PUBLIC.some((pattern) => pattern.test(path));
}
