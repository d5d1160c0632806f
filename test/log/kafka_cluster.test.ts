import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { deferred } from '../../src/deferred.ts'
import { EuphorionError } from '../../src/errors.ts'
import { pauseMs } from '../../src/log/kafka/backoff.ts'
import { BrokerRefusal } from '../../src/log/kafka/broker_refusal.ts'
import { Cluster, type ClusterOptions } from '../../src/log/kafka/cluster.ts'
import { brokerCode } from '../../src/wire/broker_code.ts'
import { echo } from '../support/echo.ts'
import { FakeCluster } from '../support/fake_cluster.ts'
import { rejectsWith } from '../support/log.ts'

const toStop: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of toStop.splice(0).reverse()) await stop()
})

async function fakeCluster(...nodeIds: number[]): Promise<FakeCluster> {
  const fake = new FakeCluster()
  toStop.push(() => fake.stop())
  for (const nodeId of nodeIds) await fake.addBroker(nodeId)
  return fake
}

const addresses = (fake: FakeCluster): string[] =>
  [...fake.brokers.values()].map(({ port }) => `127.0.0.1:${port}`)

async function openCluster(
  fake: FakeCluster,
  options: Partial<ClusterOptions> = {},
): Promise<Cluster> {
  const cluster = await Cluster.open({
    brokers: addresses(fake),
    connectTimeoutMs: 2000,
    requestTimeoutMs: 5000,
    retryBackoff: { firstMs: 2, mostMs: 10 },
    reconnectBackoff: { firstMs: 2, mostMs: 10 },
    ...options,
  })
  toStop.push(() => cluster.close())
  return cluster
}

const leader = (nodeId: number, epoch: number) => ({ nodeId, epoch })
const refusal = (errorCode: number): BrokerRefusal => {
  try {
    BrokerRefusal.check(errorCode, 'asking')
  } catch (error) {
    return error as BrokerRefusal
  }
  assert.fail('no error')
}

describe('leaders', () => {
  test('never go back to an older epoch', async () => {
    const fake = await fakeCluster(1)
    const cluster = await openCluster(fake)
    fake.topics.set('t', { id: 1, leaders: [leader(1, 5), leader(1, 5)] })
    await cluster.metadata(['t'])
    fake.topics.set('t', { id: 1, leaders: [leader(2, 4), leader(2, 6)] })
    await cluster.refresh(['t'])
    assert.deepEqual(cluster.leader('t', 0), leader(1, 5))
    assert.deepEqual(cluster.leader('t', 1), leader(2, 6))
    cluster.setLeader('t', 1, leader(3, 6))
    assert.deepEqual(cluster.leader('t', 1), leader(2, 6))
    cluster.setLeader('t', 1, leader(3, 7))
    assert.deepEqual(cluster.leader('t', 1), leader(3, 7))
  })

  test('of a topic that was made anew begin again', async () => {
    const fake = await fakeCluster(1)
    const cluster = await openCluster(fake)
    fake.topics.set('t', { id: 1, leaders: [leader(1, 5), leader(1, 5)] })
    const [before] = await cluster.metadata(['t'])
    fake.topics.set('t', { id: 2, leaders: [leader(1, 0)] })
    const [anew] = await cluster.metadata(['t'], { refresh: true })
    assert.notEqual(before.id, anew.id)
    assert.deepEqual(anew.leaders, [leader(1, 0)])
  })

  test('a partition without one has none, and is asked for again', async () => {
    const fake = await fakeCluster(1)
    const cluster = await openCluster(fake)
    fake.topics.set('t', { id: 1, leaders: [leader(-1, 2)] })
    await cluster.metadata(['t'])
    assert.equal(cluster.leader('t', 0), undefined)
    let tries = 0
    const ask = () => {
      if (++tries === 3) fake.topics.set('t', { id: 1, leaders: [leader(1, 3)] })
      return cluster.leaderConnection('t', 0, 'produce')
    }
    const found = await cluster.retry(ask, { topics: ['t'] })
    assert.equal(tries, 4)
    assert.equal(found.epoch, 3)
    await assert.rejects(cluster.leaderConnection('t', 1, 'produce'), rejectsWith('TOPIC_UNKNOWN'))
  })
})

describe('metadata', () => {
  test('is asked once, and again when it is to be fresh', async () => {
    const fake = await fakeCluster(1)
    fake.topics.set('t', { id: 1, leaders: [leader(1, 0)] })
    const cluster = await openCluster(fake)
    fake.asked.length = 0
    await cluster.metadata(['t'])
    await cluster.metadata(['t'])
    assert.deepEqual(fake.asked, [['t']])
    await cluster.metadata(['t'], { refresh: true })
    assert.equal(fake.asked.length, 2)
    assert.deepEqual(
      (await cluster.allTopics()).map(({ name }) => name),
      ['t'],
    )
  })

  test('those who come while a question is under way share the next one', async () => {
    const fake = await fakeCluster(1)
    for (const name of ['a', 'b', 'c']) fake.topics.set(name, { id: 1, leaders: [leader(1, 0)] })
    const cluster = await openCluster(fake)
    fake.asked.length = 0
    const gate = deferred<void>()
    fake.gate = gate.promise
    const first = cluster.refresh(['a'])
    while (fake.asked.length < 1) await new Promise((resolve) => setImmediate(resolve))
    const others = Promise.all(['b', 'c', 'b'].map((name) => cluster.refresh([name])))
    gate.resolve()
    await Promise.all([first, others])
    assert.deepEqual(fake.asked, [['a'], ['b', 'c']])
  })

  test('a topic that is not there is TOPIC_UNKNOWN, also after it was', async () => {
    const fake = await fakeCluster(1)
    const cluster = await openCluster(fake)
    await assert.rejects(cluster.metadata(['t']), rejectsWith('TOPIC_UNKNOWN'))
    fake.topics.set('t', { id: 1, leaders: [leader(1, 0)] })
    await cluster.metadata(['t'])
    fake.topics.delete('t')
    await cluster.refresh(['t'])
    assert.equal(cluster.topic('t'), undefined)
    await assert.rejects(cluster.metadata(['t']), rejectsWith('TOPIC_UNKNOWN'))
  })

  test('a topic that may not be seen says so, and does not hide others', async () => {
    const fake = await fakeCluster(1)
    const cluster = await openCluster(fake)
    const denied = brokerCode.TOPIC_AUTHORIZATION_FAILED
    fake.topics.set('secret', { id: 1, errorCode: denied, leaders: [] })
    fake.topics.set('t', { id: 1, leaders: [leader(1, 0)] })
    await assert.rejects(cluster.metadata(['t', 'secret']), rejectsWith('ACCESS_DENIED'))
    assert.ok(cluster.topic('t'))
  })

  test('is asked for again when it is old', async () => {
    const fake = await fakeCluster(1)
    fake.topics.set('t', { id: 1, leaders: [leader(1, 0)] })
    const cluster = await openCluster(fake, { metadataMaxAgeMs: 20 })
    await cluster.metadata(['t'])
    fake.topics.set('t', { id: 1, leaders: [leader(1, 9)] })
    while (cluster.leader('t', 0)?.epoch !== 9)
      await new Promise((resolve) => setImmediate(resolve))
  })
})

describe('connections', () => {
  test('there is one for each broker and purpose, opened anew after it ended', async () => {
    const fake = await fakeCluster(1, 2)
    const cluster = await openCluster(fake)
    const [a, b, c] = await Promise.all([
      cluster.connection(2, 'produce'),
      cluster.connection(2, 'produce'),
      cluster.connection(2, 'control'),
    ])
    assert.equal(a, b)
    assert.notEqual(a, c)
    a.close()
    const again = await cluster.connection(2, 'produce')
    assert.notEqual(again, a)
    assert.deepEqual(await again.request(echo, Buffer.from('x')), Buffer.from('x'))
    await assert.rejects(cluster.connection(7, 'control'), /broker 7 is not in the cluster/)
  })

  test('a broker that hangs up each time is asked with growing pauses', async () => {
    const fake = await fakeCluster(1)
    const waits: number[] = []
    const clock = {
      ...systemClock,
      after: (ms: number, call: () => void) => {
        if (ms < 1000) waits.push(ms)
        return systemClock.after(ms, call)
      },
    }
    const options = { clock, random: () => 0.5, reconnectBackoff: { firstMs: 4, mostMs: 32 } }
    const cluster = await openCluster(fake, options)
    waits.length = 0
    for (let time = 0; time < 5; time++) (await cluster.connection(1, 'produce')).close()
    const slept = waits.map(Math.ceil)
    assert.equal(slept.length, 4)
    for (const [index, most] of [4, 8, 16, 32].entries())
      assert.ok(slept[index] <= most && slept[index] > most / 4, slept.join())
  })

  test('any of the given brokers will do', async () => {
    const fake = await fakeCluster(1, 2)
    const brokers = ['127.0.0.1:1', ...addresses(fake).slice(1)]
    for (let run = 0; run < 5; run++) {
      const cluster = await openCluster(fake, { brokers })
      assert.equal((await cluster.connection(1, 'control')).closed, false)
    }
  })

  test('when all the known brokers are gone, the given ones are asked again', async () => {
    const fake = await fakeCluster(1, 2)
    // Broker 1 alone is given, and stays; the cluster does not name it for a while.
    const brokers = addresses(fake).slice(0, 1)
    const one = fake.brokers.get(1)!
    fake.brokers.delete(1)
    const cluster = await openCluster(fake, { brokers })
    await cluster.connection(2, 'control')
    await fake.removeBroker(2)
    fake.brokers.set(1, one)
    fake.topics.set('t', { id: 1, leaders: [leader(1, 0)] })
    await cluster.metadata(['t'])
    assert.equal((await cluster.connection(1, 'control')).closed, false)
  })

  test('nobody there is BROKER_UNREACHABLE after the time given, with every address', async () => {
    const started = performance.now()
    await assert.rejects(
      Cluster.open({ brokers: ['127.0.0.1:1', '[::1]:2'], connectTimeoutMs: 200 }),
      (error: EuphorionError) => {
        rejectsWith('BROKER_UNREACHABLE')(error)
        return error.message.includes('127.0.0.1:1,[::1]:2')
      },
    )
    assert.ok(performance.now() - started < 2000)
  })
})

describe('coordinators', () => {
  test('are remembered until they are to be forgotten', async () => {
    const fake = await fakeCluster(1, 2)
    const cluster = await openCluster(fake)
    fake.coordinatorErrors = [brokerCode.COORDINATOR_NOT_AVAILABLE, brokerCode.NOT_COORDINATOR]
    const first = await cluster.coordinator('group', 'g')
    assert.equal(fake.coordinatorsAsked, 3)
    assert.equal(await cluster.coordinator('group', 'g'), first)
    fake.coordinator = 2
    cluster.forgetCoordinator('group', 'g')
    assert.notEqual(await cluster.coordinator('group', 'g'), first)
    assert.equal(fake.coordinatorsAsked, 4)
  })

  test('one that has moved is looked for by retry', async () => {
    const fake = await fakeCluster(1, 2)
    const cluster = await openCluster(fake)
    const seen: string[] = []
    const ask = async () => {
      seen.push((await cluster.coordinator('transaction', 'x')).address)
      if (seen.length === 1) {
        fake.coordinator = 2
        throw refusal(brokerCode.NOT_COORDINATOR)
      }
      if (seen.length === 2) throw refusal(brokerCode.COORDINATOR_LOAD_IN_PROGRESS)
    }
    await cluster.retry(ask, { coordinator: { kind: 'transaction', id: 'x' } })
    const [one, two] = addresses(fake)
    assert.deepEqual(seen, [one, two, two])
    assert.equal(fake.coordinatorsAsked, 2)
  })
})

describe('retry', () => {
  test('asks again what passes, and looks up the topics before', async () => {
    const fake = await fakeCluster(1)
    const cluster = await openCluster(fake)
    fake.topics.set('t', { id: 1, leaders: [leader(1, 0)] })
    fake.asked.length = 0
    let calls = 0
    const answer = await cluster.retry(
      async () => {
        if (++calls < 3) throw refusal(brokerCode.NOT_LEADER_OR_FOLLOWER)
        return calls
      },
      { topics: ['t'] },
    )
    assert.equal(answer, 3)
    assert.deepEqual(fake.asked, [['t'], ['t']])
  })

  test('ends at once with what does not pass, and in time with what does', async () => {
    const fake = await fakeCluster(1)
    const cluster = await openCluster(fake)
    let calls = 0
    const final = async () => {
      calls++
      throw refusal(brokerCode.TOPIC_AUTHORIZATION_FAILED)
    }
    await assert.rejects(cluster.retry(final), rejectsWith('ACCESS_DENIED'))
    assert.equal(calls, 1)
    const ours = () => Promise.reject(new TypeError('a mistake of ours'))
    await assert.rejects(cluster.retry(ours), TypeError)
    const passing = async () => {
      calls++
      throw refusal(brokerCode.NOT_ENOUGH_REPLICAS)
    }
    await assert.rejects(cluster.retry(passing, { timeoutMs: 60 }), rejectsWith('LOG_FAILED'))
    assert.ok(calls > 3)
  })

  test('ends when the cluster is closed', async () => {
    const fake = await fakeCluster(1)
    const retryBackoff = { firstMs: 60_000, mostMs: 60_000 }
    const cluster = await openCluster(fake, { retryBackoff, requestTimeoutMs: 200_000 })
    const gone = cluster.retry(() => Promise.reject(new EuphorionError('LOG_FAILED', 'away')))
    const refused = assert.rejects(gone, rejectsWith('LOG_FAILED'))
    await new Promise((resolve) => setImmediate(resolve))
    cluster.close()
    await refused
    await assert.rejects(cluster.refresh(['t']), rejectsWith('LOG_FAILED'))
    await assert.rejects(cluster.connection(1, 'produce'), rejectsWith('LOG_FAILED'))
  })
})

test('pauses double up to the bound, a fifth shorter or longer', () => {
  const backoff = { firstMs: 100, mostMs: 1000 }
  const middle = [1, 2, 3, 4, 5, 1000].map((failures) => pauseMs(backoff, failures, () => 0.5))
  assert.deepEqual(middle, [100, 200, 400, 800, 1000, 1000])
  assert.equal(
    pauseMs(backoff, 1, () => 0),
    80,
  )
  assert.equal(
    pauseMs(backoff, 9, () => 1),
    1200,
  )
})
