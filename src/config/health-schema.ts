/** What a person writes about when a generation counts as working. */
import * as z from "zod";
import { integer, ipAddress, line, matching, unitReference } from "./fields.ts";
import { absolutePath } from "./paths.ts";

const name = matching(/^[a-z0-9][a-z0-9-]*$/, "a name of lower-case letters, digits and -");
const optionalName = name.optional().describe("Name in reports; default: what is looked at.");

/** How long one attempt may take, and how often it is repeated. */
const attempts = (deadline: number, retries: number) => ({
  deadline: integer(1, 3600).optional().describe(`Seconds after which an attempt has failed; default ${deadline}.`),
  retries: integer(0, 1000).optional().describe(`Further attempts after a failed one; default ${retries}.`),
  interval: integer(1, 3600).optional().describe("Seconds between two attempts; default 2."),
});

const command = z.strictObject({
  name: name.describe("Name in reports."),
  command: z.array(line()).min(1).describe("Program (absolute path) and its arguments; no shell."),
  ...attempts(60, 0),
});

const tcp = z.strictObject({
  name: optionalName,
  port: integer(1, 65535).describe("Port that must accept a connection."),
  host: ipAddress().optional().describe("Address; default `127.0.0.1`."),
  ...attempts(10, 5),
});

/** No other names: a probe that needs a name server says more about the network than about the image. */
const LOCAL_URL = /^https?:\/\/(localhost|\d{1,3}(\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(\/[!-~]*)?$/;

const http = z.strictObject({
  name: optionalName,
  url: matching(LOCAL_URL, 'an http(s) URL of localhost or an IP address, such as "http://localhost/"').describe(
    "Page that must answer. Certificates of https are not checked; redirects are not followed.",
  ),
  status: integer(100, 599).optional().describe("Status that it must answer with; default 200."),
  ...attempts(10, 5),
});

const space = z.strictObject({
  name: optionalName,
  path: absolutePath().describe("A path of the file system."),
  free: z
    .union([
      integer(1, Number.MAX_SAFE_INTEGER),
      matching(/^([1-9]\d?%|[1-9]\d{0,5}[KMGT])$/, 'a number of bytes, "500M" (K, M, G and T are powers of 1024) or "10%"'),
    ])
    .describe("What must be free: bytes, or a part of its size."),
});

export const health = z.strictObject({
  units: z.array(unitReference()).optional().describe("Units that must be active."),
  unitDeadline: integer(1, 86_400).optional().describe("Seconds that units may take to become active; default 300."),
  commands: z.array(command).optional().describe("Commands that must end with exit code 0."),
  tcp: z.array(tcp).optional().describe("Ports that must accept connections."),
  http: z.array(http).optional().describe("Pages that must answer."),
  space: z.array(space).optional().describe("File systems that must have space."),
  login: z
    .boolean()
    .optional()
    .describe(
      "Whether an operator must be able to log in: sshd answers with its host key, and PAM lets one of `users` with a key or a password in.",
    ),
});
