import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PendingSends } from '../../src/ingest/pending_sends.ts'
import { settle } from '../support/manual_clock.ts'

/** Sends that end when they are told. */
function sends() {
  const open: { resolve: () => void; reject: (error: Error) => void }[] = []
  const send = (): Promise<void> =>
    new Promise((resolve, reject) => {
      open.push({ resolve, reject })
    })
  return { open, send }
}

test('more than so many, or so many bytes, wait; one record alone may be larger', async () => {
  const { open, send } = sends()
  const pending = new PendingSends(3, 100)
  await pending.add(1000, send)
  let added = 0
  for (const bytes of [60, 30, 20, 1, 1, 1]) void pending.add(bytes, send).then(() => added++)
  await settle()
  assert.deepEqual([open.length, added], [1, 0])
  open[0].resolve()
  await settle()
  assert.deepEqual([open.length, added], [4, 3], '60 and 30, and the first of 1 byte')
  for (const { resolve } of open) resolve()
  await settle()
  for (const { resolve } of open) resolve()
  await settle()
  assert.equal(added, 6)
  for (const { resolve } of open) resolve()
  await pending.flush()
})

test('a failure reaches those who wait, those who come, and the flush', async () => {
  const { open, send } = sends()
  const pending = new PendingSends(1)
  await pending.add(1, send)
  const waiting = [pending.add(1, send), pending.add(1, send)]
  open[0].reject(new Error('no'))
  for (const one of [...waiting, pending.add(1, send), pending.flush()])
    await assert.rejects(one, /no/)
})
