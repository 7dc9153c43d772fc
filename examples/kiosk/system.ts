import { defineSystem } from "ashlar";

/** Runs one Wayland program, full screen, on the first console; without it there is nothing to log in to. */
const session = `[Unit]
Description=Kiosk session
After=systemd-user-sessions.service
Conflicts=getty@tty1.service

[Service]
User=kiosk
PAMName=login
TTYPath=/dev/tty1
TTYReset=yes
TTYVHangup=yes
StandardInput=tty-fail
StandardOutput=journal
UtmpIdentifier=tty1
UtmpMode=user
Environment=XDG_SESSION_TYPE=wayland
ExecStart=/usr/bin/cage -d -- /usr/bin/foot --fullscreen
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
`;

export default defineSystem({
  name: "kiosk",
  packages: ["cage", "foot", "fonts-dejavu-core", "libgl1-mesa-dri", "libpam-systemd"],
  // Screens and keyboards need the drivers that the kernel for clouds leaves out.
  kernel: { package: "linux-image-amd64", arguments: ["quiet", "console=ttyS0", "console=tty0"] },
  keyboard: "us",
  users: { kiosk: { uid: 1000, comment: "Kiosk session", groups: ["video", "render", "input"] } },
  units: { "kiosk.service": session },
  services: { mask: ["getty@tty1"] },
  health: { units: ["kiosk"] },
});
