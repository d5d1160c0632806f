// Asking agents through Kafka: a client beside workers of both guarantees, while partitions move;
// topics of replies come and go.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { App, type AppOptions, integer, json, record } from '../../src/index.ts'
import { until } from '../support/apps.ts'
import { isError } from '../support/coded_errors.ts'
import { useKafka } from '../support/kafka.ts'
import { newDirectory } from '../support/program.ts'

const kafka = await useKafka()
after(() => kafka?.stop())
const timeout = 120_000
const Sum = record('Sum', { a: integer(), b: integer() })

async function optionsOf(more: AppOptions = {}): Promise<AppOptions> {
  const directory = await newDirectory()
  return {
    broker: `kafka://${kafka!.brokers}`,
    dataDir: join(directory, 'state'),
    commitIntervalMs: 50,
    memoryMib: 32,
    batchBytes: '64 KiB',
    threads: 1,
    logLevel: 'silent',
    web: false,
    ...more,
  }
}

function newApp(t: TestContext, id: string, options: AppOptions): App {
  const app = new App(id, options)
  t.after(() => app.stop())
  return app
}

function declare(app: App, topic: string) {
  return app.agent(
    topic,
    async function* add(stream) {
      for await (const { a, b } of stream) {
        if (a < 0) throw new Error('negative')
        yield a + b
      }
    },
    { value: Sum, reply: integer(), partitions: 4 },
  )
}

const inputs = (count: number) => Array.from({ length: count }, (_, a) => ({ a, b: 1 }))

for (const guarantee of kafka ? (['at_least_once', 'exactly_once'] as const) : []) {
  test(`a client asks workers by Kafka, ${guarantee}`, { timeout }, async (t) => {
    const topic = `sums-${guarantee}`
    const workers = [0, 1].map(() => `ask-${guarantee}`)
    const options = await optionsOf({ guarantee })
    const [first, second] = workers.map((id) => newApp(t, id, options))
    declare(first, topic)
    declare(second, topic)
    await first.start()
    const client = newApp(t, `client-${guarantee}`, await optionsOf())
    const add = declare(client, topic)
    assert.equal(await add.ask({ a: 1, b: 2 }), 3)
    assert.deepEqual(
      await add.join(inputs(2000)),
      inputs(2000).map(({ a }) => a + 1),
    )
    let isOver = false
    const got: number[] = []
    const endless = async function* () {
      for (let a = 0; !isOver; a++) {
        yield { a, b: 0 }
        if (a % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
      }
    }
    const asking = (async () => {
      for await (const sum of add.map(endless())) got.push(sum)
    })()
    await until(() => got.length > 200)
    await second.start()
    const joined = got.length
    await until(() => got.length > joined + 200)
    await first.stop()
    const left = got.length
    await until(() => got.length > left + 200)
    isOver = true
    await asking
    assert.deepEqual(
      got.sort((a, b) => a - b),
      got.map((_, a) => a),
    )
    const { latest: offset } = (await (await client.log()).offsets(topic))[3]
    await assert.rejects(
      add.ask({ a: -1, b: 0 }, { partition: 3 }),
      isError('ASK_FAILED', /agent add failed/, { topic, partition: 3, offset }),
    )
    const log = await second.log()
    const replyTopics = async () =>
      (await log.topics()).map(({ name }) => name).filter((name) => name.startsWith('f-reply-'))
    assert.equal((await replyTopics()).length, 1)
    assert.equal(client.replies().waiting, 0)
    await client.stop()
    await until(async () => (await replyTopics()).length === 0)
  })
}

if (kafka) {
  test('a topic of replies expires as its settings say, by Kafka', { timeout }, async (t) => {
    const replyTo = 'replies-of-one'
    const options = await optionsOf({ replyTo, replyCreateTopic: true, replyExpiresMs: '1h' })
    const app = newApp(t, 'expires', options)
    await app.startClient()
    const config = await (await app.log()).topicConfigs!([replyTo])
    assert.equal(config.get(replyTo)?.retentionMs, 3_600_000)
    assert.equal(config.get(replyTo)?.cleanup, 'delete')
    const nobody = app.agent(
      'nobody-there',
      async function* nobody(stream) {
        yield* stream
      },
      { value: json<number>(), partitions: 1 },
    )
    await assert.rejects(nobody.ask(1, { timeout: 300 }), { code: 'ASK_TIMEOUT' })
    assert.equal(app.replies().waiting, 0)
  })
}
