// What is to be told of an error that an agent's function has thrown. Used by agent_runs.ts.
import { EuphorionError } from '../errors.ts'
import type { HandlerFailure } from '../ingest/dead_letter.ts'

/** A header is no place for a page. */
const MESSAGE_MAX = 1000

export function handlerFailure(agent: string, attempts: number, error: unknown): HandlerFailure {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_MAX)
  return { agent, error: nameOf(error), message, attempts }
}

/** What tables say to an agent whose partition has left; also where the function wrapped it. */
export function isOfLostTable(error: unknown): boolean {
  return isOf(error, ['KEY_ELSEWHERE', 'TABLE_MOVING', 'QUERY_UNAVAILABLE'])
}

/** What it sent was refused because a transaction was given up: all goes back to the last cut. */
export function isOfLostTransaction(error: unknown): boolean {
  return isOf(error, ['TRANSACTION_ABORTED'])
}

function isOf(error: unknown, codes: readonly string[]): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof EuphorionError && codes.includes(error.code)) return true
  return isOf(error.cause, codes)
}

function nameOf(error: unknown): string {
  if (error instanceof EuphorionError) return error.code
  return error instanceof Error ? error.name : typeof error
}
