// What a partition says of the event that its functions have in hand: tables of windows count at
// its time, so that it must be the right one, or none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentFunction } from '../../src/stream/agent_definition.ts'
import { agentOf, batchOf } from '../support/agents.ts'
import { settle } from '../support/manual_clock.ts'

/** What the partition says while its functions are in their first step. */
async function inHandWhile(run: AgentFunction<string, unknown, unknown>, concurrency = 1) {
  const { partition } = agentOf(run, { concurrency })
  void partition.push(batchOf([{ a: 1 }, { a: 2 }]))
  await settle()
  const { inHand } = partition
  void partition.close()
  return inHand && { timestamp: inHand.timestamp, value: inHand.value }
}

const held = new Promise<void>(() => undefined)

test('of a value, and of an event, its time and the value are told', async () => {
  const ofValue = await inHandWhile(async (stream) => {
    for await (const _ of stream) await held
  })
  const ofEvent = await inHandWhile(async (stream) => {
    for await (const _ of stream.events()) await held
  })
  assert.deepEqual(ofValue, { timestamp: 1000, value: { a: 1 } })
  assert.deepEqual(ofEvent, ofValue)
})

test('two events in hand, a batch, and no event have no time', async () => {
  const two = await inHandWhile(async (stream) => {
    for await (const _ of stream) await held
  }, 2)
  const batch = await inHandWhile(async (stream) => {
    for await (const _ of stream.batches()) await held
  })
  const none = await inHandWhile(async (stream) => {
    for await (const _ of stream);
  })
  assert.deepEqual([two, batch, none], [undefined, undefined, undefined])
})
