// Structured logs: what the parts log to, and the default behind it (pino to standard error,
// readable in a terminal, one JSON object a line elsewhere).
import { createRequire } from 'node:module'
import { pino } from 'pino'

type Log = (fields: object, message: string) => void

/** The part of a pino logger that Euphorion calls. Give your own as new App(id, { logger }). */
export interface Logger {
  readonly debug: Log
  readonly info: Log
  readonly warn: Log
  readonly error: Log
}

const STANDARD_ERROR = 2

export function createLogger(app: string, level: string): Logger {
  const options = { level, base: { app } }
  if (process.stderr.isTTY !== true) {
    return pino(options, pino.destination({ fd: STANDARD_ERROR, sync: true }))
  }
  // Loaded on demand: a worker without a terminal does not need it.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty')
  return pino(
    options,
    pretty({
      destination: STANDARD_ERROR,
      sync: true,
      singleLine: true,
      ignore: 'pid,hostname,app',
    }),
  )
}
