/** Small clients that ask one question: does something answer here? */
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { connect } from "node:net";
import { tailOf } from "./result.ts";
import type { Failure } from "./result.ts";

const BANNER_MAX = 255;
const BODY_MAX = 2000;

/** Connects, and takes the first line when something says one. @param timeout milliseconds */
export function tryTcp(
  { host, port, banner }: { readonly host: string; readonly port: number; readonly banner?: RegExp },
  timeout: number,
): Promise<Failure | undefined> {
  const where = `${host} port ${port}`;
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let said = "";
    const end = (failure?: Failure): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(failure);
    };
    const timer = setTimeout(
      () => end({ reason: `${where} did not ${socket.connecting ? "accept a connection" : "say anything"} within ${timeout} ms` }),
      timeout,
    );
    socket.once("error", (error) => end({ reason: `${where}: ${error.message}` }));
    socket.once("end", () => end({ reason: `${where} closed the connection at once` }));
    if (banner === undefined) socket.once("connect", () => end());
    else
      socket.on("data", (chunk) => {
        said += chunk.toString("latin1");
        if (!said.includes("\n") && said.length < BANNER_MAX) return;
        end(banner.test(said) ? undefined : { reason: `${where} says something else`, output: tailOf(said) });
      });
  });
}

/** Fetches a page. Redirects are an answer; a certificate is not looked at, because the name in it is not "localhost". */
export function tryHttp({ url, status }: { readonly url: string; readonly status: number }, timeout: number): Promise<Failure | undefined> {
  const request = url.startsWith("https:") ? requestHttps : requestHttp;
  // No name server is asked: "localhost" is this machine.
  const target = new URL(url);
  const host = target.hostname === "localhost" ? "127.0.0.1" : target.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    const asked = request(
      {
        host,
        port: target.port,
        path: target.pathname + target.search,
        headers: { host: target.host },
        rejectUnauthorized: false,
        agent: false,
      },
      (response) => {
        const body: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          if (size < BODY_MAX) body.push(chunk);
          size += chunk.length;
        });
        response.once("error", (error) => end({ reason: `${url}: ${error.message}` }));
        response.once("end", () => {
          if (response.statusCode === status) return end();
          end({
            reason: `${url} answered with ${response.statusCode}, not ${status}`,
            output: tailOf(Buffer.concat(body).toString().slice(0, BODY_MAX)),
          });
        });
      },
    );
    const timer = setTimeout(() => end({ reason: `${url} did not answer within ${timeout} ms` }), timeout);
    const end = (failure?: Failure): void => {
      clearTimeout(timer);
      asked.destroy();
      resolve(failure);
    };
    asked.on("error", (error) => end({ reason: `${url}: ${error.message}` }));
    asked.end();
  });
}
