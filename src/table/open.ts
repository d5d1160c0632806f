// Opens a store by the name of its kind. Called by whoever runs lanes, and by the command line.
import { openMemoryStore } from './memory.ts'
import { openRocksdbStore, type RocksdbOptions } from './rocksdb.ts'
import type { Store } from './store.ts'

/** `path` is the directory of the store; a memory store has none. */
export async function openStore(
  kind: Store['kind'],
  path: string,
  options: RocksdbOptions = {},
): Promise<Store> {
  return kind === 'memory' ? openMemoryStore() : openRocksdbStore(path, options)
}
