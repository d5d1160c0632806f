// A process that is a member of a group: says what it is told as lines of JSON, and does what its
// standard input says: 'block <ms>' keeps its main thread busy, 'close' and 'leave' end it, after
// 'forget' nothing keeps it alive. Spawned by MemberProcess.
import { createInterface } from 'node:readline'
import { Cluster } from '../../src/log/kafka/cluster.ts'
import { Membership } from '../../src/log/kafka/membership.ts'
import type { WorkerChoice } from './member_process.ts'

const [brokers, json] = process.argv.slice(2)
const choice = JSON.parse(json) as WorkerChoice
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const connection = { brokers: brokers.split(',') }
const cluster = await Cluster.open(connection)
const membership: Membership = new Membership({
  sessionTimeoutMs: 2000,
  progressTimeoutMs: 60_000,
  metadataIntervalMs: 500,
  ...choice,
  connection,
  cluster,
  onAssigned: async (added) => say({ kind: 'assigned', added }),
  onRevoked: async (gone, lost) => {
    if (choice.neverRevokes && !lost) return new Promise(() => undefined)
    const offsets = gone.map((each) => ({ ...each, offset: 7 }))
    const committed = lost ? 'lost' : await membership.commit(offsets).then(() => 'committed')
    say({ kind: 'revoked', gone, lost, committed })
  },
  onFailed: (error) => say({ kind: 'failed', error: String(error) }),
})
await membership.start()
say({ kind: 'started' })

createInterface({ input: process.stdin }).on('line', async (line) => {
  const [command, argument] = line.split(' ')
  if (command === 'block') {
    const end = performance.now() + Number(argument)
    while (performance.now() < end);
    say({ kind: 'unblocked' })
    return
  }
  if (command === 'forget') {
    cluster.close()
    process.stdin.destroy()
    return
  }
  await membership.close(command === 'leave' ? { leave: true } : {})
  cluster.close()
  say({ kind: 'closed' })
  process.stdin.destroy()
})
