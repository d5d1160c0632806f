// Agents in a test driver: events given one by one, what they make of them, errors in their loops,
// and questions.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { App } from '../../src/app/app.ts'
import { integer, string } from '../../src/record/fields.ts'
import { testDriver } from '../../src/testing/test_driver.ts'

function numbersApp(guarantee: 'at_least_once' | 'exactly_once' = 'at_least_once') {
  const app = new App('numbers', { guarantee })
  const numbers = app.topic('numbers', { value: integer() })
  const doubled = app.topic('doubled', { value: integer() })
  const doubling = app.agent(
    numbers,
    async function* double(stream) {
      for await (const number of stream) yield number * 2
    },
    { sink: doubled },
  )
  return { app, numbers, doubled, doubling }
}

test('what an agent yields is there by the offset of its event', async () => {
  const { app, doubled, doubling } = numbersApp()
  await using driver = await testDriver(app)
  const agent = driver.agent(doubling)
  const [first, second] = [await agent.put(3), await agent.put(5, { headers: { of: 'a test' } })]
  assert.deepEqual([first.offset, second.offset], [0, 1])
  assert.deepEqual([first.results, second.results], [[6], [10]])
  assert.deepEqual(Object.fromEntries(agent.results), { 0: 6, 1: 10 })
  assert.deepEqual(
    (await driver.topic(doubled).readAll()).map(({ value }) => value),
    [6, 10],
  )
})

test('an agent that never yields has its events as results', async () => {
  const { app, numbers } = numbersApp()
  const seen: number[] = []
  const taking = app.agent(numbers, async (stream) => {
    for await (const number of stream) seen.push(number)
  })
  await using driver = await testDriver(app)
  const agent = driver.agent(taking)
  assert.deepEqual((await agent.put(7)).results, [])
  await agent.put(8)
  assert.deepEqual(Object.fromEntries(agent.results), { 0: 7, 1: 8 })
  assert.deepEqual(seen, [7, 8])
})

test('an error is thrown in the loop, and rejects', async () => {
  const { app, doubling, doubled } = numbersApp()
  const driver = await testDriver(app)
  const agent = driver.agent(doubling)
  await agent.put(1)
  await assert.rejects(agent.throw(new RangeError('thrown by the test'), 2), (error: Error) => {
    assert.equal('code' in error && error.code, 'HANDLER_FAILED')
    assert.match(String(error.cause), /thrown by the test/)
    return true
  })
  assert.deepEqual([...agent.results.keys()], [0])
  await driver.restart()
  const values = (await driver.topic(doubled).readAll()).map(({ value }) => value)
  assert.deepEqual(values, [2, 4])
  await driver.stop()
})

describe('agents are asked', () => {
  for (const guarantee of ['at_least_once', 'exactly_once'] as const)
    test(guarantee, async () => {
      const { app, doubling } = numbersApp(guarantee)
      const driver = await testDriver(app)
      assert.equal(await driver.until(doubling.ask(4)), 8)
      assert.deepEqual(await driver.until(doubling.join([1, 2, 3])), [2, 4, 6])
      await driver.stop()
    })

  test('by other agents, and without time passing', async () => {
    const { app, doubling } = numbersApp()
    const names = app.topic('names', { value: string() })
    const greeting = app.agent(names, async function* greet(stream) {
      for await (const name of stream) yield `hello ${name}, ${await doubling.ask(name.length)}`
    })
    const driver = await testDriver(app)
    assert.equal(await greeting.ask('you'), 'hello you, 6')
    assert.equal(driver.time, Date.UTC(2026, 0, 1))
    await driver.stop()
  })

  test('and nobody answers: the time-out is of virtual time', async () => {
    const app = new App('unanswered')
    const numbers = app.topic('numbers', { value: integer() })
    const silent = app.agent(numbers, async function* silent(stream): AsyncGenerator<number> {
      for await (const number of stream) {
        await new Promise<void>((resolve) => app.clock.after(60_000, resolve))
        yield number
      }
    })
    const driver = await testDriver(app)
    await assert.rejects(driver.until(silent.ask(1, { timeout: '5s' })), { code: 'ASK_TIMEOUT' })
    assert.equal(driver.time, Date.UTC(2026, 0, 1, 0, 0, 5))
    assert.equal(await driver.until(silent.ask(2, { timeout: '3m' }), '3m'), 2)
    await driver.stop()
  })
})
