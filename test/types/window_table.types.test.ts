// What the compiler infers of windowed tables and of tables of sets, and what it refuses. The
// assertions are made when this file is compiled; the wrong calls are never run.
import { test } from 'node:test'
import { App } from '../../src/app/app.ts'
import type { SetTable, TableChange, WindowedTable, WindowRow } from '../../src/index.ts'
import { integer, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { check, type Equal } from './equal.ts'

const Page = record('Page', { views: integer() })
interface View {
  url: string
  at: number
  day: Date
}

const app = new App('window-table-types')
const counts = app.table('counts', { key: string(), value: integer(), default: 0 }).tumbling('1m')
const pages = app.table('pages', { key: integer(), value: Page }).hopping('1h', '5m', {
  grace: '1s',
  expires: '1d',
})
const visitors = app.setTable('visitors', { key: string(), value: integer() })

test('keys, values and defaults of windows and sets are inferred', () => {
  check<Equal<typeof counts, WindowedTable<string, number, number>>>()
  check<Equal<typeof pages, WindowedTable<number, { views: number }>>>()
  check<Equal<typeof visitors, SetTable<string, number>>>()
  const reads = async (): Promise<void> => {
    const count = await counts.current('/')
    check<Equal<typeof count, number>>()
    const page = await pages.delta(1, '10m')
    check<Equal<typeof page, { views: number } | undefined>>()
    const rows = await pages.windows(1, { at: 0 })
    check<Equal<typeof rows, WindowRow<number, { views: number }>[]>>()
    const members = await visitors.members('/')
    check<Equal<typeof members, Set<number>>>()
    const same = counts.relativeToField<View>('at').relativeToStream().relativeToNow()
    check<Equal<typeof same, WindowedTable<string, number, number>>>()
    pages.onWindowClose((row) => {
      check<Equal<typeof row, WindowRow<number, { views: number }>>>()
    })
  }
  app.table('plain', { key: string(), value: integer() }).onChange((change) => {
    check<Equal<typeof change, TableChange<string, number>>>()
  })
  check<Equal<ReturnType<typeof reads>, Promise<void>>>()
})

test('what does not fit windows and sets does not compile', () => {
  const wrong = (): void => {
    // @ts-expect-error the key is a string
    void counts.current(1)
    // @ts-expect-error the function is synchronous
    void counts.update('/', async (n) => n + 1)
    // @ts-expect-error without a default there may be none
    void pages.update(1, (page) => ({ views: page.views + 1 }))
    // @ts-expect-error no time
    void counts.delta('/', 'soon')
    // @ts-expect-error text is no time
    counts.relativeToField<View>('url')
    // @ts-expect-error no such field
    counts.relativeToField<View>('when')
    // @ts-expect-error a window needs a size
    app.table('a', { key: string(), value: integer() }).tumbling()
    // @ts-expect-error windows are not made of windows
    counts.tumbling('1m')
    // @ts-expect-error members are numbers
    void visitors.add('/', 'me')
    // @ts-expect-error a set is changed by its members
    void visitors.set('/', new Set([1]))
  }
  check<Equal<typeof wrong, () => void>>()
})
