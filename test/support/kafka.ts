// A real Apache Kafka for system tests: the one that KAFKA_BROKERS names, else one started here
// from Maven Central, of one broker or several. Called by system tests and by scripts/.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeCertificate } from './certificate.ts'
import { freePorts } from './free_ports.ts'
import { type KafkaVersion, kafkaClasspath, kafkaVersion } from './kafka_jars.ts'
import { KafkaNode, keepUntilExit, runTool } from './kafka_node.ts'
import {
  type ListenerOptions,
  log4jProperties,
  scramArguments,
  serverProperties,
} from './kafka_properties.ts'

const execute = promisify(execFile)

export interface TestKafka {
  /** host:port[,host:port…] */
  readonly brokers: string
  stop(): Promise<void>
}

export interface KafkaOptions {
  readonly version?: KafkaVersion
  /** Default 1. Each is broker and controller. */
  readonly brokers?: number
  /** By broker; consumers may then fetch from followers. */
  readonly racks?: readonly string[]
  /** Beside the plain one, by name (upper case). */
  readonly listeners?: Readonly<Record<string, ListenerOptions>>
  /** Replicas of the internal topics, and of new ones. Default: the number of brokers. */
  readonly replicas?: number
  /** More of server.properties. */
  readonly properties?: Readonly<Record<string, string | number>>
}

/** Brokers started by this process. */
export interface KafkaCluster extends TestKafka {
  readonly nodes: readonly KafkaNode[]
  /** Of a listener, as clients are told: host:port[,host:port…] */
  addresses(listener: string): string
  /** Of a listener, by broker: where it really is. */
  ports(listener: string): readonly number[]
  /** What clients of TLS listeners trust. */
  readonly caFile: string
}

/**
 * Kafka for a test file: KAFKA_BROKERS, else a broker of its own. Undefined where there is no
 * Java: one line is printed and the file registers no test; with CI=true that is an error.
 */
export async function useKafka(): Promise<TestKafka | undefined> {
  const brokers = process.env.KAFKA_BROKERS
  if (brokers) return { brokers, stop: async () => {} }
  return (await canStartKafka()) ? startKafka() : undefined
}

/**
 * Whether startKafka works here, for tests that need brokers of their own. False where there is no
 * Java: one line is printed; with CI=true that is an error.
 */
export async function canStartKafka(version?: KafkaVersion): Promise<boolean> {
  // Set by scripts/test.js, which has said so already.
  if (process.env.EUPHORION_TEST_KAFKA === 'left-out') return false
  const missing = await missingTool(version)
  if (!missing) return true
  const other = 'Set KAFKA_BROKERS=host:port to run most of them on a cluster.'
  const line = `Tests against a real Kafka are left out: ${missing}. ${other}`
  if (process.env.CI === 'true') throw new Error(line)
  console.log(line)
  return false
}

/** Why no broker can be started here, or undefined. */
async function missingTool(version?: KafkaVersion): Promise<string | undefined> {
  try {
    await execute('java', ['-version'])
  } catch {
    return 'Java (17 or newer) is not installed'
  }
  try {
    await kafkaClasspath(version)
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}

/**
 * Starts brokers on free ports, with their data in a temporary directory; ready when this resolves.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const { version = kafkaVersion, brokers = 1, listeners = {} } = options
  const classpath = await kafkaClasspath(version)
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-kafka-'))
  const remove = keepUntilExit(directory)
  const names = Object.keys(listeners)
  const ports = await freePorts(brokers * (2 + names.length))
  const take = () => ports.splice(0, brokers)
  const [plainPorts, controllerPorts] = [take(), take()]
  const otherPorts = new Map(names.map((name) => [name, take()]))
  const keyStore = writeCertificates(directory)
  writeFileSync(join(directory, 'log4j2.properties'), log4jProperties)
  const java = [
    '-Xmx512m',
    '-XX:+UseSerialGC',
    // Brokers of several are there for what happens to them; they start in half the time.
    ...(brokers > 1 ? ['-XX:TieredStopAtLevel=1'] : []),
    `-Dlog4j2.configurationFile=${join(directory, 'log4j2.properties')}`,
    '-cp',
    classpath,
  ]
  const nodes = plainPorts.map((port, index) => {
    const home = join(directory, String(index + 1))
    mkdirSync(home)
    const text = serverProperties({
      nodeId: index + 1,
      directory: home,
      ports: plainPorts,
      controllerPorts,
      listenerPorts: new Map([...otherPorts].map(([name, each]) => [name, each[index]])),
      listeners,
      rack: options.racks?.[index],
      keyStore,
      replicas: options.replicas ?? brokers,
      properties: options.properties ?? {},
    })
    writeFileSync(join(home, 'server.properties'), text)
    return new KafkaNode(index + 1, port, [...java, 'kafka.Kafka', join(home, 'server.properties')])
  })
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.kill()))
    remove()
  }
  try {
    await format(java, directory, brokers, scramArguments(listeners))
    await Promise.all(nodes.map((node) => node.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    brokers: nodes.map((node) => node.address).join(),
    nodes,
    caFile: join(directory, 'ca.pem'),
    addresses: (name) =>
      otherPorts
        .get(name)!
        .map((port, index) => `127.0.0.1:${listeners[name].advertisedPorts?.[index] ?? port}`)
        .join(),
    ports: (name) => otherPorts.get(name)!,
    stop,
  }
}

/** An authority in ca.pem; the path of a key store that it signed. */
function writeCertificates(directory: string): string {
  const issuer = makeCertificate({ subject: 'Euphorion tests' })
  const server = makeCertificate({ subject: 'broker', names: ['localhost', '127.0.0.1'], issuer })
  writeFileSync(join(directory, 'ca.pem'), issuer.certificate)
  const keyStore = join(directory, 'broker.pem')
  writeFileSync(keyStore, `${server.key}${server.certificate}${issuer.certificate}`)
  return keyStore
}

/** The first broker's storage; the others' are copies that know their own number. */
async function format(
  java: readonly string[],
  directory: string,
  brokers: number,
  scram: readonly string[],
): Promise<void> {
  const properties = join(directory, '1', 'server.properties')
  const tool = ['kafka.tools.StorageTool', 'format', '-t', 'ZXVwaG9yaW9uLXRlc3RzLQ']
  await runTool('kafka-storage format', [...java, ...tool, '-c', properties, ...scram])
  const first = join(directory, '1', 'data')
  for (let id = 2; id <= brokers; id++) {
    const data = join(directory, String(id), 'data')
    cpSync(first, data, { recursive: true })
    const meta = readFileSync(join(data, 'meta.properties'), 'utf8')
    const own = meta.replace(/^node\.id=.*$/m, `node.id=${id}`).replace(/^directory\.id=.*\n/m, '')
    writeFileSync(join(data, 'meta.properties'), own)
  }
}

/** What Kafka's own console consumer prints of the first records of a topic, line by line. */
export async function consoleConsumer(
  brokers: string,
  topic: string,
  records: number,
): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-kafka-'))
  const remove = keepUntilExit(directory)
  const log4j = join(directory, 'log4j2.properties')
  writeFileSync(log4j, log4jProperties)
  const java = [`-Dlog4j2.configurationFile=${log4j}`, '-cp', await kafkaClasspath()]
  const shown = ['offset', 'partition', 'timestamp', 'headers', 'key']
  try {
    const printed = await runTool('kafka-console-consumer', [
      ...java,
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      ...['--bootstrap-server', brokers, '--topic', topic, '--from-beginning'],
      ...['--max-messages', String(records), '--timeout-ms', '30000'],
      ...['--isolation-level', 'read_committed'],
      ...shown.flatMap((name) => ['--property', `print.${name}=true`]),
    ])
    return printed.trimEnd().split('\n')
  } finally {
    remove()
  }
}
