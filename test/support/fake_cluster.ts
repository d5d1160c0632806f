// Brokers that know of each other and of topics with leaders, as far as Metadata and
// FindCoordinator tell it. Used by tests of Cluster.
import { Decoder } from '../../src/wire/decoder.ts'
import { Encoder } from '../../src/wire/encoder.ts'
import { echoAnswer } from './echo.ts'
import {
  answerTo,
  apiKeys,
  type FakeBroker,
  type FakeRequest,
  startFakeBroker,
} from './fake_broker.ts'

export interface FakeTopic {
  /** One byte stands for sixteen. */
  readonly id: number
  readonly errorCode?: number
  readonly leaders: readonly { readonly nodeId: number; readonly epoch: number }[]
}

export class FakeCluster {
  readonly topics = new Map<string, FakeTopic>()
  /** By number; those that Metadata names. */
  readonly brokers = new Map<number, FakeBroker>()
  /** Topics of each Metadata request; null: all. */
  readonly asked: (string[] | null)[] = []
  readonly #all: FakeBroker[] = []
  coordinator = 1
  /** Of FindCoordinator, for as many answers. */
  coordinatorErrors: number[] = []
  coordinatorsAsked = 0
  /** Answers wait for it. */
  gate: Promise<void> = Promise.resolve()

  async addBroker(nodeId: number): Promise<FakeBroker> {
    const broker = await startFakeBroker({
      onRequest: (request, socket) => {
        const answer = this.#answer(request)
        void this.gate.then(() => socket.write(answer))
      },
    })
    this.#all.push(broker)
    this.brokers.set(nodeId, broker)
    return broker
  }

  async removeBroker(nodeId: number): Promise<void> {
    const broker = this.brokers.get(nodeId)!
    this.brokers.delete(nodeId)
    await broker.stop()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((broker) => broker.stop()))
  }

  #answer(request: FakeRequest): Buffer {
    if (request.apiKey === apiKeys.Metadata) return answerTo(request, this.#metadata(request))
    if (request.apiKey !== apiKeys.FindCoordinator) return echoAnswer(request)
    return answerTo(request, this.#findCoordinator(request))
  }

  #metadata(request: FakeRequest): Buffer {
    const from = new Decoder(request.body)
    from.flexible = true
    const names = from.nullableArray(() => {
      from.skip(16)
      const name = from.string()
      from.tags()
      return name
    })
    this.asked.push(names)
    const to = new Encoder()
    to.flexible = true
    to.int32(0)
    to.structures([...this.brokers], ([nodeId, { port }]) => {
      to.int32(nodeId)
      to.string('127.0.0.1')
      to.int32(port)
      to.nullableString(null)
    })
    to.nullableString('cluster')
    to.int32(-1)
    to.structures(names ?? [...this.topics.keys()], (name) => this.#topic(to, name))
    to.end()
    return to.finish()
  }

  #topic(to: Encoder, name: string): void {
    const topic = this.topics.get(name)
    to.int16(topic === undefined ? 3 : (topic.errorCode ?? 0))
    to.nullableString(name)
    to.uuid(new Uint8Array(16).fill(topic?.id ?? 0))
    to.boolean(false)
    to.structures([...(topic?.leaders ?? []).entries()], ([partition, { nodeId, epoch }]) => {
      to.int16(nodeId < 0 ? 5 : 0)
      to.int32(partition)
      to.int32(nodeId)
      to.int32(epoch)
      for (let list = 0; list < 3; list++) to.array([], () => {})
    })
    to.int32(0)
  }

  #findCoordinator(request: FakeRequest): Buffer {
    const from = new Decoder(request.body)
    from.flexible = true
    from.int8()
    const [key] = from.array(() => from.string())
    const errorCode = this.coordinatorErrors.shift() ?? 0
    this.coordinatorsAsked++
    const to = new Encoder()
    to.flexible = true
    to.int32(0)
    to.structures([key], () => {
      to.string(key)
      to.int32(errorCode === 0 ? this.coordinator : -1)
      to.string(errorCode === 0 ? '127.0.0.1' : '')
      to.int32(errorCode === 0 ? this.brokers.get(this.coordinator)!.port : -1)
      to.int16(errorCode)
      to.nullableString(null)
    })
    to.end()
    return to.finish()
  }
}
