// A part of the recovery bench, and what all parts are given. Each is a file of this folder;
// recovery.ts runs them one after the other.
import type { BenchContext } from '../report/bench.ts'

export interface RecoveryContext extends BenchContext {
  /** Empty, and gone afterwards. */
  readonly directory: string
  /** 'kafka://host:9092'; undefined where there is none, or none is wanted: a line says so. */
  kafka(): Promise<string | undefined>
}

export interface RecoveryPart {
  /** Of --only. */
  readonly name: string
  /** Adds its figures, and throws where an answer is wrong. */
  run(context: RecoveryContext): Promise<void>
}

/** What a part runs on, one after the other. */
export async function logsOf(
  context: RecoveryContext,
): Promise<readonly (readonly [name: string, broker: string])[]> {
  const kafka = await context.kafka()
  const embedded = ['embedded log', `embedded:${context.directory}/log`] as const
  return kafka === undefined ? [embedded] : [embedded, ['Kafka', kafka]]
}
