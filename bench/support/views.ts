// Page views for the runs of a bench: a directory for logs that goes away with the process, and
// topics in any log. Runs have processes of their own, so no log is left open here.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog } from '../../src/log/open.ts'
import { type BenchTopic, prepareTopic } from '../../src/tune/bench_topic.ts'
import { keepUntilExit } from '../../test/support/kafka_node.ts'

/** Gone when this process ends, also by a signal. */
export function scratchDirectory(bench: string): string {
  const directory = mkdtempSync(join(tmpdir(), `euphorion-bench-${bench}-`))
  keepUntilExit(directory)
  return directory
}

/** Makes them unless they are there; the topic's name. */
export async function makeViews(
  broker: string,
  wanted: BenchTopic,
  say: (line: string) => void,
): Promise<string> {
  const { events, keys, compression } = wanted
  const what = `${events.toLocaleString('en')} page views, ${keys.toLocaleString('en')} urls`
  const log = await openLog(broker)
  try {
    return await prepareTopic(log, wanted, (written) =>
      say(`making ${what}, ${compression}: ${Math.floor((written / events) * 100)} %`),
    )
  } finally {
    await log.close()
  }
}
