import assert from "node:assert/strict";
import { test } from "node:test";
import { qemuArguments } from "./arguments.ts";
import type { QemuOptions } from "./arguments.ts";

const options: QemuOptions = {
  accelerator: "tcg",
  memory: 1024,
  cpus: 2,
  drives: [
    { path: "/d/a,b.img", ephemeral: true },
    { path: "/d/c.img", readonly: true },
  ],
  forwards: [{ host: 2222, guest: 22 }],
  serial: { socket: "/vm/serial.sock" },
  qmpSocket: "/vm/qmp.sock",
  firmware: { code: "/CODE.fd", variables: "/vm/variables.fd" },
  noReboot: false,
};

void test("a UEFI machine has flash, drives, network, random numbers and a waiting console", () => {
  assert.deepEqual(
    qemuArguments(options)
      .join(" ")
      .split(/ (?=-)/),
    [
      "-nodefaults",
      "-no-user-config",
      "-display none",
      "-machine q35",
      "-accel tcg,thread=multi",
      "-cpu max,erms=off,fsrm=off",
      "-m 1024M",
      "-smp 2",
      "-drive if=pflash,unit=0,format=raw,file=/CODE.fd,readonly=on",
      "-drive if=pflash,unit=1,format=raw,file=/vm/variables.fd",
      "-drive if=none,id=drive0,discard=unmap,format=raw,file=/d/a,,b.img,snapshot=on",
      "-device virtio-blk-pci,drive=drive0,bootindex=1",
      "-drive if=none,id=drive1,discard=unmap,format=raw,file=/d/c.img,readonly=on",
      "-device virtio-blk-pci,drive=drive1,bootindex=2",
      "-netdev user,id=net0,hostfwd=tcp:127.0.0.1:2222-:22",
      "-device virtio-net-pci,netdev=net0,romfile=",
      "-device virtio-rng-pci",
      "-chardev socket,id=serial0,server=on,wait=on,path=/vm/serial.sock",
      "-serial chardev:serial0",
      "-qmp unix:/vm/qmp.sock,server=on,wait=off",
    ],
  );
});

void test("a direct boot has a kernel and no firmware, KVM has the host's processor, a terminal has the monitor", () => {
  const args = qemuArguments({
    ...options,
    accelerator: "kvm",
    firmware: undefined,
    direct: { kernel: "/k", initrd: "/i", append: "console=ttyS0 quiet" },
    serial: "terminal",
    noReboot: true,
  });
  const text = args.join(" ");
  assert.match(text, /-kernel \/k -append console=ttyS0 quiet -initrd \/i/);
  assert.match(text, /-accel kvm -cpu host/);
  assert.match(text, /-serial mon:stdio -qmp .* -no-reboot$/);
  assert.doesNotMatch(text, /pflash|tcg/);
});

void test("the writes of a drive are recorded on the way to it", () => {
  const text = qemuArguments({ ...options, drives: [{ path: "/d/a,b.img", log: "/d/a.log" }] }).join(" ");
  assert.match(text, /-drive if=none,id=drive0,discard=unmap,driver=blklogwrites,file\.filename=\/d\/a,,b\.img,log\.filename=\/d\/a\.log /);
});
