// W0–W3 by Euphorion and by other engines, in turn over one topic of one Kafka, every answer
// checked. Called by peers.ts; each engine's program is in bench/peers/*/.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../../../src/log/log.ts'
import { openLog } from '../../../src/log/open.ts'
import { prepareTopic } from '../../../src/tune/bench_topic.ts'
import { kafkaVersion } from '../../../test/support/kafka_jars.ts'
import { conditions } from '../../report/checkout.ts'
import type { Broker } from '../../support/broker.ts'
import { Answers, type Made } from './answer.ts'
import { type Engine, engines, guaranteesOf } from './engines.ts'
import { type Measured, measure } from './measure.ts'
import { Missing } from './missing.ts'
import { rowOf, type StreamRow, withRatios } from './rows.ts'
import type { Guarantee, PeerSpec, StreamWorkload } from './spec.ts'

export interface StreamOptions {
  readonly broker: Broker
  readonly brokerIsGiven: boolean
  readonly events: number
  /** Most time of a run; runs of an engine are repeated only while they fit into it together. */
  readonly seconds: number
  readonly runs: number
  /** Names of engines; default all. Euphorion runs beside them anyway. */
  readonly peers: readonly string[] | undefined
  readonly mayFetch: boolean
  say(line: string): void
}

const PARTITIONS = 4
const KEYS = 8057
/** What prepareTopic makes its events of. */
const SEED = 1

/** An engine under one guarantee, and its runs so far. */
interface Entry {
  readonly engine: Engine
  readonly guarantee: Guarantee
  readonly command: readonly string[]
  readonly runs: Measured[]
  isRight: boolean
  /** Has failed, or has used its time. */
  isOver: boolean
}

interface Place {
  readonly log: Log
  readonly brokers: string
  readonly topic: string
  readonly made: Made
  readonly answers: Answers
  readonly ends: readonly number[]
}

/** Rows of engines that are not there are missing, with a line that says why. */
export async function streamPeers(
  workload: StreamWorkload,
  options: StreamOptions,
): Promise<readonly StreamRow[]> {
  const { say, seconds, events } = options
  const brokers = await options.broker.addresses()
  if (brokers === undefined) return []
  const entries = await entriesOf(workload, options)
  const log = await openLog(`kafka://${brokers}`)
  try {
    const made = { events, partitions: PARTITIONS, keys: KEYS, seed: SEED }
    say(`${workload}: ${events.toLocaleString('en')} events`)
    const topic = await prepareTopic(log, { ...made, compression: 'none' }, () => undefined)
    const ends = (await log.offsets(topic)).map(({ latest }) => latest)
    const place = { log, brokers, topic, made, ends, answers: new Answers(made) }
    for (let round = 0; round < options.runs; round++)
      for (const entry of entries) if (!entry.isOver) await runOnce(workload, entry, place, options)
    const kafka = options.brokerIsGiven ? 'as given' : kafkaVersion
    const common = { workload, ...made, kafka, secondsMax: seconds, ...conditions() }
    const rows = entries
      .filter(({ runs }) => runs.length > 0)
      .map(({ engine, guarantee, runs, isRight }) =>
        rowOf({ ...common, peer: engine.name, guarantee, identical: isRight }, runs),
      )
    return withRatios(rows)
  } finally {
    await log.close()
  }
}

async function entriesOf(workload: StreamWorkload, options: StreamOptions): Promise<Entry[]> {
  const { peers, say } = options
  const entries: Entry[] = []
  for (const engine of engines) {
    const isWanted = engine.name === 'euphorion' || (peers?.includes(engine.name) ?? true)
    if (!isWanted) continue
    try {
      const command = await engine.prepare(options)
      for (const guarantee of guaranteesOf(engine, workload))
        entries.push({ engine, guarantee, command, runs: [], isRight: true, isOver: false })
    } catch (error) {
      if (!(error instanceof Missing)) throw error
      say(`${engine.name}, ${workload}\n  left out: ${error.message}`)
    }
  }
  return entries
}

async function runOnce(
  workload: StreamWorkload,
  entry: Entry,
  { log, brokers, topic, ends, answers }: Place,
  { say, seconds }: StreamOptions,
): Promise<void> {
  const { engine, guarantee, command, runs } = entry
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-peer-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  process.once('exit', remove)
  const id = `peer-${engine.name}-${workload}-${process.pid}-${runs.length}-${guarantee[0]}`
  const answer = join(directory, 'answer.tsv')
  const spec: PeerSpec = {
    ...{ workload, guarantee, brokers, topic, ends, seconds },
    ...{ id, directory, answer },
  }
  const name = `${engine.name}, ${workload}, ${guarantee}`
  try {
    const run = await measure(command, spec)
    const { isRight, why } = await answers.check(workload, answer, run.records)
    runs.push(run)
    say(`${name}: ${factsOf(run)}, ${isRight ? 'answer right' : `WRONG: ${why}`}`)
    entry.isRight &&= isRight
    const spent = runs.reduce((sum, each) => sum + each.seconds, 0)
    if (spent + run.seconds > seconds) entry.isOver = true
  } catch (error) {
    say(`${name}\n  left out: ${(error as Error).message}`)
    entry.isOver = true
  } finally {
    await deleteTopicsOf(log, id)
    process.off('exit', remove)
    remove()
  }
}

function factsOf({ records, seconds, perSecond, cpuSeconds, residentMiB }: Measured): string {
  const rate = `${Math.round(perSecond).toLocaleString('en')} events/s`
  const cpu =
    cpuSeconds === undefined ? '' : `, ${((cpuSeconds / records) * 1e6).toFixed(2)} CPU-s/M`
  const memory = residentMiB === undefined ? '' : `, ${Math.round(residentMiB)} MiB`
  return `${records.toLocaleString('en')} in ${seconds.toFixed(1)} s: ${rate}${cpu}${memory}`
}

/** Changelogs and the like: nobody reads them again. */
async function deleteTopicsOf(log: Log, id: string): Promise<void> {
  for (const { name } of await log.topics()) if (name.includes(id)) await log.deleteTopic(name)
}
