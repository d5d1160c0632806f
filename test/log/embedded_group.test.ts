// A group of the embedded log whose last members leave at different paces.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { inDirectory, withLog } from '../support/embedded.ts'
import { openConsumer } from '../support/log.ts'
import { settle } from '../support/manual_clock.ts'

it('who joins while the last members leave is assigned nothing that is still being revoked', () =>
  inDirectory((directory) =>
    withLog(directory, {}, async (log) => {
      await log.createTopic('t', { partitions: 2 })
      const events: string[] = []
      let release = (): void => undefined
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      const member = (name: string, revoking: Promise<void>) =>
        openConsumer(log, ['t'], {
          groupId: 'g',
          onAssigned: async (partitions) => {
            for (const { partition } of partitions) events.push(`${name}+${partition}`)
            return []
          },
          onRevoked: async (partitions) => {
            await revoking
            for (const { partition } of partitions) events.push(`${name}-${partition}`)
          },
        })
      const fast = await member('fast', Promise.resolve())
      const slow = await member('slow', held)
      await settle()
      events.length = 0
      const closed = [fast.close(), slow.close()]
      await closed[0]
      const next = await member('next', Promise.resolve())
      await settle()
      release()
      await Promise.all(closed)
      await settle()
      assert.deepEqual(events, ['fast-0', 'slow-1', 'next+0', 'next+1'])
      await next.close()
    }),
  ))
