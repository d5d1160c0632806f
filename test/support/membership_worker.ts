// A process that is a member of a group: says what it is told as lines of JSON, and does what its
// standard input says: 'block <ms>' keeps its main thread busy, 'close' and 'leave' end it. Forked
// by the system tests of memberships.
import { createInterface } from 'node:readline'
import { Cluster } from '../../src/log/kafka/cluster.ts'
import { Membership, type MembershipOptions } from '../../src/log/kafka/membership.ts'

const [brokers, choice] = process.argv.slice(2)
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const connection = { brokers: brokers.split(',') }
const cluster = await Cluster.open(connection)
const membership: Membership = new Membership({
  ...(JSON.parse(choice) as Pick<MembershipOptions, 'groupId' | 'topics'>),
  sessionTimeoutMs: 2000,
  progressTimeoutMs: 60_000,
  metadataIntervalMs: 500,
  ...JSON.parse(choice),
  connection,
  cluster,
  onAssigned: async (added) => say({ kind: 'assigned', added }),
  onRevoked: async (gone, lost) => {
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
  await membership.close(command === 'leave' ? { leave: true } : {})
  cluster.close()
  say({ kind: 'closed' })
  process.stdin.destroy()
})
