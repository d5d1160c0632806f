// Tells failures of an agent that has lost its table from others. Called by AgentPartition.
import { EuphorionError } from '../errors.ts'

/** What tables say to an agent whose partition has left; also where the function wrapped it. */
export function isOfLostTable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const codes = ['KEY_ELSEWHERE', 'TABLE_MOVING', 'QUERY_UNAVAILABLE']
  if (error instanceof EuphorionError && codes.includes(error.code)) return true
  return isOfLostTable(error.cause)
}
