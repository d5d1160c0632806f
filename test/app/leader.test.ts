// One worker leads: on the embedded log, and among simulated workers that come and go.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App } from '../../src/index.ts'
import { simulate } from '../../src/testing.ts'
import { newApp, until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 120_000

test('a worker alone leads while it runs', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const told: string[] = []
  app.onLeader('leads', async ({ sleep }) => {
    told.push(`leads ${app.isLeader()}`)
    await sleep('1h').finally(() => told.push('ends'))
  })
  let ticks = 0
  app.timer('ticks', 1, () => ticks++, { onLeader: true })
  assert.equal(app.isLeader(), false)
  await app.start()
  assert.deepEqual(told, ['leads true'])
  await until(() => ticks > 1)
  const { partitions } = await (await app.log()).topic('tested-leader')
  assert.equal(partitions, 1)
  await app.stop()
  assert.deepEqual(told, ['leads true', 'ends'])
  assert.equal(app.isLeader(), false)
})

test('an app that asks for no leader has no topic for it', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  await app.start()
  const topics = await (await app.log()).topics()
  assert.deepEqual(topics, [])
  assert.throws(() => app.isLeader(), { code: 'APP_INVALID', message: /leader: true/ })
})

/** What the workers of one simulation did. */
interface Led {
  now: number
  most: number
  times: number
  ticksElsewhere: number
}

function leadingApp(led: Led): App {
  const app = new App('led', { topicPartitions: 3 })
  app.agent(app.topic('numbers'), async (stream) => {
    for await (const _ of stream);
  })
  app.onLeader(async ({ sleep }) => {
    led.times++
    led.most = Math.max(led.most, ++led.now)
    await sleep('1d').finally(() => led.now--)
  })
  const tick = () => {
    if (!app.isLeader()) led.ticksElsewhere++
  }
  app.timer('ticks', '100ms', tick, { onLeader: true })
  return app
}

test('of workers that come and go one leads at a time', { timeout }, async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const led: Led = { now: 0, most: 0, times: 0, ticksElsewhere: 0 }
    const report = await simulate(() => leadingApp(led), {
      seed,
      seconds: 60,
      faults: ['join', 'leave'],
      events: (_random, number) => ({ topic: 'numbers', key: `${number}`, value: `${number}` }),
      check: ({ apps }) => {
        const leaders = apps.filter((app) => app.isLeader()).length
        return leaders === 1 ? [] : [`${leaders} workers lead`]
      },
    })
    assert.deepEqual(report.failures, [], `seed ${seed}`)
    assert.equal(led.most, 1, `seed ${seed}`)
    assert.equal(led.now, 1, `seed ${seed}`)
    assert.ok(led.times > 1, `seed ${seed}: never changed`)
    assert.equal(led.ticksElsewhere, 0, `seed ${seed}`)
  }
})

test('whatever happens, one leads in the end', { timeout }, async () => {
  const led: Led = { now: 0, most: 0, times: 0, ticksElsewhere: 0 }
  const report = await simulate(() => leadingApp(led), {
    seed: 7,
    seconds: 60,
    faults: ['crash', 'pause', 'lost-connections', 'broker-restart', 'machine-crash'],
    events: (_random, number) => ({ topic: 'numbers', key: `${number}`, value: `${number}` }),
    check: ({ apps }) => {
      const leaders = apps.filter((app) => app.isLeader()).length
      return leaders === 1 ? [] : [`${leaders} workers lead`]
    },
  })
  assert.deepEqual(report.failures, [])
})
