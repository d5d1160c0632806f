// What a test hears of agents, and does to them: what their functions yield, and errors thrown in
// their loops. Owned by the world of a test driver.
import type { AgentDefinition, AgentFunction } from '../stream/agent_definition.ts'
import type { StreamSource } from '../stream/stream_source.ts'

/** One agent, over all of its partitions and lives. */
export interface Tapped {
  /** Hears of each value, in the order of the yields. */
  yielded?: ((value: unknown) => void) | undefined
  /** Thrown in the first loop that is given an event; then it is gone. */
  thrown?: { readonly error: unknown } | undefined
}

type Take = (...args: never[]) => Promise<IteratorResult<unknown, undefined>>

const takes = [
  'takeValue',
  'takeEvent',
  'takeBatch',
  'takeAhead',
  'takeKept',
  'takeByHand',
] as const

export class AgentTaps {
  /** By the agents' names: what an agent derives by groupBy() is another definition. */
  readonly #tapped = new Map<string, Tapped>()
  /** An agent that is begun again takes from the same source. */
  readonly #sources = new WeakSet<object>()

  of(name: string): Tapped {
    let tapped = this.#tapped.get(name)
    if (tapped === undefined) this.#tapped.set(name, (tapped = {}))
    return tapped
  }

  readonly tap = <K, V, R>(
    definition: AgentDefinition<K, V, R>,
    source: StreamSource<K, V>,
  ): AgentFunction<K, V, R> => {
    const tapped = this.of(definition.name)
    if (!this.#sources.has(source)) this.#tapSource(source, tapped)
    return (stream) => {
      const result = definition.run(stream)
      return Symbol.asyncIterator in result ? heard(result, tapped) : result
    }
  }

  #tapSource(source: object, tapped: Tapped): void {
    this.#sources.add(source)
    const methods = source as Record<(typeof takes)[number], Take>
    for (const name of takes) {
      const take = methods[name].bind(source)
      methods[name] = async (...args) => {
        const taken = await take(...args)
        const { thrown } = tapped
        if (thrown === undefined || taken.done) return taken
        tapped.thrown = undefined
        throw thrown.error
      }
    }
  }
}

async function* heard<R>(values: AsyncIterable<R>, tapped: Tapped): AsyncGenerator<R, void> {
  for await (const value of values) {
    tapped.yielded?.(value)
    yield value
  }
}
