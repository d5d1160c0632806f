// Channels: every loop gets everything that is sent while it is there, and holds senders back where
// its queue is full.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../src/clock.ts'
import { Channel } from '../../src/stream/channel.ts'
import { ChannelAgent } from '../../src/stream/channel_agent.ts'
import { pass } from '../support/fake_stream.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'

function channelOf<V>(capacity?: number) {
  const clock = new ManualClock(500)
  const options = capacity === undefined ? {} : { capacity }
  const port = { clock: () => clock, capacity: () => 2 }
  return { clock, channel: new Channel<string | null, V>('c', options, port) }
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const value of values) collected.push(value)
  return collected
}

test('each loop gets what is sent from its beginning on, as events with headers and time', async () => {
  const { channel } = channelOf<number>(10)
  const stored = await channel.send({ value: 0 })
  const [first, second] = [collect(channel.events()), collect(channel.stream())]
  await channel.send({ value: 1, key: 'k', headers: { h: 'x' } })
  await channel.send({ value: 2, timestamp: 7 })
  assert.equal(channel.subscribers, 2)
  channel.end()
  const place = { topic: 'c', partition: -1, offset: -1 }
  assert.deepEqual(stored, { ...place, timestamp: 500 })
  const headers = [{ key: 'h', value: Buffer.from('x') }]
  assert.deepEqual(await first, [
    { key: 'k', value: 1, ...place, timestamp: 500, headers },
    { key: null, value: 2, ...place, timestamp: 7, headers: [] },
  ])
  assert.deepEqual(await second, [1, 2])
  assert.equal(channel.subscribers, 0)
})

test('who sends waits for room in every queue, in turn', async () => {
  const { channel } = channelOf<number>()
  const slow = channel[Symbol.asyncIterator]()
  const sent: number[] = []
  for (const value of [0, 1, 2, 3]) void channel.send({ value }).then(() => sent.push(value))
  await settle()
  assert.deepEqual(sent, [0, 1])
  assert.deepEqual(await slow.next(), { done: false, value: 0 })
  void channel.send({ value: 4 }).then(() => sent.push(4))
  await settle()
  assert.deepEqual(sent, [0, 1, 2])
  await slow.return?.()
  await settle()
  assert.deepEqual(sent, [0, 1, 2, 3, 4])
})

test('random senders and loops: each loop gets all of it, in the order of each sender', async () => {
  const property = fc.asyncProperty(
    fc.record({
      seed: fc.integer(),
      capacity: fc.integer({ min: 1, max: 4 }),
      loops: fc.integer({ min: 1, max: 3 }),
      senders: fc.array(fc.nat(8), { minLength: 1, maxLength: 4 }),
    }),
    async ({ seed, capacity, loops, senders }) => {
      const random = seededRandom(seed)
      const { channel } = channelOf<[number, number]>(capacity)
      const pause = (): Promise<void> => pass(Math.floor(random() * 5))
      const read = async (): Promise<[number, number][]> => {
        const got: [number, number][] = []
        for await (const value of channel) {
          got.push(value)
          await pause()
        }
        return got
      }
      const reading = Array.from({ length: loops }, read)
      await Promise.all(
        senders.map(async (count, sender) => {
          for (let number = 0; number < count; number++) {
            const sent = channel.send({ value: [sender, number] })
            if (random() < 0.5) await sent
            await pause()
          }
        }),
      )
      channel.end()
      const all = await Promise.all(reading)
      for (const got of all) {
        for (const [sender, count] of senders.entries()) {
          const numbers = got.filter(([from]) => from === sender).map(([, number]) => number)
          assert.deepEqual(numbers, [...Array(count).keys()])
        }
      }
    },
  )
  await fc.assert(property, { numRuns: 100 })
})

test('an error thrown into a channel is raised in its loops', async () => {
  const { channel } = channelOf<number>()
  const waiting = collect(channel.map((n) => n + 1))
  await settle()
  channel.throw(new Error('no'))
  await assert.rejects(waiting, /no/)
})

test('bounds are checked', () => {
  for (const capacity of [0, 1.5, 2e6])
    assert.throws(() => channelOf(capacity), { code: 'APP_INVALID' })
})

test('an agent of a channel goes on behind the event that it failed at, after a pause', async () => {
  const { channel, clock } = channelOf<number>(10)
  const got: number[] = []
  const errors: unknown[] = []
  const agent = new ChannelAgent(
    channel,
    async function* doubles(stream) {
      for await (const value of stream) {
        if (value === 1) throw new Error('one')
        yield value * 2
      }
    },
    { sink: (value) => got.push(value) },
  )
  assert.equal(agent.name, 'doubles')
  const running = agent.run({ clock, onError: (error) => errors.push(error) })
  for (const value of [0, 1, 2]) await channel.send({ value })
  await settle()
  assert.deepEqual([got, errors], [[0], [new Error('one')]])
  await clock.advance(1000)
  assert.deepEqual(got, [0, 4])
  await agent.send({ value: 3 })
  channel.end()
  await running
  assert.deepEqual(got, [0, 4, 6])
})
