// Workers with state, and their broker, are disturbed many times under both guarantees: everything
// is exact. Workers that are killed are replaced in about their session, and those that are
// restarted one by one stand still for moments.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { crashSeed } from '../support/crash_lives.ts'
import { canStartKafka, startKafka } from '../support/kafka.ts'
import { type Handover, runFailovers, runRollingRestarts } from '../support/state_failover.ts'
import { runStateTrial } from '../support/state_trial.ts'

const FAULTS = Number(process.env.EUPHORION_TEST_FAULTS ?? 30)
const KILLS = Number(process.env.EUPHORION_TEST_KILLS ?? 5)
const RATE = 2000
/** Without anybody who reads a partition, session of 6 s included. */
const IDLE_MS_MAX = 7000
const PROMOTION_MS_MAX = 1000
const PAUSE_MS_MAX = 1000
/** In which a partition stands still while its worker is restarted. */
const RESTART_MS_MAX = 3000

if (await canStartKafka()) {
  const kafka = await startKafka()
  after(() => kafka.stop())

  const guarantees = ['at_least_once', 'exactly_once'] as const
  const longest = (handovers: readonly Handover[], of: (each: Handover) => number): number =>
    Math.max(...handovers.map(of))
  const idleMs = ({ agentMs, lanesMs }: Handover): number => Math.max(agentMs, lanesMs)

  for (const [index, guarantee] of guarantees.entries())
    test(`state is exact after ${FAULTS} faults, ${guarantee}`, async (t) => {
      const seed = crashSeed() + index
      t.diagnostic(`seed ${seed}`)
      const tell = (line: string) => t.diagnostic(line)
      const isStatic = guarantee === 'exactly_once'
      const settings = { standbyReplicas: isStatic ? 0 : 1 }
      await runStateTrial({
        kafka,
        guarantee,
        seed,
        faults: FAULTS,
        rate: RATE,
        settings,
        isStatic,
        tell,
      })
    })

  for (const [index, guarantee] of guarantees.entries())
    test(`a worker that is killed is replaced in time, ${guarantee}`, async (t) => {
      const seed = crashSeed() + index
      t.diagnostic(`seed ${seed}`)
      const { handovers, pauseMs } = await runFailovers({
        kafka,
        guarantee,
        seed,
        workers: 3,
        partitions: 6,
        times: KILLS,
        rate: RATE,
        settings: { standbyReplicas: 1 },
        tell: (line) => t.diagnostic(line),
      })
      const idle = longest(handovers, idleMs)
      const promotion = longest(handovers, (each) => idleMs(each) - each.joinedMs)
      t.diagnostic(`idle ${idle} ms at most, ${promotion} of it with an owner; others ${pauseMs}`)
      assert.ok(idle <= IDLE_MS_MAX, `${idle} ms`)
      assert.ok(promotion <= PROMOTION_MS_MAX, `${promotion} ms`)
      assert.ok(pauseMs <= PAUSE_MS_MAX, `${pauseMs} ms`)
    })

  for (const guarantee of guarantees)
    test(`a rolling restart moves nothing and is quick, ${guarantee}`, async (t) => {
      const { handovers, pauseMs, rounds } = await runRollingRestarts({
        kafka,
        guarantee,
        seed: 1,
        workers: 3,
        partitions: 6,
        times: 2,
        rate: RATE,
        tell: (line) => t.diagnostic(line),
      })
      const idle = longest(handovers, idleMs)
      t.diagnostic(`partitions stood still for ${idle} ms at most, others for ${pauseMs}`)
      assert.deepEqual(rounds, [])
      assert.ok(idle <= RESTART_MS_MAX, `${idle} ms`)
      assert.ok(pauseMs <= PAUSE_MS_MAX, `${pauseMs} ms`)
    })
}
