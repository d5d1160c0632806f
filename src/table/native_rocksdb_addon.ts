// The addon of the native store, which `npm run build:native:store` builds: its functions, and
// where it is found. Called by native_rocksdb.ts and open.ts. Externals are opaque here.
import { createRequire } from 'node:module'

declare const database: unique symbol
declare const batch: unique symbol
declare const scan: unique symbol
declare const load: unique symbol
export type NativeDatabase = { readonly [database]: never }
export type NativeBatch = { readonly [batch]: never }
export type NativeScan = { readonly [scan]: never }
export type NativeLoad = { readonly [load]: never }

/**
 * native/store/addon.cc. What gives a promise runs on one of libuv's threads and reads its buffers
 * there: they must not change until it settles.
 */
export interface NativeStoreAddon {
  readonly interfaceVersion: number
  /** Of RocksDB. */
  readonly version: string
  open(
    path: string,
    writeBufferBytes: number,
    cacheBytes: number,
    maxOpenFiles: number,
  ): Promise<NativeDatabase>
  /** Waits for what is under way. */
  close(database: NativeDatabase): Promise<void>
  batch(): NativeBatch
  /** Adds packed rows to the batch: `before` as they are, then `rows` by their keys. */
  addRows(batch: NativeBatch, before: Uint8Array, rows: Uint8Array): Promise<void>
  /** Writes the rows of the batch, then `rows`. */
  commit(
    database: NativeDatabase,
    batch: NativeBatch,
    rows: Uint8Array,
    sync: boolean,
  ): Promise<void>
  deleteRange(database: NativeDatabase, from: Uint8Array, to: Uint8Array): Promise<void>
  /** Packed values of those rows' keys that have that op. */
  get(database: NativeDatabase, rows: Uint8Array, op: number): Promise<ArrayBuffer>
  /** Without the disk: the value, null where there is none, undefined where it cannot be told. */
  getCached(database: NativeDatabase, key: Uint8Array): ArrayBuffer | null | undefined
  /** limit < 0: none */
  scan(
    database: NativeDatabase,
    from: Uint8Array | undefined,
    to: Uint8Array | undefined,
    reverse: boolean,
    limit: number,
  ): NativeScan
  /** Packed rows, about so many bytes; empty at the end. */
  readScan(scan: NativeScan, bytes: number): Promise<ArrayBuffer>
  /** Not while it is read. */
  endScan(scan: NativeScan): void
  checkpoint(database: NativeDatabase, path: string): Promise<void>
  load(database: NativeDatabase): NativeLoad
  loadRows(load: NativeLoad, rows: Uint8Array): Promise<void>
  /** `keep`: the rows become the database's; else they are forgotten. */
  endLoad(load: NativeLoad, keep: boolean): Promise<void>
}

/** Of the functions above and their arguments; native/store/addon.cc has the same number. */
const INTERFACE_VERSION = 1

const require = createRequire(import.meta.url)

interface Found {
  readonly addon?: NativeStoreAddon
  /** Why there is none. */
  readonly reason: string
}

function find(): Found {
  if (process.env.EUPHORION_NATIVE === '0') return { reason: 'EUPHORION_NATIVE is 0' }
  try {
    // As TypeScript this file lies in src/table, compiled in dist/src/table.
    const addon: NativeStoreAddon = import.meta.url.endsWith('.ts')
      ? require('../../dist/native/euphorion_store.node')
      : require('../../native/euphorion_store.node')
    if (addon.interfaceVersion === INTERFACE_VERSION) return { addon, reason: '' }
    return { reason: 'it was built for another version: build it anew' }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { reason: code === 'MODULE_NOT_FOUND' ? 'it is not built' : message.split('\n')[0] }
  }
}

let found: Found | undefined

/** The addon of this thread; undefined where there is none. Looked for once. */
export function nativeStoreAddon(): NativeStoreAddon | undefined {
  found ??= find()
  return found.addon
}

/** '' where there is one. */
export function whyNoNativeStore(): string {
  found ??= find()
  return found.reason
}
