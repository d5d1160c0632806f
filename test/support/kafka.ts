// A real Apache Kafka for system tests: the one that KAFKA_BROKERS names, else one started here
// (one process, broker and controller) from Maven Central. Called by system tests and by scripts/.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { kafkaClasspath } from './kafka_jars.ts'

const execute = promisify(execFile)

const startTimeoutMs = 60_000

export interface TestKafka {
  /** host:port[,host:port…] */
  readonly brokers: string
  stop(): Promise<void>
}

/**
 * Kafka for a test file: KAFKA_BROKERS, else a broker of its own. Undefined where there is no
 * Java: one line is printed and the file registers no test; with CI=true that is an error.
 */
export async function useKafka(): Promise<TestKafka | undefined> {
  const brokers = process.env.KAFKA_BROKERS
  if (brokers) return { brokers, stop: async () => {} }
  // Set by scripts/test.js, which has said so already.
  if (process.env.EUPHORION_TEST_KAFKA === 'left-out') return undefined
  const missing = await missingTool()
  if (!missing) return startKafka()
  const other = 'Set KAFKA_BROKERS=host:port to run them on a cluster.'
  const line = `Tests against a real Kafka are left out: ${missing}. ${other}`
  if (process.env.CI === 'true') throw new Error(line)
  console.log(line)
  return undefined
}

/** Why no broker can be started here, or undefined. */
async function missingTool(): Promise<string | undefined> {
  try {
    await execute('java', ['-version'])
  } catch {
    return 'Java (17 or newer) is not installed'
  }
  try {
    await kafkaClasspath()
  } catch (error) {
    return (error as Error).message
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
  const formatter = spawnJava([...java, ...format, properties])
  const clean = cleaner(formatter, directory)
  const formatted = await ended(formatter)
  if (formatted.code !== 0) {
    await clean()
    throw new Error(`Kafka could not format its storage:\n${formatted.lines.join('\n')}`)
  }
  clean.forget()
  const broker = spawnJava([...java, 'kafka.Kafka', properties])
  const stop = cleaner(broker, directory)
  try {
    await started(broker)
  } catch (error) {
    await stop()
    throw error
  }
  return { brokers: `127.0.0.1:${port}`, stop }
}

function spawnJava(args: readonly string[]): ChildProcess {
  return spawn('java', args, { stdio: ['ignore', 'pipe', 'pipe'] })
}

/**
 * Kills the process (its data is thrown away) when called, and when this process ends in any way it
 * can see; `forget` leaves both alone from then on.
 */
function cleaner(
  child: ChildProcess,
  directory: string,
): (() => Promise<void>) & { forget(): void } {
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const clean = () => {
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
  const interrupted = (signal: NodeJS.Signals) => {
    clean()
    forget()
    process.kill(process.pid, signal)
  }
  const forget = () => {
    process.off('exit', clean)
    for (const signal of signals) process.off(signal, interrupted)
  }
  process.once('exit', clean)
  for (const signal of signals) process.on(signal, interrupted)
  const stop = async () => {
    forget()
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await gone
    clean()
  }
  return Object.assign(stop, { forget })
}

/** Its last lines, as they come. */
function lastLines(child: ChildProcess, onLine: (line: string) => void = () => {}): string[] {
  const lines: string[] = []
  for (const stream of [child.stdout!, child.stderr!])
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (lines.length > 30) lines.shift()
      onLine(line)
    })
  return lines
}

function ended(child: ChildProcess): Promise<{ code: number | null; lines: string[] }> {
  const lines = lastLines(child)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, lines }))
  })
}

/**
 * Resolves at the broker's own "started" line; a broker that ends before rejects with its last
 * lines.
 */
function started(broker: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const lines = lastLines(broker, (line) => {
      if (line.includes('Kafka Server started')) resolve()
    })
    AbortSignal.timeout(startTimeoutMs).onabort = () =>
      reject(new Error(`Kafka did not start in ${startTimeoutMs} ms:\n${lines.join('\n')}`))
    broker.once('error', reject)
    broker.once('close', (code, signal) =>
      reject(new Error(`Kafka ended (${code ?? signal}) at start:\n${lines.join('\n')}`)),
    )
  })
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
