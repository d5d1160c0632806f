// Pages that a program serves: paths, their methods, and those that the owner of a table's key
// answers. Filled by app.page() and app.tableRoute(); served by pages.ts.
import type { Context } from 'hono'
import type { BlankEnv, BlankInput } from 'hono/types'
import { EuphorionError } from '../errors.ts'
import { Bad } from '../record/bad.ts'
import type { CodecLike } from '../record/codec.ts'
import { codecOf } from '../record/codec.ts'
import { WebError } from './web_error.ts'

/** What hono gives a handler: `context.req.param('name')` is typed by the path. */
export type PageContext<Path extends string = string> = Context<BlankEnv, Path, BlankInput>

/** A Response as it is, text as text/plain, nothing as 204, and anything else as JSON. */
export type PageAnswer = Response | string | object | null | undefined

export type PageHandler<Path extends string = string> = (
  context: PageContext<Path>,
) => PageAnswer | Promise<PageAnswer>

/** Methods without a handler answer 405. HEAD is answered by get. */
export interface PageMethods<Path extends string = string> {
  readonly get?: PageHandler<Path>
  readonly post?: PageHandler<Path>
  readonly put?: PageHandler<Path>
  readonly patch?: PageHandler<Path>
  readonly delete?: PageHandler<Path>
  readonly options?: PageHandler<Path>
}

export type Page<Path extends string = string> = PageHandler<Path> | PageMethods<Path>

/** Whose key decides which worker answers. */
export interface TableRoute {
  /** The table or aggregation, or its name. */
  readonly table: string | { readonly name: string }
  /** The parameter of the path, or of the query, that has the key as `euphorion table` does. */
  readonly key: string
}

export interface PageDefinition {
  readonly path: string
  readonly methods: PageMethods
  readonly route?: { readonly table: string; readonly key: string }
}

/** Served by the worker itself. */
const reserved = ['/euphorion', '/tables', '/health']

export class PageDeclarations {
  readonly pages: PageDefinition[] = []

  /** Throws APP_INVALID. */
  add(path: string, page: Page, route?: TableRoute): void {
    const invalid = (why: string) => new EuphorionError('APP_INVALID', `page ${path}: ${why}`)
    if (!path.startsWith('/')) throw invalid("a path begins with '/'")
    if (reserved.some((each) => path === each || path.startsWith(`${each}/`)))
      throw invalid('the worker itself answers there')
    if (this.pages.some((each) => each.path === path)) throw invalid('there is one already')
    const methods = typeof page === 'function' ? { get: page } : page
    if (Object.values(methods).every((handler) => handler === undefined))
      throw invalid('it has no method')
    const table = typeof route?.table === 'object' ? route.table.name : route?.table
    const routed = table !== undefined && { route: { table, key: route!.key } }
    this.pages.push({ path, methods, ...routed })
  }
}

/**
 * The request's body as a record or codec reads it. Rejects with WebError 400 for one that does
 * not fit.
 */
export async function readBody<V>(context: PageContext, type: CodecLike<V>): Promise<V> {
  const value = codecOf(type).decode(new Uint8Array(await context.req.arrayBuffer()))
  if (value instanceof Bad) throw new WebError(400, `the body does not fit: ${value.reason}`)
  return value
}
