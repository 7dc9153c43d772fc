/**
 * Kernel modules that a machine may need before its root is mounted. Names that a kernel has built in, or lacks (the cloud
 * kernel has no USB, say), are skipped. Everything else is loaded from the root by udev.
 */
export const INITRD_MODULES: readonly { readonly names: readonly string[]; readonly why: string }[] = [
  { names: ["erofs", "overlay", "ext4"], why: "the root itself" },
  { names: ["loop"], why: "mount falls back to it where EROFS cannot read from a file" },
  { names: ["crc32c_intel", "crc32c_cryptoapi", "sha256_ssse3", "sha256_generic"], why: "checksums of ext4, digests of fs-verity" },
  { names: ["virtio_pci", "virtio_mmio", "virtio_blk", "virtio_scsi"], why: "QEMU, KVM and clouds on it" },
  { names: ["hv_vmbus", "hv_storvsc", "pci_hyperv"], why: "Hyper-V and Azure" },
  { names: ["xen_blkfront"], why: "Xen" },
  { names: ["vmw_pvscsi", "mptspi", "mptsas", "BusLogic"], why: "VMware and VirtualBox" },
  { names: ["nvme", "vmd"], why: "NVMe, also behind Intel VMD" },
  { names: ["sd_mod", "ahci", "ata_piix", "ata_generic"], why: "SATA and IDE" },
  { names: ["usb_storage", "uas", "xhci_pci", "ehci_pci", "ohci_pci", "uhci_hcd"], why: "USB sticks and disks" },
  { names: ["mmc_block", "sdhci_pci", "sdhci_acpi"], why: "eMMC and SD cards" },
  { names: ["ufshcd_pci"], why: "UFS" },
  { names: ["megaraid_sas", "mpt3sas", "hpsa", "aacraid", "smartpqi", "mpi3mr", "3w_sas"], why: "RAID controllers of servers" },
  { names: ["autofs4"], why: "systemd asks for it first of all" },
  { names: ["hid_generic", "usbhid", "atkbd", "i8042"], why: "a keyboard for a failed start" },
];
