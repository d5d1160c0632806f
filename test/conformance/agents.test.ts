// How agents share events, and the names of what they make: in numbers that users of Faust know.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { App } from '../../src/app/app.ts'
import { integer } from '../../src/record/fields.ts'
import { repartitionTopic } from '../../src/stream/repartition.ts'
import { testDriver } from '../../src/testing/test_driver.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** What each function of an agent got, of `messages` that are stored at once. */
async function shares(
  concurrency: number,
  partitions: number,
  messages: number,
  wait: () => Promise<void>,
) {
  const app = new App('shares')
  const numbers = app.topic('numbers', { value: integer(), partitions })
  const got: { readonly partition: number; readonly value: number }[][] = []
  app.agent(
    numbers,
    async (stream) => {
      const mine: { partition: number; value: number }[] = []
      got.push(mine)
      for await (const { partition, value } of stream.events()) {
        mine.push({ partition, value })
        await wait()
      }
    },
    { concurrency },
  )
  await using driver = await testDriver(app)
  await driver
    .topic(numbers)
    .sendMany(upTo(messages).map((value) => ({ value, partition: value % partitions })))
  await driver.settle()
  return got
}

const bodies = [
  { name: 'that do not wait', wait: async () => undefined },
  { name: 'that wait a turn', wait: () => new Promise<void>((resolve) => setImmediate(resolve)) },
]

describe('an agent', () => {
  for (const { name, wait } of bodies) {
    test(`with concurrency 10 gives 10 loops ${name} 10 of 100 events each, in turn`, async () => {
      const got = await shares(10, 1, 100, wait)
      assert.equal(got.length, 10)
      const firsts = got.map(([{ value }]) => value).sort((a, b) => a - b)
      assert.deepEqual(firsts, upTo(10))
      for (const mine of got)
        assert.deepEqual(
          mine.map(({ value }) => value),
          upTo(10).map((round) => mine[0].value + round * 10),
        )
    })

    test(`has one loop for each of 4 partitions, which sees only its own, ${name}`, async () => {
      const got = await shares(1, 4, 100, wait)
      assert.deepEqual(
        got.map((mine) => mine.length),
        [25, 25, 25, 25],
      )
      assert.deepEqual(got.map(([{ partition }]) => partition).sort(), upTo(4))
      for (const mine of got) assert.ok(mine.every(({ value }) => value % 4 === mine[0].partition))
    })
  }
})

const names: readonly (readonly [agent: string, topic: string, by: string, name: string])[] = [
  ['foo.bar.baz', 'test', 'FooModel.foo', 'foo.bar.baz-test-FooModel.foo-repartition'],
  ['mod.agent', 'orders', 'BT.account_id', 'mod.agent-orders-BT.account_id-repartition'],
  ['mod.agent', 'orders', 'amt', 'mod.agent-orders-amt-repartition'],
  ['an agent', 'orders', 'amt', 'an_agent-orders-amt-repartition'],
]

describe('a repartition topic is named after who groups what by what', () => {
  for (const [agent, topic, by, name] of names)
    test(name, () => assert.equal(repartitionTopic(agent, topic, by), name))

  test('what is grouped again has the prefix once', () => {
    const [first, again] = ['a-t-x-repartition', 'a-t-x-repartition-y-repartition']
    assert.equal(repartitionTopic('a', 't', 'x'), first)
    assert.equal(repartitionTopic('a', first, 'y'), again)
  })
})
