/** What a person writes about where releases come from, and when a machine takes them by itself. */
import * as z from "zod";
import { CHANNEL_NAME } from "#formats/channel.ts";
import { integer, ipPrefix, matching, timeWindow } from "./fields.ts";

const releaseSource = matching(
  /^((https?|oci|oci\+http):\/\/[!-~]+|\/[!-~]*)$/,
  'an http(s) or oci:// address or an absolute path, such as "https://updates.example.org/web"',
);

export const source = z.union([releaseSource, z.array(releaseSource).min(1).max(16)]);

export const channel = matching(CHANNEL_NAME, 'a name of lower-case letters, digits and . _ -, such as "stable"');

export const automatic = z.strictObject({
  mode: z
    .enum(["check", "download", "stage", "apply"])
    .optional()
    .describe(
      "How far it goes: only look; fetch, too; make it what starts next; also run it, in a window, with the least interruption. Default `stage`.",
    ),
  hours: integer(1, 168).optional().describe("Hours from one look to the next; default 6."),
  jitter: integer(0, 1440)
    .optional()
    .describe("Minutes over which machines spread themselves, each always at the same place, by its machine id; default 60."),
  window: z
    .array(timeWindow())
    .min(1)
    .optional()
    .describe('When it may be run, in local time, such as `"02:00-04:00"` or `"Sat,Sun 22:00-06:00"`; only `apply` needs one.'),
  metered: z.boolean().optional().describe("Whether it goes on over a connection that costs by volume; default false."),
});

export const neighbours = z.strictObject({
  ask: z
    .array(matching(/^https?:\/\/[A-Za-z0-9.:[\]-]+$/, 'an address without a path, such as "http://10.0.0.7:8472"'))
    .max(16)
    .optional()
    .describe("Machines nearby that are asked for what is missing before the source is; what they send is believed by its digest only."),
  serve: z.boolean().optional().describe("Whether this machine gives its own objects to others; default false."),
  port: integer(1, 65535).optional().describe("TCP port on which it does; default 8472."),
  allow: z
    .array(ipPrefix())
    .min(1)
    .optional()
    .describe(
      "Networks whose machines get something; default the private ones: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7, fe80::/10.",
    ),
});
