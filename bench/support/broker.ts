// The Kafka of a run: the one that --broker names, else one that is started when it is first asked
// for. Made by benches that read from Kafka.
import { canStartKafka, startKafka, type TestKafka } from '../../test/support/kafka.ts'

export class Broker {
  readonly #given: string | undefined
  #kafka: Promise<TestKafka> | undefined

  /** `given`: host:port[,host:port…] */
  constructor(given: string | undefined) {
    this.#given = given
  }

  /** Undefined where none can be started; a line has said why. */
  async addresses(): Promise<string | undefined> {
    if (this.#given !== undefined) return this.#given.replace(/^kafka:\/\//, '')
    if (this.#kafka === undefined && !(await canStartKafka())) return undefined
    this.#kafka ??= startKafka()
    return (await this.#kafka).brokers
  }

  async stop(): Promise<void> {
    await (await this.#kafka)?.stop()
  }
}
