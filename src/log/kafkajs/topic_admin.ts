// Questions to a cluster through kafkajs' admin client, which is connected at the first one. Used
// by both drivers of Kafka: the other one creates and deletes topics with it.
import type { Admin } from 'kafkajs'
import { type Clock, pause } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { brokerCode } from '../../wire/broker_code.ts'
import { hasMembers } from '../failures.ts'
import type { TopicConfig } from '../log.ts'
import type { ClientMaker } from './client.ts'
import { asLogError, isConnectionCut, kafkaErrorType } from './failures.ts'

/** kafkajs' number of the resources that are topics. */
const TOPIC_RESOURCE = 2

const brokerNames = {
  cleanup: 'cleanup.policy',
  retentionMs: 'retention.ms',
  retentionBytes: 'retention.bytes',
  segmentBytes: 'segment.bytes',
  maxMessageBytes: 'max.message.bytes',
  deleteRetentionMs: 'delete.retention.ms',
} as const satisfies Record<keyof TopicConfig, string>

const notReady: readonly number[] = [
  brokerCode.COORDINATOR_LOAD_IN_PROGRESS,
  brokerCode.COORDINATOR_NOT_AVAILABLE,
  brokerCode.NOT_COORDINATOR,
]
const coordinatorAttempts = 40
const coordinatorPauseMs = 250

/** Tries of a question whose connection is cut; kafkajs' admin gives up at the first. */
const connectionAttempts = 5
const connectionPauseMs = 200

/** `isAgain`: it was asked before, and may have been heeded. */
type Question<T> = (admin: Admin, isAgain: boolean) => Promise<T>

export class TopicAdmin {
  readonly #makeClient: ClientMaker
  readonly #brokers: string
  readonly #clock: Clock
  #admin: Promise<Admin> | undefined
  #asking: Promise<unknown> = Promise.resolve()
  #closed = false

  /** `brokers` are named in errors. */
  constructor(makeClient: ClientMaker, brokers: string, clock: Clock) {
    this.#makeClient = makeClient
    this.#brokers = brokers
    this.#clock = clock
  }

  /**
   * Asks the admin client, one question at a time: each replaces the metadata that the others look
   * into. One that has asked for a topic which is gone fails for every topic from then on: it is
   * replaced, and asked once more where the topic at hand is there. A question whose connection is
   * cut is asked again, so it must be one that can be.
   */
  ask<T>(question: Question<T>, topic?: string): Promise<T> {
    const answer = this.#asking.then(() => this.#askNow(question, topic))
    this.#asking = answer.catch(() => undefined)
    return answer
  }

  /**
   * False when it existed already. With `waitForLeaders` the brokers know it, usually: one that is
   * late with it is TOPIC_UNKNOWN.
   */
  async createTopic(
    name: string,
    { partitions, config = {} }: { partitions: number; config?: TopicConfig },
    waitForLeaders: boolean,
  ): Promise<boolean> {
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..')
      throw new EuphorionError('TOPIC_INVALID', `'${name}' cannot be the name of a topic`)
    const topic = {
      topic: name,
      numPartitions: partitions,
      replicationFactor: -1,
      configEntries: configEntries(config),
    }
    // where it is asked again, the request before has created it, and its answer was lost
    return this.ask(
      async (admin, isAgain) =>
        (await admin.createTopics({ topics: [topic], waitForLeaders })) || isAgain,
      name,
    )
  }

  /** How they are kept, by name. */
  async topicConfigs(names: readonly string[]): Promise<ReadonlyMap<string, TopicConfig>> {
    const configNames = Object.values(brokerNames)
    const resources = names.map((name) => ({ type: TOPIC_RESOURCE, name, configNames }))
    const answer = await this.ask((admin) =>
      admin.describeConfigs({ resources, includeSynonyms: false }),
    )
    return new Map(
      answer.resources.map(({ resourceName, configEntries: entries }) => {
        const values = new Map(entries.map((each) => [each.configName, each.configValue]))
        return [resourceName, readConfig(values)]
      }),
    )
  }

  /** The broker confirms it before it has forgotten the topic. */
  async deleteTopic(name: string): Promise<void> {
    const question: Question<void> = (admin, isAgain) =>
      admin.deleteTopics({ topics: [name] }).catch((error: unknown) => {
        if (!isAgain || !isUnknownTopic(error)) throw error
      })
    await this.ask(question, name)
  }

  /** A coordinator that is not ready yet is asked again for some seconds. */
  async forgetGroup(groupId: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.ask((admin) =>
        admin.deleteGroups([groupId]).then(
          () => undefined,
          (error: unknown) => {
            if (isConnectionCut(error)) throw error
            return { error, code: groupErrorCode(error) }
          },
        ),
      )
      if (answer === undefined || answer.code === brokerCode.GROUP_ID_NOT_FOUND) return
      const { error, code } = answer
      if (code === brokerCode.NON_EMPTY_GROUP) throw hasMembers(groupId, error)
      if (!notReady.includes(code ?? 0) || attempt === coordinatorAttempts)
        throw asLogError(error, this.#brokers)
      await pause(this.#clock, coordinatorPauseMs)
    }
  }

  /** Nobody can ask from then on. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#drop()
  }

  async #askNow<T>(question: Question<T>, topic?: string): Promise<T> {
    try {
      return await this.#untilAnswered(question)
    } catch (error) {
      const unknown = isUnknownTopic(error)
      if (unknown) await this.#drop()
      if (!unknown || topic === undefined || !(await this.#exists(topic)))
        throw asLogError(error, this.#brokers, { topic })
      try {
        return await this.#untilAnswered(question, true)
      } catch (again) {
        throw asLogError(again, this.#brokers, { topic })
      }
    }
  }

  async #untilAnswered<T>(question: Question<T>, isAgain = false): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const admin = await this.#connected()
      try {
        return await question(admin, isAgain || attempt > 1)
      } catch (error) {
        if (this.#closed || attempt === connectionAttempts || !isConnectionCut(error)) throw error
        await this.#drop()
        await pause(this.#clock, connectionPauseMs)
      }
    }
  }

  #connected(): Promise<Admin> {
    if (this.#closed) return Promise.reject(new EuphorionError('LOG_FAILED', 'the log is closed'))
    if (!this.#admin) {
      const admin = this.#makeClient().admin()
      this.#admin = admin.connect().then(() => admin)
      this.#admin.catch(() => {
        this.#admin = undefined
        return admin.disconnect().catch(() => {})
      })
    }
    return this.#admin
  }

  async #drop(): Promise<void> {
    const admin = this.#admin
    this.#admin = undefined
    await admin?.then((one) => one.disconnect()).catch(() => {})
  }

  async #exists(topic: string): Promise<boolean> {
    return (await (await this.#connected()).listTopics()).includes(topic)
  }
}

function isUnknownTopic(error: unknown): boolean {
  return kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION'
}

function configEntries(config: TopicConfig): { name: string; value: string }[] {
  return (Object.keys(brokerNames) as (keyof TopicConfig)[])
    .filter((key) => config[key] !== undefined)
    .map((key) => ({ name: brokerNames[key], value: String(config[key]) }))
}

/** `values` by the brokers' names. */
function readConfig(values: ReadonlyMap<string, string>): TopicConfig {
  const number = (key: keyof TopicConfig) => {
    const text = values.get(brokerNames[key])
    return text === undefined ? undefined : Number(text)
  }
  // in any order, and perhaps with spaces
  const policies = values
    .get(brokerNames.cleanup)
    ?.split(',')
    .map((each) => each.trim())
    .sort()
  return {
    cleanup: policies?.join(',') as TopicConfig['cleanup'],
    retentionMs: number('retentionMs'),
    retentionBytes: number('retentionBytes'),
    segmentBytes: number('segmentBytes'),
    maxMessageBytes: number('maxMessageBytes'),
    deleteRetentionMs: number('deleteRetentionMs'),
  }
}

/** What the broker said of the first group; kafkajs may have wrapped it. */
function groupErrorCode(error: unknown): number | undefined {
  interface Refused {
    readonly groups?: readonly { readonly errorCode: number }[]
    readonly cause?: Refused
  }
  const { groups, cause } = error as Refused
  return (groups ?? cause?.groups)?.[0]?.errorCode
}
