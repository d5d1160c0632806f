// What the compiler infers of agents' tables, and what it refuses. The assertions are made when
// this file is compiled; the wrong calls are never run.
import { test } from 'node:test'
import { App } from '../../src/app/app.ts'
import { json } from '../../src/record/codec.ts'
import { array, int64, integer, optional, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import type { Table } from '../../src/stream/table.ts'
import { check, type Equal } from './equal.ts'

const Page = record('Page', { views: integer(), by: optional(array(string())) })
interface PageEvent {
  views: number
  by?: string[]
}

const app = new App('table-types')
const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
const pages = app.table('pages', { key: int64(), value: Page })
const global = app.globalTable('all', { key: integer(), value: json<PageEvent>() })
const made = app.table('made', { key: string(), value: Page, default: () => ({ views: 0 }) })

test('keys, values and defaults are inferred', () => {
  check<Equal<typeof counts, Table<string, number, number>>>()
  check<Equal<typeof pages, Table<bigint, PageEvent>>>()
  check<Equal<typeof made, Table<string, PageEvent, PageEvent>>>()
  check<Equal<typeof global, Table<number, PageEvent>>>()
  const reads = async (): Promise<void> => {
    const count = await counts.get('/')
    check<Equal<typeof count, number>>()
    const page = await pages.get(1n)
    check<Equal<typeof page, PageEvent | undefined>>()
    const updated = await pages.update(1n, (value) => {
      check<Equal<typeof value, PageEvent | undefined>>()
      return value ?? { views: 1 }
    })
    check<Equal<typeof updated, PageEvent>>()
    for await (const [key, value] of pages) {
      check<Equal<typeof key, bigint>>()
      check<Equal<typeof value, PageEvent>>()
    }
  }
  check<Equal<ReturnType<typeof reads>, Promise<void>>>()
})

test('what is of another type does not compile', () => {
  const wrong = (): void => {
    // @ts-expect-error the key is a string
    void counts.get(1)
    // @ts-expect-error the value is a number
    void counts.set('/', '1')
    // @ts-expect-error the function gives the value
    void counts.update('/', () => 'one')
    // @ts-expect-error the function is synchronous
    void counts.update('/', async (n) => n + 1)
    // @ts-expect-error without a default there may be none
    void pages.update(1n, (page) => ({ views: page.views + 1 }))
    // @ts-expect-error a field is missing
    void pages.set(1n, { by: [] })
    // @ts-expect-error the default is a value
    app.table('wrong', { key: string(), value: integer(), default: 'none' })
    // @ts-expect-error keys have a type
    app.table('wrong', { value: integer() })
  }
  check<Equal<typeof wrong, () => void>>()
})
