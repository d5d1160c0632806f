// Runs lane tasks: in the piscina pool, or on the calling thread. Tasks are numbers and carry no
// data; the shared memory has it all.
import { readFileSync } from 'node:fs'
import { Piscina } from 'piscina'
import type { SharedMemory } from '../batch/memory.ts'
import { type WasmModule, wasm } from '../batch/wasm.ts'
import { fillTables } from './tables.ts'
import { KernelThread, type KernelThreadData, NO_TASK, type ScratchAreas } from './worker.ts'

export interface Executor {
  /** Resolves with the task's status; rejects when the kernel traps or its thread dies. */
  run(task: number): Promise<number>
  readonly threads: number
  /** Tasks that wait for a thread. */
  readonly queued: number
  /** Resolves when every thread can take tasks. */
  ready(): Promise<void>
  /** Gives back the scratch area that a task held when it failed. */
  releaseScratch(address: number): void
  /**
   * A span for a batch that needs more than the areas have, given back by `giveScratch` soon. While
   * others leave no room for it, waits for them. MEMORY_EXHAUSTED.
   */
  takeScratch(bytes: number): Promise<number>
  giveScratch(address: number): void
  close(): Promise<void>
}

export interface ExecutorOptions {
  readonly memory: SharedMemory
  /** 0 runs tasks on the calling thread. */
  readonly threads: number
  /** Most tasks waiting for a thread. */
  readonly queueMax: number
  /** Most bytes that one RecordBatch may decompress to. */
  readonly inflatedBytesMax: number
  /** Lanes' tasks are timed. Default false. */
  readonly isTimed?: boolean
}

/** Decompressed batches up to this size need no area of their own. */
const SCRATCH_BYTES = 1 << 20
/** Tasks that a thread takes from the queue at once: halves the cost of a hand-over. */
const TASKS_PER_THREAD = 4

let compiled: WasmModule | undefined

/** The kernels' module; compiled once a process. */
function kernelModule(): WasmModule {
  compiled ??= new wasm.Module(readFileSync(new URL('../../kernels.wasm', import.meta.url)))
  return compiled
}

function scratchAreas(memory: SharedMemory, count: number): ScratchAreas {
  const owners = memory.allocate(count * 4, 'scratch areas')
  new Int32Array(memory.wasm.buffer, owners, count).fill(0)
  const areas = Array.from({ length: count }, () =>
    memory.allocate(SCRATCH_BYTES, 'a scratch area'),
  )
  return { owners, areas, bytes: SCRATCH_BYTES }
}

abstract class ScratchOwner {
  readonly #data: KernelThreadData
  readonly #memory: SharedMemory
  #spansOut = 0
  #waiting: (() => void)[] = []

  constructor(data: KernelThreadData, memory: SharedMemory) {
    this.#data = data
    this.#memory = memory
  }

  async takeScratch(bytes: number): Promise<number> {
    for (;;) {
      const address = this.#memory.tryAllocate(bytes)
      if (address !== undefined) {
        this.#spansOut++
        return address
      }
      // says what is missing
      if (this.#spansOut === 0) return this.#memory.allocate(bytes, 'a decompressed batch')
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  giveScratch(address: number): void {
    this.#memory.free(address)
    this.#spansOut--
    for (const wake of this.#waiting.splice(0)) wake()
  }

  releaseScratch(address: number): void {
    const { owners, areas } = this.#data.scratch
    const area = areas.indexOf(address)
    if (area >= 0)
      Atomics.store(new Int32Array(this.#data.memory.buffer, owners, areas.length), area, 0)
  }
}

class PoolExecutor extends ScratchOwner implements Executor {
  readonly threads: number
  readonly #pool: Piscina<number, number>

  constructor(data: KernelThreadData, { memory, threads, queueMax }: ExecutorOptions) {
    super(data, memory)
    this.threads = threads
    this.#pool = new Piscina<number, number>({
      filename: new URL('./worker_entry.cjs', import.meta.url).href,
      workerData: data,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: TASKS_PER_THREAD,
      maxQueue: queueMax,
      recordTiming: false,
    })
    // Of threads that fail with nothing to do, and answers that come late: nobody waits for them.
    this.#pool.on('error', () => undefined)
  }

  get queued(): number {
    return this.#pool.queueSize
  }

  run(task: number): Promise<number> {
    return this.#pool.run(task)
  }

  /** More tasks than one thread takes at once, so that all of them answer. */
  async ready(): Promise<void> {
    const tasks = Array.from({ length: this.threads * TASKS_PER_THREAD }, () =>
      this.#pool.run(NO_TASK),
    )
    await Promise.all(tasks)
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }
}

class InlineExecutor extends ScratchOwner implements Executor {
  readonly threads = 0
  readonly queued = 0
  readonly #thread: KernelThread

  constructor(data: KernelThreadData, memory: SharedMemory) {
    super(data, memory)
    this.#thread = new KernelThread(data)
  }

  async run(task: number): Promise<number> {
    return this.#thread.run(task)
  }

  async ready(): Promise<void> {}

  async close(): Promise<void> {}
}

/** Prepares the memory for kernels and starts the threads. */
export function openExecutor(options: ExecutorOptions): Executor {
  const { memory, threads } = options
  fillTables(memory.wasm)
  const data: KernelThreadData = {
    euphorionLaneThread: true,
    memory: memory.wasm,
    module: kernelModule(),
    // a thread that dies keeps its area: spare ones outlast the retries that lanes have
    scratch: scratchAreas(memory, threads + 2),
    inflatedBytesMax: options.inflatedBytesMax,
    isTimed: options.isTimed === true,
  }
  return threads === 0 ? new InlineExecutor(data, memory) : new PoolExecutor(data, options)
}
