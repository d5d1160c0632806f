// An agent as the ingest loop sees it: what opens its partitions. Called by Agent and by benches.
import type { EventSubscriber } from '../ingest/subscriber.ts'
import type { AgentDefinition, AgentServices } from './agent_definition.ts'
import { AgentPartition } from './agent_partition.ts'
import { FailureLedgers } from './failure_ledger.ts'

/** For one run of the app. */
export function agentSubscriber<K, V, R>(
  definition: AgentDefinition<K, V, R>,
  services: AgentServices,
): EventSubscriber {
  const ledgers = new FailureLedgers()
  return {
    name: definition.name,
    topic: definition.topic,
    open: (partition, beginning) => {
      const memory = { ledger: ledgers.of(partition), counters: definition.counters }
      return new AgentPartition(definition, services, partition, beginning, memory)
    },
  }
}
