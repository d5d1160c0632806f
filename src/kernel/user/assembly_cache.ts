// Compiled kernels on disk. A file is named by everything that is known before compiling, and lists
// the imported files that it was made from: it counts while they are what they were. What cannot be
// read is compiled again; what cannot be written is not kept. Called by assembly_file.ts.
//
//   name   key of 32 characters - hash of the imports . kernel
//   bytes  SHA-256 of the rest, 64 characters │ header, JSON, one line │ module │ source map
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, stat, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { type Clock, systemClock } from '../../clock.ts'
import type { CompiledAssembly, Dependency } from './assembly_request.ts'

export interface CacheBounds {
  readonly entriesMax: number
  readonly bytesMax: number
}

type Header = Omit<CompiledAssembly, 'wasm' | 'sourceMap'> & { readonly wasmBytes: number }

const BOUNDS: CacheBounds = { entriesMax: 256, bytesMax: 64 << 20 }
const ENDING = '.kernel'
const KEY_CHARACTERS = 32
const HASH_CHARACTERS = 64
const NEWLINE = 10
/** What another process has not finished writing for so long, it never will. */
const ABANDONED_MS = 3_600_000

let unfinished = 0

/** The key for what decides the result, the imported files apart. */
export function cacheKey(parts: readonly unknown[]): string {
  return sha256(JSON.stringify(parts)).slice(0, KEY_CHARACTERS)
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

export class AssemblyCache {
  readonly #directory: string
  readonly #clock: Clock
  readonly #bounds: CacheBounds

  constructor(directory: string, { clock = systemClock, bounds = BOUNDS } = {}) {
    this.#directory = directory
    this.#clock = clock
    this.#bounds = bounds
  }

  /** What was compiled under this key from the same files beside `folder`. */
  async find(key: string, folder: string): Promise<CompiledAssembly | undefined> {
    const names = await readdir(this.#directory).catch(() => [])
    for (const name of names) {
      if (!name.startsWith(`${key}-`) || !name.endsWith(ENDING)) continue
      const path = join(this.#directory, name)
      const compiled = await this.#read(path)
      if (compiled === undefined || !(await areSame(compiled.dependencies, folder))) continue
      const now = new Date(this.#clock.now())
      await utimes(path, now, now).catch(ignore)
      return compiled
    }
    return undefined
  }

  async keep(key: string, compiled: CompiledAssembly): Promise<void> {
    const imports = sha256(JSON.stringify(compiled.dependencies)).slice(0, KEY_CHARACTERS)
    const name = `${key}-${imports}${ENDING}`
    try {
      await mkdir(this.#directory, { recursive: true })
      await this.#write(name, encode(compiled))
      await this.#prune(name)
    } catch {
      // a full or read-only disk costs the time to compile, and nothing else
    }
  }

  async #read(path: string): Promise<CompiledAssembly | undefined> {
    const bytes = await readFile(path).catch(() => undefined)
    if (bytes === undefined) return undefined
    const compiled = decode(bytes)
    if (compiled === undefined) await unlink(path).catch(ignore)
    return compiled
  }

  /** Under another name first: whoever reads it meanwhile sees the old file or the new one. */
  async #write(name: string, bytes: Uint8Array): Promise<void> {
    const unique = `${process.pid}-${threadId}-${unfinished++}`
    const temporary = join(this.#directory, `${name}.${unique}.tmp`)
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(bytes)
    } finally {
      await file.close()
    }
    try {
      await rename(temporary, join(this.#directory, name))
    } catch (error) {
      await unlink(temporary).catch(ignore)
      throw error
    }
  }

  /** Forgets what was used longest ago, beyond the bounds. */
  async #prune(written: string): Promise<void> {
    const files: { path: string; name: string; usedMs: number; bytes: number }[] = []
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name)
      const facts = await stat(path).catch(() => undefined)
      if (facts === undefined) continue
      if (name.endsWith(ENDING)) {
        files.push({ path, name, usedMs: facts.mtimeMs, bytes: facts.size })
      } else if (name.endsWith('.tmp') && facts.mtimeMs < this.#clock.now() - ABANDONED_MS) {
        await unlink(path).catch(ignore)
      }
    }
    files.sort((a, b) => b.usedMs - a.usedMs)
    let bytes = 0
    for (const [index, file] of files.entries()) {
      bytes += file.bytes
      const fits = index < this.#bounds.entriesMax && bytes <= this.#bounds.bytesMax
      if (!fits && file.name !== written) await unlink(file.path).catch(ignore)
    }
  }
}

function ignore(): void {}

async function areSame(dependencies: readonly Dependency[], folder: string): Promise<boolean> {
  for (const [path, hash] of dependencies) {
    const text = await readFile(join(folder, path), 'utf8').catch(() => null)
    if ((text === null ? null : sha256(text)) !== hash) return false
  }
  return true
}

function encode({ wasm, sourceMap, ...rest }: CompiledAssembly): Buffer {
  const header: Header = { ...rest, wasmBytes: wasm.length }
  const body = Buffer.concat([
    Buffer.from(`${JSON.stringify(header)}\n`),
    wasm,
    Buffer.from(sourceMap),
  ])
  return Buffer.concat([Buffer.from(sha256(body)), body])
}

/** Undefined if it is damaged. */
function decode(bytes: Buffer): CompiledAssembly | undefined {
  const body = bytes.subarray(HASH_CHARACTERS)
  if (sha256(body) !== bytes.toString('latin1', 0, HASH_CHARACTERS)) return undefined
  const end = body.indexOf(NEWLINE)
  const { wasmBytes, ...rest } = JSON.parse(body.toString('utf8', 0, end)) as Header
  const wasmEnd = end + 1 + wasmBytes
  return {
    ...rest,
    wasm: Uint8Array.from(body.subarray(end + 1, wasmEnd)),
    sourceMap: body.toString('utf8', wasmEnd),
  }
}
