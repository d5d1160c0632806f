// A test driver in a process of its own: nothing is printed, nothing keeps the process alive, and
// what nobody handles is told.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { newDirectory, runNode } from '../support/program.ts'

const built = join(import.meta.dirname, '../../../dist/src')

const begin = `
  import { App, integer } from '${built}/index.js'
  import { testDriver } from '${built}/testing.js'
  const app = new App('alone')
  const numbers = app.topic('numbers', { value: integer() })
  app.agent(numbers, async function* (stream) {
    for await (const number of stream) {
      if (number < 0) void Promise.reject(new Error('nobody handles it'))
      yield number
    }
  })
  app.timer('tick', '1s', () => numbers.send({ value: 1 }))
  const driver = await testDriver(app)
  await driver.advanceTime('1m')
`

async function run(t: TestContext, code: string) {
  const args = ['--input-type=module', '--eval', `${begin}${code}`]
  return runNode(t, args, { cwd: await newDirectory() })
}

test('a driver that is stopped, or forgotten, leaves the process to its end', async (t) => {
  const stopped = run(t, 'await driver.stop(); console.log("stopped")')
  const forgotten = run(t, 'console.log("forgotten")')
  assert.deepEqual(await stopped, { code: 0, out: 'stopped\n', err: '' })
  assert.deepEqual(await forgotten, { code: 0, out: 'forgotten\n', err: '' })
})

test('a rejection that nobody handles rejects the next call', async (t) => {
  const ended = await run(
    t,
    `await driver.topic(numbers).send({ value: -1 })
     await driver.settle().catch((error) => console.log(error.message))
     await driver.settle()
     await driver.stop()`,
  )
  assert.deepEqual(ended, { code: 0, out: 'nobody handles it\n', err: '' })
})
