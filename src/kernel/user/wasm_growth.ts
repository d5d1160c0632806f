// Tells a kernel that ran out of memory from one that trapped for another reason: in WebAssembly
// both are `unreachable`. Called by whoever compiles a user's code, and by the job that runs it.

/** memory.grow · i32.const 0 · i32.lt_s · if · unreachable: AssemblyScript's runtimes end so. */
const growOrTrap = Uint8Array.of(0x40, 0x00, 0x41, 0x00, 0x48, 0x04, 0x40, 0x00)

/** Where in a module's bytes an `unreachable` stands that means: the memory did not grow. */
export function growthFailures(module: Uint8Array): number[] {
  const bytes = Buffer.from(module.buffer, module.byteOffset, module.byteLength)
  const found: number[] = []
  for (let at = bytes.indexOf(growOrTrap); at >= 0; at = bytes.indexOf(growOrTrap, at + 1)) {
    found.push(at + growOrTrap.length - 1)
  }
  return found
}

/** Is that trap one of them? The engine says in the stack at which byte it was. */
export function isGrowthFailure(trap: Error, failures: readonly number[]): boolean {
  const frame = /wasm-function\[\d+\]:0x([0-9a-f]+)/.exec(trap.stack ?? '')
  return frame !== null && failures.includes(Number.parseInt(frame[1], 16))
}
