// Where the state of a partition is kept, and how it is opened. Called by tasks and standbys.
import { join } from 'node:path'
import type { TopicPartition } from '../log/log.ts'
import type { Settings } from '../settings.ts'
import type { StoreOpener } from '../table/open.ts'
import type { Store } from '../table/store.ts'
import { tablesPath } from './data_dir.ts'

const MIB = 1 << 20

function taskStorePath(
  { dataDir }: Pick<Settings, 'dataDir'>,
  appId: string,
  { topic, partition }: TopicPartition,
): string {
  return join(tablesPath(dataDir, appId), topic, String(partition))
}

export function openTaskStore(
  open: StoreOpener,
  settings: Settings,
  appId: string,
  place: TopicPartition,
): Promise<Store> {
  return open(settings.store, taskStorePath(settings, appId, place), {
    writeBufferBytes: settings.writeBufferMib * MIB,
    cacheBytes: settings.cacheMib * MIB,
  })
}
