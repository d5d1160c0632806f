// A real Apache Kafka for system tests: the one that KAFKA_BROKERS names, else one started here
// (one process, broker and controller) from Maven Central. Called by system tests and by scripts/.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export const kafkaVersion = '4.1.1'

const startTimeoutMs = 60_000

export interface TestKafka {
  /** host:port[,host:port…] */
  readonly brokers: string
  stop(): Promise<void>
}

/**
 * Kafka for a test file: KAFKA_BROKERS, else a broker of its own. Undefined where there is no Java
 * or no Maven: one line is printed and the file registers no test; with CI=true that is an error.
 */
export async function useKafka(): Promise<TestKafka | undefined> {
  const brokers = process.env.KAFKA_BROKERS
  if (brokers) return { brokers, stop: async () => {} }
  // Set by scripts/test.js, which has said so already.
  if (process.env.EUPHORION_TEST_KAFKA === 'left-out') return undefined
  const missing = await missingTool()
  if (!missing) return startKafka()
  const line = `Tests against a real Kafka are left out: ${missing}. Set KAFKA_BROKERS=host:port to run them on a cluster.`
  if (process.env.CI === 'true') throw new Error(line)
  console.log(line)
  return undefined
}

/** Why no broker can be started here, or undefined. */
async function missingTool(): Promise<string | undefined> {
  for (const [tool, version, name] of [
    ['java', '-version', 'Java (17 or newer)'],
    ['mvn', '--version', 'Maven'],
  ])
    try {
      await execute(tool, [version])
    } catch {
      return `${name} is not installed`
    }
  return undefined
}

/**
 * Starts a broker on free ports, with its data in a temporary directory; ready when this resolves.
 */
export async function startKafka(): Promise<TestKafka> {
  const classpath = await kafkaClasspath()
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-kafka-'))
  const [port, controllerPort] = await freePorts()
  const properties = join(directory, 'server.properties')
  writeFileSync(properties, serverProperties(directory, port, controllerPort))
  writeFileSync(join(directory, 'log4j2.properties'), log4jProperties)
  const java = [
    '-Xmx512m',
    '-XX:+UseSerialGC',
    `-Dlog4j2.configurationFile=${join(directory, 'log4j2.properties')}`,
    '-cp',
    classpath,
  ]
  const format = ['kafka.tools.StorageTool', 'format', '-t', 'ZXVwaG9yaW9uLXRlc3RzLQ', '-c']
  await execute('java', [...java, ...format, properties])
  const broker = spawn('java', [...java, 'kafka.Kafka', properties], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stop = stopper(broker, directory)
  try {
    await started(broker)
  } catch (error) {
    await stop()
    throw error
  }
  return { brokers: `127.0.0.1:${port}`, stop }
}

/**
 * Kills the broker (its data is thrown away) when asked and when this process ends in any way it
 * can see.
 */
function stopper(broker: ChildProcess, directory: string): () => Promise<void> {
  const ended = new Promise<void>((resolve) => broker.once('exit', () => resolve()))
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const clean = () => {
    broker.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
  const interrupted = (signal: NodeJS.Signals) => {
    clean()
    for (const each of signals) process.off(each, interrupted)
    process.kill(process.pid, signal)
  }
  process.once('exit', clean)
  for (const signal of signals) process.on(signal, interrupted)
  return async () => {
    process.off('exit', clean)
    for (const signal of signals) process.off(signal, interrupted)
    broker.kill('SIGKILL')
    if (broker.exitCode === null && broker.signalCode === null) await ended
    clean()
  }
}

/**
 * Resolves at the broker's own "started" line; a broker that ends before rejects with its last
 * lines.
 */
function started(broker: ChildProcess): Promise<void> {
  const last: string[] = []
  return new Promise((resolve, reject) => {
    for (const stream of [broker.stdout!, broker.stderr!])
      createInterface({ input: stream }).on('line', (line) => {
        last.push(line)
        if (last.length > 30) last.shift()
        if (line.includes('Kafka Server started')) resolve()
      })
    broker.once('error', reject)
    AbortSignal.timeout(startTimeoutMs).onabort = () =>
      reject(new Error(`Kafka did not start in ${startTimeoutMs} ms:\n${last.join('\n')}`))
    broker.once('close', (code, signal) =>
      reject(new Error(`Kafka ended (${code ?? signal}) at start:\n${last.join('\n')}`)),
    )
  })
}

/**
 * The jars of Kafka in Maven's local repository, fetched the first time (about a minute); the list
 * is kept in node_modules/.cache.
 */
async function kafkaClasspath(): Promise<string> {
  const cache = join(import.meta.dirname, '../../../node_modules/.cache/euphorion')
  const list = join(cache, `kafka-${kafkaVersion}.classpath`)
  if (existsSync(list)) {
    const known = readFileSync(list, 'utf8').trim()
    if (known.split(delimiter).every((jar) => existsSync(jar))) return known
  }
  mkdirSync(cache, { recursive: true })
  const directory = mkdtempSync(join(cache, 'maven-'))
  try {
    writeFileSync(join(directory, 'pom.xml'), pom)
    const output = join(directory, 'classpath')
    await execute('mvn', [
      '-q',
      '-B',
      '-f',
      join(directory, 'pom.xml'),
      'dependency:build-classpath',
      `-Dmdep.outputFile=${output}`,
    ])
    renameSync(output, list)
  } catch (error) {
    const { stdout = '', message } = error as Error & { stdout?: string }
    const lines = stdout.trim().split('\n').slice(-20)
    throw new Error(`Maven could not fetch Kafka ${kafkaVersion}: ${message}\n${lines.join('\n')}`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  return readFileSync(list, 'utf8').trim()
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()]
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
        ),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return [ports[0], ports[1]]
}

const dependencies = [
  ['org.apache.kafka', 'kafka_2.13', kafkaVersion],
  ['org.apache.kafka', 'kafka-tools', kafkaVersion],
  // Without it Kafka is mute: no line says that it has started, or why it has not.
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.24.3'],
].map(
  ([group, artifact, version]) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
)

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>euphorion</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('')}</dependencies>
</project>
`

const serverProperties = (directory: string, port: number, controllerPort: number) => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${join(directory, 'data')}
auto.create.topics.enable=false
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.ms=-1
log.retention.check.interval.ms=1000
log.segment.delete.delay.ms=1000
`

const log4jProperties = `
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %m (%c)%n
rootLogger.level=WARN
rootLogger.appenderRef.console.ref=console
logger.started.name=kafka.server.KafkaRaftServer
logger.started.level=INFO
`
