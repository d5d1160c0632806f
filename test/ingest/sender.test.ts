import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeadLetters } from '../../src/ingest/dead_letter.ts'
import { Sender } from '../../src/ingest/sender.ts'
import { MemoryProducer } from '../support/agents.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'

const record = (text: string) => ({ key: null, value: Buffer.from(text), timestamp: 0 })

function gate() {
  let open = (): void => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

test('what is sent while an append is on its way goes out as one batch, in order', async () => {
  const producer = new MemoryProducer()
  const sender = new Sender(producer, { recordsMax: 100 })
  const held = gate()
  producer.gate = held.passed
  const first = sender.send('t', 0, record('0'))
  await settle()
  const others = ['1', '2', '3'].map((text) => sender.send('t', 0, record(text)))
  held.open()
  const sent = await Promise.all([first, ...others])
  assert.deepEqual(
    sent.map(({ offset }) => offset),
    [0, 1, 2, 3],
  )
  assert.deepEqual(producer.batches, [1, 3])
  assert.deepEqual(
    producer.stored.map(({ value }) => String(value)),
    ['0', '1', '2', '3'],
  )
})

test('a record waits for others as long as it may linger, and not behind another append', async () => {
  const producer = new MemoryProducer()
  const clock = new ManualClock()
  const sender = new Sender(producer, { recordsMax: 100, lingerMs: 5, clock })
  const first = sender.send('t', 0, record('0'))
  await clock.advance(4)
  const second = sender.send('t', 0, record('1'))
  assert.deepEqual(producer.batches, [])
  await clock.advance(1)
  await Promise.all([first, second])
  assert.deepEqual(producer.batches, [2])
  const third = sender.send('t', 0, record('2'))
  await sender.flush()
  assert.equal((await third).offset, 2)
  assert.deepEqual(producer.batches, [2, 1])
})

test('large records are spread over batches', async () => {
  const producer = new MemoryProducer()
  const sender = new Sender(producer, { recordsMax: 100 })
  const big = { key: null, value: new Uint8Array(300_000), timestamp: 0 }
  await Promise.all([1, 2, 3].map(() => sender.send('t', 0, big)))
  assert.deepEqual(producer.batches, [1, 1, 1])
})

test('a full buffer refuses instead of growing', async () => {
  const producer = new MemoryProducer()
  const sender = new Sender(producer, { recordsMax: 2 })
  const sent = [sender.send('t', 0, record('a')), sender.send('t', 1, record('b'))]
  await assert.rejects(sender.send('t', 0, record('c')), { code: 'LOG_FAILED' })
  await Promise.all(sent)
  await sender.send('t', 0, record('d'))
})

test('flush waits for what was sent before, not for what comes after', async () => {
  const producer = new MemoryProducer()
  const sender = new Sender(producer, { recordsMax: 100 })
  const first = gate()
  producer.gate = first.passed
  void sender.send('t', 0, record('before'))
  await settle()
  let flushed = false
  const flushing = sender.flush().then(() => {
    flushed = true
  })
  void sender.send('t', 0, record('after'))
  await settle()
  assert.equal(flushed, false)
  const second = gate()
  producer.gate = second.passed
  first.open()
  await flushing
  assert.equal(sender.pending, 1)
  second.open()
  await sender.close()
})

test('an append that fails rejects its records and not the later ones', async () => {
  const producer = new MemoryProducer()
  const sender = new Sender(producer, { recordsMax: 100 })
  producer.gate = Promise.reject(new Error('broken'))
  const failed = assert.rejects(sender.send('t', 0, record('a')), /broken/)
  await failed
  producer.gate = undefined
  assert.equal((await sender.send('t', 0, record('b'))).offset, 0)
})

test('dead letters that cannot be stored fail one flush, so that nothing is committed', async () => {
  const producer = new MemoryProducer()
  const letters = new DeadLetters({
    topic: 'dead',
    partitions: 2,
    sender: new Sender(producer, { recordsMax: 100 }),
  })
  const bad = {
    topic: 't',
    partition: 3,
    offset: 1,
    timestamp: 0,
    key: null,
    value: Buffer.from('?'),
    reason: 'invalid-json',
  }
  await letters.add(bad)
  await letters.flush()
  assert.equal(producer.stored[0].partition, 1)
  producer.gate = Promise.reject(new Error('disk full'))
  await letters.add({ ...bad, offset: 2 })
  await assert.rejects(letters.flush(), { code: 'LOG_FAILED' })
  // who heard of it reads all from the last cut again
  await letters.flush()
})

test('a record that several readers refuse is one dead letter until it is forgotten', async () => {
  const producer = new MemoryProducer()
  const sender = new Sender(producer, { recordsMax: 100 })
  const letters = new DeadLetters({ topic: 'dead', partitions: 1, sender })
  const bad = { topic: 't', partition: 0, timestamp: 0, key: null, value: null, reason: 'x' }
  for (const offset of [1, 2, 1, 2]) await letters.add({ ...bad, offset })
  letters.forget('t', 0, 2)
  for (const offset of [1, 2]) await letters.add({ ...bad, offset })
  await letters.flush()
  assert.equal(producer.stored.length, 3)
})
