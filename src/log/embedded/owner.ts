// Answers other processes for the process that has the log open; remote_log.ts asks.
import { EuphorionError } from '../../errors.ts'
import { eachBatchHeader } from '../../wire/batch_header.ts'
import { type LocalServer, serveLocal } from '../../wire/local_socket.ts'
import type { TopicConfig } from '../log.ts'
import type { EmbeddedLog } from './embedded_log.ts'
import { socketOptions, socketPath } from './shared.ts'

/** Arguments of the requests by name. */
export interface OwnerRequests {
  createTopic: { name: string; partitions: number; config?: TopicConfig }
  deleteTopic: { name: string }
  topics: null
  topic: { name: string }
  offsets: { topic: string }
  committed: { groupId: string; topic: string }
  forgetGroup: { groupId: string }
  read: { topic: string; partition: number; offset: number; maxBytes: number }
  producerId: null
  append: { topic: string; partition: number }
}

export function serveOwner(root: string, log: EmbeddedLog): Promise<LocalServer> {
  return serveLocal(
    socketPath(root),
    {
      async createTopic(argument) {
        const { name, partitions, config } = argument as OwnerRequests['createTopic']
        return { value: await log.createTopic(name, { partitions, config }) }
      },
      async deleteTopic(argument) {
        await log.deleteTopic((argument as OwnerRequests['deleteTopic']).name)
        return { value: null }
      },
      async topics() {
        return { value: await log.topics() }
      },
      async topic(argument) {
        return { value: await log.topic((argument as OwnerRequests['topic']).name) }
      },
      async offsets(argument) {
        return { value: await log.offsets((argument as OwnerRequests['offsets']).topic) }
      },
      async committed(argument) {
        const { groupId, topic } = argument as OwnerRequests['committed']
        return { value: [...(await log.committed(groupId, topic))] }
      },
      async forgetGroup(argument) {
        await log.forgetGroup((argument as OwnerRequests['forgetGroup']).groupId)
        return { value: null }
      },
      async read(argument) {
        const { topic, partition, offset, maxBytes } = argument as OwnerRequests['read']
        const payload = await log.readBatches(topic, partition, offset, maxBytes)
        return { value: null, payload }
      },
      async producerId() {
        return { value: log.newProducerId() }
      },
      async append(argument, payload) {
        const { topic, partition } = argument as OwnerRequests['append']
        checkBatches(payload)
        return { value: await log.appendBatches(topic, partition, payload) }
      },
    },
    socketOptions,
  )
}

/** What comes from another process is stored only when every checksum holds. */
function checkBatches(bytes: Uint8Array): void {
  const whole = eachBatchHeader(bytes, (batch) => {
    if (!batch.crcValid())
      throw new EuphorionError('BATCH_CORRUPT', 'a batch was damaged on its way to the log')
  })
  if (whole === 0 || whole !== bytes.length)
    throw new EuphorionError('BATCH_CORRUPT', 'what was sent are not whole batches')
}
