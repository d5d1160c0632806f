// The kinds of RocksDB stores that this machine has: tests of what is on disk run on each.
import { nativeStoreAddon } from '../../src/table/native_rocksdb_addon.ts'

export const rocksdbKinds: readonly ('rocksdb-package' | 'rocksdb-native')[] =
  nativeStoreAddon() === undefined ? ['rocksdb-package'] : ['rocksdb-package', 'rocksdb-native']
