export type VmErrorCode =
  | "E_VM_START"
  | "E_VM_KVM"
  | "E_VM_FIRMWARE"
  | "E_VM_CONSOLE_TIMEOUT"
  | "E_VM_CONSOLE_CLOSED"
  | "E_VM_QMP"
  | "E_VM_SOCKET"
  | "E_VM_SAVE"
  | "E_VM_SSH";
