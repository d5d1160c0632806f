// The workloads of benches that are agents: user code per event, and what it has to have made of
// the events. Used by bench_run.ts.
import type { EventSubscriber, PartitionSink } from '../ingest/subscriber.ts'
import type { PartitionOffsets } from '../log/log.ts'
import { codecOf, json } from '../record/codec.ts'
import type { EventOf } from '../record/fields.ts'
import { integer, string } from '../record/fields.ts'
import type { AgentDefinition, AgentServices } from '../stream/agent_definition.ts'
import { agentSubscriber } from '../stream/agent_subscriber.ts'
import type { Stream } from '../stream/stream.ts'
import { defineTable, Table } from '../stream/table.ts'
import type { AgentTableDefinition } from '../table/agent_definition.ts'
import { BenchLoops } from './bench_loops.ts'
import { type BenchSpec, benchTable, isAgent } from './bench_spec.ts'
import { PageView, type PageViewFields } from './page_view.ts'

type View = EventOf<PageViewFields>
type Views = Stream<string, View, PageViewFields>

export interface AgentResult {
  /** That the function has seen, and left right traces of. */
  readonly events: number
  /** Skipped. */
  readonly bad: number
  readonly cells: number
}

/** The user's part: a function, and what comes of it. */
interface Job {
  readonly tables: readonly AgentTableDefinition<unknown, unknown>[]
  run(stream: Views): Promise<void>
  result(): Promise<Omit<AgentResult, 'bad'>>
}

/** Reads fields of each event. */
function readFields(spec: BenchSpec): Job {
  const loops = new BenchLoops(spec)
  return {
    tables: [],
    run: (stream) => loops.run(stream),
    result: async () => loops.result(),
  }
}

/** Counts by url. */
function countInTable(): Job {
  const definition = defineTable(benchTable, { key: string(), value: integer(), default: 0 }, false)
  const counts = new Table<string, number, number>(definition)
  return {
    tables: [definition as unknown as AgentTableDefinition<unknown, unknown>],
    async run(stream) {
      for await (const view of stream) await counts.update(view.url, (n) => n + 1)
    },
    async result() {
      let events = 0
      let cells = 0
      for await (const count of counts.values()) {
        events += count
        cells++
      }
      return { events, cells }
    },
  }
}

class BenchAgent {
  readonly #spec: BenchSpec
  readonly #job: Job
  readonly #sinks = new Map<number, PartitionSink>()
  #bad = 0

  constructor(spec: BenchSpec) {
    this.#spec = spec
    this.#job = spec.workload === 'agents-table' ? countInTable() : readFields(spec)
  }

  get tables(): Job['tables'] {
    return this.#job.tables
  }

  subscriber(services: Omit<AgentServices, 'onBadRecord'>): EventSubscriber {
    const isDeclared = this.#spec.workload !== 'undeclared'
    const definition: AgentDefinition<string, View, never> = {
      name: 'bench',
      topic: this.#spec.topic,
      key: codecOf(string()),
      value: isDeclared ? codecOf(PageView) : json<View>(),
      schema: isDeclared ? PageView.schema : undefined,
      onBadRecord: 'skip',
      concurrency: 1,
      sinks: [],
      run: (stream) => this.#job.run(stream as unknown as Views),
    }
    const onBadRecord = (): void => {
      this.#bad++
    }
    const subscriber = agentSubscriber(definition, { ...services, onBadRecord })
    return {
      topic: this.#spec.topic,
      open: (partition, beginning) => {
        const sink = subscriber.open(partition, beginning)
        this.#sinks.set(partition, sink)
        return sink
      },
    }
  }

  /** Every event before the ends was acknowledged. */
  isThrough(ends: readonly PartitionOffsets[]): boolean {
    return ends.every(({ partition, earliest, latest }) => {
      const at = this.#sinks.get(partition)?.acknowledged() ?? earliest
      return at >= latest || earliest === latest
    })
  }

  async result(): Promise<AgentResult> {
    const { events, cells } = await this.#job.result()
    return { events: events + this.#bad, bad: this.#bad, cells }
  }
}

/** Undefined for the workloads of kernels. */
export function benchAgentOf(spec: BenchSpec): BenchAgent | undefined {
  return isAgent(spec.workload) ? new BenchAgent(spec) : undefined
}
