// Where the state of a partition is kept, and how it is opened. Called by tasks and standbys.
import { join } from 'node:path'
import type { TopicPartition } from '../log/log.ts'
import type { Settings } from '../settings.ts'
import type { StoreOpener } from '../table/open.ts'
import type { Store } from '../table/store.ts'
import { tablesPath } from './data_dir.ts'
import type { PartitionTask } from './partition_task.ts'

const MIB = 1 << 20

export function taskStorePath(
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

/** Of the partitions of a topic, by partition. */
export function storesOf(tasks: Iterable<PartitionTask>, topic: string): Map<number, Store> {
  const stores = new Map<number, Store>()
  for (const { intake, store } of tasks)
    if (intake.topic === topic && store !== undefined) stores.set(intake.partition, store)
  return stores
}
