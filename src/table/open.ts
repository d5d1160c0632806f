// Opens a store by what the setting `store` says. Called by whoever runs lanes or keeps copies of
// their state, and by the command line.
import type { Settings } from '../settings.ts'
import { openMemoryStore } from './memory.ts'
import { openNativeRocksdbStore } from './native_rocksdb.ts'
import { nativeStoreAddon } from './native_rocksdb_addon.ts'
import { openRocksdbStore } from './rocksdb.ts'
import type { RocksdbOptions } from './rocksdb_options.ts'
import type { Store } from './store.ts'

/** What the setting comes to on this machine: 'rocksdb' is the native store where it is built. */
export function storeKind(setting: Settings['store']): Store['kind'] {
  if (setting !== 'rocksdb') return setting
  return nativeStoreAddon() === undefined ? 'rocksdb-package' : 'rocksdb-native'
}

/** How an engine opens stores: openStore(), or that of a disk which is not there. */
export type StoreOpener = (
  setting: Settings['store'],
  path: string,
  options?: RocksdbOptions,
) => Promise<Store>

/** `path` is the directory of the store; a memory store has none. */
export async function openStore(
  setting: Settings['store'],
  path: string,
  options: RocksdbOptions = {},
): Promise<Store> {
  switch (storeKind(setting)) {
    case 'memory':
      return openMemoryStore()
    case 'rocksdb-native':
      return openNativeRocksdbStore(path, options)
    case 'rocksdb-package':
      return openRocksdbStore(path, options)
  }
}
