// What the group is told of a worker. Called by the engine.
import type { MemberFacts, TopicPartition } from '../log/log.ts'
import type { Settings } from '../settings.ts'
import type { Recovery } from './recovery.ts'

export interface MemberParts {
  readonly transactionalId: string
  /** Tables with state, each by the topic whose partitions it has. */
  readonly tables: readonly Pick<TopicPartition, 'topic'>[]
  readonly recovery: Recovery | undefined
}

export function memberFacts(
  { settings, address }: { readonly settings: Settings; readonly address?: () => string },
  { transactionalId, tables, recovery }: MemberParts,
): MemberFacts {
  // what nobody copies must not be waited for
  const isCopied = recovery !== undefined
  return {
    transactionalId,
    address: address?.() ?? '',
    stateful: [...new Set(tables.map(({ topic }) => topic))],
    standbyReplicas: isCopied ? settings.standbyReplicas : 0,
    warmupReplicas: isCopied ? settings.warmupReplicas : 0,
    acceptableLag: settings.acceptableLag,
    held: () => recovery?.held() ?? [],
  }
}
