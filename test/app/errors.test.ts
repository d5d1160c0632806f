// Every coded error that a program can meet, provoked through the public API: it says what
// happened, where, and what to do. Errors of the disk are in errors_disk.test.ts, of the command
// line in test/cli/errors.test.ts; the last test here sees to it that no code is left out.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  App,
  type AppOptions,
  count,
  float64,
  type Message,
  record,
  string,
  timestamp,
  tumbling,
} from '../../src/index.ts'
import { isError } from '../support/coded_errors.ts'
import { caughtUp, fillTopic, inTemporary, testApp } from '../support/running_app.ts'

const limit = { timeout: 240_000 }
const Reading = record('Reading', { id: string(), value: float64(), at: timestamp() })
type Values = Message<never, { id: string; value: number; at: number }>['value']
const reading: Values = { id: 'a', value: 1, at: 1 }

const place = (directory: string): AppOptions => ({
  broker: `embedded:${join(directory, 'log')}`,
  dataDir: join(directory, 'data'),
  store: 'memory',
})

/** An app with a table by id over topic `readings`, of one partition. */
function withTable(options: AppOptions, id = 'with-table') {
  const made = testApp(options, id)
  const readings = made.app.topic('readings', { value: Reading, partitions: 1 })
  const perId = made.app
    .stream(readings)
    .keyBy('id')
    .aggregate('per-id', () => ({ readings: count() }))
  return { ...made, readings, perId }
}

describe('settings', limit, () => {
  const invalid = (options: object, says: RegExp) =>
    assert.throws(() => new App('x', options).settings, isError('SETTING_INVALID', says))

  test('out of bounds, of another type, unknown: SETTING_INVALID names them', () => {
    invalid({ threads: 0 }, /^threads cannot be 0 \(from code\): .* whole number from 1 to 64$/)
    invalid({ batchBytes: 'much' }, /^batchBytes cannot be "much" .* size from 16 KiB to 16 MiB$/)
    invalid({ commitIntervalMs: '1ms' }, /^commitIntervalMs cannot be "1ms" .* from 10 ms to 1 h$/)
    invalid({ store: 'sql' }, /^store cannot be "sql" .* one of rocksdb, .*memory$/)
    invalid({ treads: 2 }, /^there is no setting treads \(from code\)/)
    invalid({ BatchBytes: 2 }, /did you mean batchBytes\?$/)
    invalid({ saslPassword: 5 }, /^saslPassword cannot be \(secret\)/)
  })

  test('in the file or the environment: SETTING_INVALID says from where', () =>
    inTemporary(async (directory) => {
      const before = process.cwd()
      process.chdir(directory)
      try {
        process.env.EUPHORION_THREADS = 'many'
        invalid({}, /^threads cannot be "many" \(from EUPHORION_THREADS\)/)
        delete process.env.EUPHORION_THREADS
        writeFileSync('euphorion.config.json', '{"threads": 1.5}')
        invalid({}, /^threads cannot be 1.5 \(from euphorion.config.json\)/)
        writeFileSync('euphorion.config.json', '{"threads": 1')
        const path = join(process.cwd(), 'euphorion.config.json')
        const refusal = isError('SETTING_INVALID', /^euphorion.config.json is no JSON$/, { path })
        assert.throws(() => new App('x').settings, refusal)
      } finally {
        delete process.env.EUPHORION_THREADS
        process.chdir(before)
      }
    }))

  test('a broker that is none: SETTING_INVALID shows the forms', () => {
    const { app } = withTable({ broker: 'localhost' })
    const says = /^'localhost' is no broker: write 'kafka:\/\/host:9092'.*'embedded:/
    return assert.rejects(app.start(), isError('SETTING_INVALID', says))
  })

  test('no broker: BROKER_MISSING', () =>
    assert.rejects(withTable({}).app.start(), isError('BROKER_MISSING', /no broker is set/)))

  test('a broker that is not there: BROKER_UNREACHABLE', () => {
    const { app } = withTable({ broker: 'kafka://127.0.0.1:1', connectTimeoutMs: 300 })
    return assert.rejects(app.start(), isError('BROKER_UNREACHABLE', /127\.0\.0\.1:1/))
  })

  test('a guarantee that the driver lacks: CAPABILITY_MISSING', () =>
    inTemporary(async (directory) => {
      const { app } = withTable({ ...place(directory), guarantee: 'exactly_once' })
      const log = await app.log()
      const capabilities = { ...log.capabilities, driver: 'kafkajs', transactions: false } as const
      Object.defineProperty(log, 'capabilities', { value: capabilities })
      const says = /exactly_once needs transactions, .* driver kafkajs/
      await assert.rejects(app.start(), isError('CAPABILITY_MISSING', says))
    }))

  test('tables with changelogs on a driver without transactions: CAPABILITY_MISSING', () =>
    inTemporary(async (directory) => {
      const { app } = withTable(place(directory))
      const log = await app.log()
      const capabilities = { ...log.capabilities, driver: 'kafkajs', transactions: false } as const
      Object.defineProperty(log, 'capabilities', { value: capabilities })
      const says = /changelogs .* need transactions, .* kafkajs .* changelog: false/
      await assert.rejects(app.start(), isError('CAPABILITY_MISSING', says))
    }))

  test('a transaction that is over before its cut: SETTING_INVALID', () =>
    inTemporary(async (directory) => {
      const slow = { guarantee: 'exactly_once', commitIntervalMs: '15s' } as const
      const { app } = withTable({ ...place(directory), ...slow })
      const says = /transactionTimeoutMs is 20000 ms: .* are 25000 ms together/
      await assert.rejects(app.start(), isError('SETTING_INVALID', says))
    }))

  test('batches that do not fit the memory: MEMORY_EXHAUSTED', () =>
    inTemporary(async (directory) => {
      const large = { memoryMib: 32, fetchesInFlight: 64, batchBytes: '16 MiB' } as const
      const { app } = withTable({ ...place(directory), ...large })
      await assert.rejects(app.start(), isError('MEMORY_EXHAUSTED', /MiB|bytes/))
    }))
})

describe('topics', limit, () => {
  test('a name that is none: TOPIC_INVALID', () => {
    for (const topic of ['', 'a b', 'a/b', '..', 'x'.repeat(250)]) {
      const refusal = isError('TOPIC_INVALID', /cannot be a topic/, { topic })
      assert.throws(() => new App('x').topic(topic), refusal)
    }
  })

  test('not there: TOPIC_UNKNOWN, for send and for a start that may not create it', () =>
    inTemporary(async (directory) => {
      const { app } = withTable({ ...place(directory), createTopics: false })
      const where = { topic: 'readings' }
      const says = /readings does not exist, createTopics is off/
      await assert.rejects(app.start(), isError('TOPIC_UNKNOWN', says, where))
      const unknown = isError('TOPIC_UNKNOWN', /no topic nowhere/, { topic: 'nowhere' })
      await assert.rejects(app.send('nowhere', { value: 1 }), unknown)
    }))

  test('with other partitions: PARTITIONS_MISMATCH', () =>
    inTemporary(async (directory) => {
      const { app, readings } = withTable(place(directory))
      await fillTopic(await app.log(), 'readings', [[], []])
      const where = { topic: 'readings' }
      const says = /has 2 partitions, the program expects 1/
      await assert.rejects(app.start(), isError('PARTITIONS_MISMATCH', says, where))
      await assert.rejects(
        readings.send({ value: reading, partition: 2 }),
        isError('PARTITIONS_MISMATCH', /partitions 0 to 1/, { ...where, partition: 2 }),
      )
    }))
})

interface Untyped {
  readonly [method: string]: (...given: readonly unknown[]) => Untyped
}

describe('declarations', limit, () => {
  const app = new App('x')
  const readings = app.topic('readings', { value: Reading, keyedBy: 'id' })
  // What a program in JavaScript can do wrong, the types keep from one in TypeScript.
  const untyped = (): Untyped => app.stream(readings) as never
  const counted = () => ({ readings: count() })
  const refused = (declare: () => unknown, says: RegExp) =>
    assert.throws(declare, isError('APP_INVALID', says))

  test('an unknown column, or one that cannot be what it is used for: APP_INVALID', () => {
    refused(() => untyped().keyBy('idd'), /keyBy\('idd'\): no such field of readings .* id, value/)
    refused(() => untyped().keyBy('id').time('value'), /time\('value'\): is of type float64/)
    refused(() => untyped().keyBy('id').time('nothing'), /time\('nothing'\): no such field/)
    refused(
      () =>
        untyped()
          .where(() => true)
          .keyBy('id')
          .aggregate('t', counted),
      /where: true is no condition/,
    )
    refused(
      () =>
        untyped()
          .keyBy('id')
          .aggregate('t', () => ({})),
      /aggregate\('t'\): give at least one aggregate/,
    )
    refused(
      () =>
        untyped()
          .keyBy('id')
          .aggregate('t', () => ({ start: count() })),
      /t\.start: this name of a field is reserved/,
    )
    assert.throws(
      () => app.topic('t', { value: Reading, keyedBy: 'idd' as 'id' }),
      isError('APP_INVALID', /keyedBy: Reading has no field idd/, { topic: 't' }),
    )
  })

  test('ids, agents, timers, types that cannot be: APP_INVALID', () => {
    refused(() => new App('a/b'), /'a\/b' cannot be an app's id/)
    refused(() => app.agent(readings, async () => {}, { concurrency: 0 }), /concurrency 0/)
    refused(() => app.timer('t', '1 fortnight' as '1s', () => {}), /'1 fortnight' is no time/)
    refused(() => record('', {}), /the name is empty/)
    refused(() => record('R', { x: 'string' } as never), /R\.x: not a field type/)
  })

  test('windows that cannot be: SETTING_INVALID', () => {
    const refusal = isError('SETTING_INVALID', /./)
    assert.throws(() => tumbling('0s'), refusal)
    assert.throws(() => tumbling('long' as '1s'), refusal)
  })

  test('a key by which the topic is not known to be keyed: PARTITIONING_UNKNOWN', () => {
    const spread = app.topic('spread', { value: Reading })
    const says = /keyBy\(id\) on topic spread: its partitioning is not declared/
    assert.throws(
      () => app.stream(spread).keyBy('id').aggregate('spread', counted),
      isError('PARTITIONING_UNKNOWN', says, { topic: 'spread' }),
    )
  })

  test('a table name used twice: TABLE_DUPLICATE', () => {
    const declare = () => app.stream(readings).keyBy('id').aggregate('twice', counted)
    declare()
    const refusal = isError('TABLE_DUPLICATE', /already a table twice/, { table: 'twice' })
    assert.throws(declare, refusal)
  })
})

describe('running', limit, () => {
  test('start twice: APP_INVALID; a table before the start: QUERY_UNAVAILABLE', () =>
    inTemporary(async (directory) => {
      const { app, perId } = withTable(place(directory))
      const where = { table: 'per-id' }
      await assert.rejects(perId.get('a'), isError('QUERY_UNAVAILABLE', /does not run/, where))
      await app.start()
      await assert.rejects(app.start(), isError('APP_INVALID', /runs already/))
    }))

  test('a value that does not fit: RECORD_INVALID with the path of the field', () =>
    inTemporary(async (directory) => {
      const { readings, app } = withTable(place(directory))
      await fillTopic(await app.log(), 'readings', [[]])
      for (const [value, says] of [
        [{ id: 'a', value: 'x', at: 1 }, /^Reading\.value: expected a number, got 'x'/],
        [{ id: 'a', value: Number.NaN, at: 1 }, /^Reading\.value: .*NaN/],
        [{ id: 'a', at: 1 }, /^Reading\.value: .*undefined/],
        [null, /^Reading: .*null/],
      ] as const)
        await assert.rejects(
          readings.send({ value: value as never }),
          isError('RECORD_INVALID', says),
        )
    }))

  test('a record larger than the topic takes: RECORD_TOO_LARGE', () =>
    inTemporary(async (directory) => {
      const { readings, app } = withTable(place(directory))
      const config = { maxMessageBytes: 10_000 }
      await (await app.log()).createTopic('readings', { partitions: 1, config })
      const where = { topic: 'readings', partition: 0 }
      await assert.rejects(
        readings.send({ value: { ...reading, id: 'x'.repeat(20_000) } }),
        isError('RECORD_TOO_LARGE', /20\d\d\d.*10000/, where),
      )
    }))

  test('a batch larger than maxRecordBytes: RECORD_TOO_LARGE', () =>
    inTemporary(async (directory) => {
      const { app } = withTable({ ...place(directory), maxRecordBytes: '1 MiB' })
      const value = Buffer.alloc(2 * 1024 ** 2, 0x20)
      await fillTopic(await app.log(), 'readings', [[{ key: null, value, timestamp: 1 }]])
      await app.start()
      const where = { topic: 'readings', partition: 0 }
      await assert.rejects(app.ended, isError('RECORD_TOO_LARGE', /maxRecordBytes/, where))
    }))

  test('more sends than the buffer takes: LOG_FAILED says to await them', () =>
    inTemporary(async (directory) => {
      const { readings, app } = withTable({ ...place(directory), sendBufferRecords: 100 })
      await fillTopic(await app.log(), 'readings', [[]])
      await readings.send({ value: reading })
      const sent = Array.from({ length: 101 }, () => readings.send({ value: reading }))
      const where = { topic: 'readings', partition: 0 }
      const refusal = isError('LOG_FAILED', /100 records wait .* await send\(\)/, where)
      await assert.rejects(Promise.all(sent), refusal)
      await Promise.allSettled(sent)
    }))

  test('an agent that throws: HANDLER_FAILED with the offset and the cause', () =>
    inTemporary(async (directory) => {
      const { app } = testApp(place(directory))
      const readings = app.topic('readings', { value: Reading, partitions: 1 })
      app.agent(readings, async (stream) => {
        for await (const { value } of stream) if (value === 2) throw new Error('two!')
      })
      await app.start()
      for (const value of [1, 2]) await readings.send({ value: { ...reading, value } })
      const where = { topic: 'readings', partition: 0, offset: 1 }
      await assert.rejects(app.ended, (error: Error) => {
        assert.equal((error.cause as Error).message, 'two!')
        return isError('HANDLER_FAILED', /agent readings failed/, where)(error)
      })
    }))

  test('state that is ahead of its log: OFFSET_OUT_OF_RANGE', () =>
    inTemporary(async (directory) => {
      const options = { ...place(directory), store: 'rocksdb', changelog: false } as const
      const { app, readings } = withTable(options)
      await app.start()
      await readings.send({ value: reading })
      await caughtUp(app, 'readings')
      await app.stop()
      rmSync(join(directory, 'log'), { recursive: true })
      const again = withTable(options)
      const where = { topic: 'readings', partition: 0 }
      const refusal = isError('OFFSET_OUT_OF_RANGE', /at offset 1, but the log ends at 0/, where)
      await assert.rejects(again.app.start(), refusal)
    }))

  test('a table of another shape: TABLE_CHANGED', () =>
    inTemporary(async (directory) => {
      const options = { ...place(directory), store: 'rocksdb' } as const
      const { app } = withTable(options)
      await app.start()
      await app.stop()
      const again = testApp(options, 'with-table').app
      const readings = again.topic('readings', { value: Reading, partitions: 1 })
      const stream = again.stream(readings).keyBy('id')
      stream.window(tumbling('1s')).aggregate('per-id', () => ({ readings: count() }))
      await assert.rejects(again.start(), isError('TABLE_CHANGED', /per-id/, { table: 'per-id' }))
    }))
})

/** Codes that these files do not provoke, and the test that does. */
const elsewhere: Readonly<Record<string, string>> = {
  RECORD_BAD: 'test/contract/bad_input.ts',
  CALLBACK_FAILED: 'test/app/tasks.test.ts',
  ASK_TIMEOUT: 'test/app/ask.test.ts',
  ASK_CANCELLED: 'test/app/ask.test.ts',
  ASK_FAILED: 'test/app/ask.test.ts',
  ASK_QUEUE_FULL: 'test/app/ask.test.ts',
  STORE_INCOMPATIBLE: 'test/table/native_rocksdb.test.ts',
  TOPIC_DELETED: 'test/contract/lost_topics.ts',
  BATCH_CORRUPT: 'test/system/bad_input.test.ts',
  KERNEL_TRAPPED: 'test/app/faults.test.ts',
  PROTOCOL_VIOLATED: 'test/log/fetch_answer.test.ts',
  AUTHENTICATION_FAILED: 'test/system/security_kafka.test.ts',
  ACCESS_DENIED: 'test/log/kafka/member.test.ts',
  REQUEST_REFUSED: 'test/wire/broker_error.test.ts',
  FENCED: 'test/log/kafka/member.test.ts',
  KERNEL_INVALID: 'test/kernel/user/define.test.ts',
  KERNEL_FAILED: 'test/kernel/user/define.test.ts',
  KERNEL_TIMEOUT: 'test/kernel/offload/isolation.test.ts',
  KERNEL_CANCELLED: 'test/kernel/offload/isolation.test.ts',
  KERNEL_QUEUE_FULL: 'test/kernel/offload/isolation.test.ts',
  NATIVE_UNAVAILABLE: 'test/kernel/offload/process.test.ts',
  TRANSACTION_ABORTED: 'test/app/transactions.test.ts',
  STATE_LOST: 'test/app/recovery.test.ts',
  PARTITION_STALLED: 'test/app/stalled.test.ts',
  TABLE_MOVING: 'test/app/remote_part.test.ts',
  KEY_ELSEWHERE: 'test/app/agent_tables.test.ts',
  TIME_UNKNOWN: 'test/table/agent_windowed.test.ts',
  TOPIC_UNFIT: 'test/table/changelog_topics.test.ts',
}

test('every code is provoked by a test', () => {
  const root = join(import.meta.dirname, '../../..')
  const read = (path: string): string => readFileSync(join(root, path), 'utf8')
  const codes = [...read('src/errors.ts').matchAll(/^ {2}([A-Z_]+): \{/gm)].map(([, code]) => code)
  assert.ok(codes.length > 25)
  const own = ['app', 'cli']
    .flatMap((folder) => readdirSync(join(root, 'test', folder)).map((name) => `${folder}/${name}`))
    .filter((name) => /\/errors\w*\.test\.ts$/.test(name))
    .map((name) => read(`test/${name}`))
    .join('\n')
  const left = codes.filter((code) => {
    const other = elsewhere[code]
    return !(other === undefined ? own : read(other)).includes(`'${code}'`)
  })
  assert.deepEqual(left, [])
})
