/** Codes of what can go wrong with Ashlar's own tools. */
import { AshlarError } from "#errors";
import type { AshlarErrorOptions } from "#errors";

export type ToolchainErrorCode = "E_TOOLCHAIN_UNSATISFIABLE" | "E_TOOLCHAIN_UNPACK";

export function toolchainError(
  code: ToolchainErrorCode,
  message: string,
  options: AshlarErrorOptions = {},
): AshlarError<ToolchainErrorCode> {
  return new AshlarError(code, message, options);
}
