// A load of a store that has no faster way: a batch for every buffer of rows. Called by stores.
import assert from 'node:assert/strict'
import type { Store, StoreLoad } from './store.ts'

export function loadByBatches(store: Pick<Store, 'batch'>): StoreLoad {
  let isDone = false
  let last: Promise<unknown> = Promise.resolve()
  return {
    async putRows(rows) {
      assert(!isDone, 'load is done')
      const put = async () => {
        const batch = store.batch()
        await batch.putRows(rows)
        await batch.commit()
      }
      const putting = put()
      last = putting.catch(() => undefined)
      await putting
    },
    async finish() {
      assert(!isDone, 'load is done')
      isDone = true
      await last
    },
    async drop() {
      isDone = true
      await last
    },
  }
}
