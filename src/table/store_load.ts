// A load of a store that has no faster way: a batch for every buffer of rows. Called by stores.
import type { Store, StoreLoad } from './store.ts'

export function loadByBatches(store: Pick<Store, 'batch'>): StoreLoad {
  return {
    async putRows(rows) {
      const batch = store.batch()
      await batch.putRows(rows)
      await batch.commit()
    },
    async finish() {},
    async drop() {},
  }
}
