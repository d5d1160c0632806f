// How a RocksDB store is opened, by either kind.
const MIB = 1024 * 1024

export interface RocksdbOptions {
  /** Bytes of a memtable; there are up to two. Default 16 MiB. */
  readonly writeBufferBytes?: number
  /** Bytes of the block cache. Default 8 MiB. */
  readonly cacheBytes?: number
  /** Bound on open table files. Default 256. */
  readonly maxOpenFiles?: number
  /**
   * Below this much free disk nothing is written, DISK_FULL. Default 64 MiB and three write
   * buffers.
   */
  readonly minFreeBytes?: number
}

export function withDefaults(options: RocksdbOptions): Required<RocksdbOptions> {
  const writeBufferBytes = options.writeBufferBytes ?? 16 * MIB
  return {
    writeBufferBytes,
    cacheBytes: options.cacheBytes ?? 8 * MIB,
    maxOpenFiles: options.maxOpenFiles ?? 256,
    minFreeBytes: options.minFreeBytes ?? 64 * MIB + 3 * writeBufferBytes,
  }
}
