/**
 * What the menu's Failsafe and Factory reset entries start: a machine with little more than a console. The initrd
 * (assets/failsafe.sh) gave it the image's /etc, an empty /var, and data that is not written.
 */
import type { System } from "#config/system.ts";
import type { RuntimeUnit } from "./unit.ts";

export function recoveryUnits({ failsafe, factoryReset }: System["boot"]): RuntimeUnit[] {
  return [...(failsafe === "off" ? [] : failsafeUnits(failsafe)), ...(factoryReset ? RESET : []), FINISH];
}

function failsafeUnits(how: "login" | "shell"): RuntimeUnit[] {
  // /run/nologin keeps everybody but root out until systemd-user-sessions removes it.
  const wants = how === "shell" ? "ashlar-failsafe-shell.service" : "getty.target systemd-user-sessions.service systemd-logind.service";
  return [target("ashlar-failsafe.target", "failsafe", wants), ...(how === "shell" ? [SHELL] : [])];
}

function target(name: string, what: string, wants: string): RuntimeUnit {
  return {
    name,
    text: `[Unit]
Description=Ashlar: ${what}
Requires=basic.target
After=basic.target
Wants=${wants}
AllowIsolate=yes
`,
  };
}

/** In place of a login: whoever is at the console is root. */
const SHELL: RuntimeUnit = {
  name: "ashlar-failsafe-shell.service",
  text: `[Unit]
Description=Ashlar: a root shell on the console
After=basic.target
SuccessAction=reboot
FailureAction=reboot

[Service]
Type=idle
Environment=HOME=/root
WorkingDirectory=/root
ExecStartPre=/bin/cat /run/issue.d/50-ashlar.issue
ExecStart=/bin/sh -i
StandardInput=tty-force
StandardOutput=inherit
StandardError=inherit
IgnoreSIGPIPE=no
`,
};

const RESET: readonly RuntimeUnit[] = [
  target("ashlar-reset.target", "factory reset", "ashlar-reset-ask.service"),
  {
    name: "ashlar-reset-ask.service",
    text: `[Unit]
Description=Ashlar: ask whether to erase this machine's data
After=basic.target
SuccessAction=reboot
FailureAction=reboot

[Service]
Type=idle
RuntimeMaxSec=10min
ExecStart=/bin/sh /usr/lib/ashlar/reset-ask.sh
StandardInput=tty-force
StandardOutput=inherit
StandardError=inherit
`,
    scripts: ["reset-ask.sh"],
  },
];

/** After a reset that erased the data, other generations go too: they may hold what belongs to the last owner. */
const FINISH: RuntimeUnit = {
  name: "ashlar-reset-finish.service",
  text: `[Unit]
Description=Ashlar: end of a reset
ConditionPathExists=/sysroot/ashlar/reset-done
ConditionKernelCommandLine=!ashlar.failsafe
After=multi-user.target boot-complete.target

[Service]
Type=simple
ExecStart=/usr/bin/ashlar reset --finish
`,
  links: ["multi-user.target.wants"],
};
