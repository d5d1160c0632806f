// What SIGINT and SIGTERM do to a worker: it finishes what is in hand, cuts, leaves its group and
// exits with 0; a second one stops it at once.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { Kafka } from 'kafkajs'
import { until } from '../support/apps.ts'
import { useKafka } from '../support/kafka.ts'
import { unique } from '../support/log.ts'
import {
  deleteTopics,
  euphorion,
  hasTerminal,
  newDirectory,
  Program,
  runNode,
  visitsApp,
} from '../support/program.ts'

const timeout = 60_000
const slowApp = join(import.meta.dirname, '../support/slow_app.js')
const kafka = await useKafka()
after(() => kafka?.stop())

async function startWorker(t: TestContext, cwd: string, ...args: string[]): Promise<Program> {
  const worker = Program.start(t, [slowApp, 'worker', ...args], { cwd })
  await worker.prints(/worker started/)
  return worker
}

async function send(t: TestContext, cwd: string, job: string, ...args: string[]): Promise<void> {
  const sent = await runNode(t, [slowApp, 'send', 'jobs', job, '-k', 'k', ...args], { cwd })
  assert.equal(sent.code, 0, sent.err)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal}: the job in hand is finished, acknowledged and counted`, {
    timeout,
  }, async (t) => {
    const cwd = await newDirectory()
    const worker = await startWorker(t, cwd)
    await send(t, cwd, 'one')
    await worker.prints(/began one/)
    worker.signal(signal)
    const { code, out, err } = await worker.ended
    assert.equal(code, 0, err)
    assert.match(out, /told to stop/)
    assert.match(out, /finished one/)

    const args = [euphorion, 'table', 'jobs-per-key', '-A', slowApp, '--json']
    assert.equal((await runNode(t, args, { cwd })).out, '{"key":"k","jobs":1}\n')
    const next = await startWorker(t, cwd)
    await send(t, cwd, 'two')
    await next.prints(/finished two/)
    next.signal(signal)
    const ended = await next.ended
    assert.equal(ended.code, 0)
    assert.doesNotMatch(ended.out, /one/)
  })
}

for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`a second ${signal} stops at once; the job comes again`, { timeout }, async (t) => {
    const cwd = await newDirectory()
    const worker = await startWorker(t, cwd)
    await send(t, cwd, 'hang')
    await worker.prints(/began hang/)
    worker.signal(signal)
    await worker.prints(/told to stop/)
    await worker.prints(/^Finishing what is in flight; a second Ctrl\+C stops at once\.$/m)
    worker.signal(signal)
    assert.equal((await worker.ended).code, exitCode)
    const next = await startWorker(t, cwd)
    await next.prints(/began hang/)
  })
}

test('a job that hangs is given up after --shutdown-timeout', { timeout }, async (t) => {
  const cwd = await newDirectory()
  const worker = await startWorker(t, cwd, '--shutdown-timeout', '200ms')
  await send(t, cwd, 'hang')
  await worker.prints(/began hang/)
  worker.signal('SIGINT')
  const { code, err } = await worker.ended
  assert.equal(code, 1)
  assert.match(err, /APP_INVALID: the app did not stop within 200 ms/)
})

test('a signal while it still tries to reach its broker ends it with 0', { timeout }, async (t) => {
  const cwd = await newDirectory()
  const unreachable = ['--broker', 'kafka://127.0.0.1:9', '--connect-timeout', '1h']
  const worker = Program.start(t, [slowApp, 'worker', ...unreachable], { cwd })
  await worker.prints(/listens to signals/)
  worker.signal('SIGINT')
  const { code } = await worker.ended
  assert.equal(code, 0)
})

if (hasTerminal) {
  test('Ctrl+C in a terminal', { timeout }, async (t) => {
    const cwd = await newDirectory()
    const worker = Program.terminal(t, [slowApp, 'worker'], { cwd })
    await worker.prints(/worker started/)
    await send(t, cwd, 'one')
    await worker.prints(/began one/)
    worker.type('\x03')
    const { code, out } = await worker.ended
    assert.equal(code, 0, out)
    assert.match(out, /finished one/)
  })
}

if (kafka) {
  test('the group on Kafka is empty afterwards', { timeout }, async (t) => {
    const cwd = await newDirectory()
    const broker = ['--broker', `kafka://${kafka.brokers}`]
    await deleteTopics(t, broker[1], ['jobs'])
    const admin = new Kafka({ brokers: kafka.brokers.split(','), clientId: unique('test') }).admin()
    await admin.connect()
    t.after(() => admin.disconnect())
    const members = async (): Promise<number> => {
      const { groups } = await admin.describeGroups(['slow-app'])
      return groups[0].members.length
    }
    const worker = await startWorker(t, cwd, ...broker)
    await send(t, cwd, 'one', ...broker)
    await worker.prints(/began one/)
    assert.equal(await members(), 1)
    worker.signal('SIGINT')
    const { code, out, err } = await worker.ended
    assert.equal(code, 0, err)
    assert.match(out, /finished one/)
    assert.equal(await members(), 0)
  })

  test('the other worker of the group takes over, and no count is off', { timeout }, async (t) => {
    const cwd = await newDirectory()
    const broker = ['--broker', `kafka://${kafka.brokers}`]
    await deleteTopics(t, broker[1], ['visits', 'notes'])
    const start = () => Program.start(t, [visitsApp, 'worker', ...broker], { cwd })
    const visits = (round: number): string =>
      Array.from({ length: 20 }, (_, page) => `{"page":"/${page}","ms":${round},"at":0}\n`).join('')
    let sent = 0
    const sendRound = async (): Promise<void> => {
      const args = [visitsApp, 'send', 'visits', '-', ...broker]
      const { code, err } = await runNode(t, args, { cwd, input: visits(sent) })
      assert.equal(code, 0, err)
      sent++
    }
    const counted = async (): Promise<number> => {
      const { out } = await runNode(t, [visitsApp, 'table', 'per-page', '--json'], { cwd })
      const rows = out.split('\n').filter((line) => line !== '')
      return rows.reduce((sum, line) => sum + (JSON.parse(line) as { visits: number }).visits, 0)
    }
    const leaving = start()
    await leaving.prints(/worker started/)
    const staying = start()
    const sees = staying.prints(/^saw /m).then(() => true)
    do await sendRound()
    while (!(await Promise.race([sees, counted().then(() => false)])))
    leaving.signal('SIGINT')
    assert.equal((await leaving.ended).code, 0)
    await sendRound()
    await until(async () => (await counted()) === 20 * sent)
    staying.signal('SIGTERM')
    assert.equal((await staying.ended).code, 0)
    assert.equal(await counted(), 20 * sent)
  })
}
