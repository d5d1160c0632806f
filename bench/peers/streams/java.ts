// Kafka Streams: its jars and the compiled program. Called by engines.ts.
import { mkdirSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { jarsHere, kafkaJars, listedJars } from '../../../test/support/kafka_jars.ts'
import { root } from '../../report/checkout.ts'
import { lastLine, peersDirectory, runProgram } from '../python.ts'
import { Missing, type Tools } from './missing.ts'

const sources = join(root, 'bench/peers/kafka_streams')

export async function javaProgram({ mayFetch, say }: Tools): Promise<readonly string[]> {
  if ((await runProgram('javac', ['-version'])).code !== 0)
    throw new Missing('there is no javac (a JDK, 17 or newer)')
  const jars = [...kafkaJars(), ...listedJars(join(sources, 'jars.txt'))]
  const paths = await jarsHere(jars, mayFetch ? 'fetch' : 'look', say)
  if (paths === undefined) throw new Missing('its jars are not there; --install fetches them')
  const classes = join(peersDirectory, 'kafka_streams')
  mkdirSync(classes, { recursive: true })
  const classpath = paths.join(delimiter)
  const files = readdirSync(sources).filter((name) => name.endsWith('.java'))
  const args = ['-d', classes, '-cp', classpath, ...files.map((name) => join(sources, name))]
  const built = await runProgram('javac', args)
  if (built.code !== 0) throw new Missing(`javac: ${lastLine(built.err)}`)
  // a log configuration that prints warnings only lies beside the classes' sources
  const run = [classes, sources, ...paths].join(delimiter)
  return ['java', '-Xmx1g', '-cp', run, 'Peer']
}
