import { defineSystem, merge } from "ashlar";
import { administrator, server } from "../common.ts";

export default defineSystem(
  merge(server, {
    name: "web",
    packages: ["nginx-light", "curl"],
    services: { enable: ["nginx"] },
    // `ashlar vm` and `ashlar demo` put a key of their own beside this one; replace it by yours.
    users: {
      ada: administrator("Ada Lovelace", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILalQTEeqrZ16j2LMHpSs9narKnimu2d0xiMuT/Lc5Dk ada@example"),
    },
    files: {
      "/usr/share/web": { source: "site" },
      "/etc/nginx/sites-enabled/default": { source: "nginx-site.conf" },
    },
    // A new generation stays only if this holds after its first start.
    health: {
      units: ["nginx"],
      commands: [
        { name: "page", command: ["/usr/bin/curl", "--fail", "--silent", "--output", "/dev/null", "http://localhost/"], deadline: 10 },
      ],
    },
  }),
);
