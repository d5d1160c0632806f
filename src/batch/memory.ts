// The one WebAssembly memory that all threads share, and the allocator over it. Only the main
// thread allocates; kernels get addresses. The memory is reserved at its full size at the start and
// never grows, so views stay valid; pages cost nothing until they are touched.
import { EuphorionError } from '../errors.ts'
import { Spans } from './spans.ts'
import { type WasmMemory, wasm } from './wasm.ts'

const PAGE_BYTES = 65536
/** What the kernels' module declares (assembly/asconfig.json): 2 GiB. */
const PAGES_MAX = 32768
const MIB = 1 << 20
/** Below: constant tables (kernel/tables.ts) and whatever the module keeps for itself. */
const FIRST_ADDRESS = 1 << 17
/** Kernels may read a little past a span. */
const SLACK_BYTES = 64

/** A fixed budget of shared memory, handed out in spans of multiples of 64 bytes. */
export class SharedMemory {
  readonly wasm: WasmMemory
  /** @internal a type of Node, which users' compilers may not have */
  readonly bytes: Buffer
  readonly view: DataView
  readonly #spans: Spans

  /** `budgetMiB` bounds everything that lanes and batches may use. */
  constructor(budgetMiB: number) {
    const wanted = Math.ceil((budgetMiB * MIB) / PAGE_BYTES) + FIRST_ADDRESS / PAGE_BYTES
    const pages = Math.min(PAGES_MAX, wanted)
    this.wasm = new wasm.Memory({ initial: pages, maximum: pages, shared: true })
    this.bytes = Buffer.from(this.wasm.buffer)
    this.view = new DataView(this.wasm.buffer)
    this.#spans = new Spans(FIRST_ADDRESS, this.bytes.length - FIRST_ADDRESS - SLACK_BYTES)
  }

  /** Address of `bytes` bytes (not zeroed), or undefined when the budget does not allow it. */
  tryAllocate(bytes: number): number | undefined {
    return this.#spans.tryTake(bytes)
  }

  /** Address of `bytes` bytes; throws MEMORY_EXHAUSTED, saying what they were for. */
  allocate(bytes: number, purpose: string): number {
    const address = this.tryAllocate(bytes)
    if (address === undefined) {
      const wanted = `No ${bytes} bytes of shared memory left for ${purpose}`
      const message = `${wanted} (${this.freeBytes()} free)`
      throw new EuphorionError('MEMORY_EXHAUSTED', message)
    }
    return address
  }

  free(address: number): void {
    this.#spans.giveBack(address)
  }

  freeBytes(): number {
    return this.#spans.freeBytes()
  }

  /** @internal The bytes of a span; a view, not a copy. */
  span(address: number, bytes: number): Buffer {
    return this.bytes.subarray(address, address + bytes)
  }
}
