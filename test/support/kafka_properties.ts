// What a Kafka broker of tests is told: its listeners, who may sign in and how, and short times.
// Called by kafka.ts.
import { join } from 'node:path'

export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'

/** A way in for clients, beside the plain one that every cluster has. */
export interface ListenerOptions {
  readonly tls?: boolean
  /** Default: whoever connects is let in. */
  readonly sasl?: readonly SaslMechanism[]
  /** By broker: what clients are told, so that something can stand in front. Default: the truth. */
  readonly advertisedPorts?: readonly number[]
}

/** Who may sign in, by every mechanism. */
export const testUser = { username: 'ann', password: 'correct-horse' }

export interface BrokerPlan {
  readonly nodeId: number
  readonly directory: string
  /** The plain listener's and the controller's, by broker. */
  readonly ports: readonly number[]
  readonly controllerPorts: readonly number[]
  /** This broker's ports of the other listeners, by name. */
  readonly listenerPorts: ReadonlyMap<string, number>
  readonly listeners: Readonly<Record<string, ListenerOptions>>
  readonly rack: string | undefined
  /** PEM, the key before the certificates. */
  readonly keyStore: string | undefined
  readonly replicas: number
  readonly properties: Readonly<Record<string, string | number>>
}

/** The text of server.properties. */
export function serverProperties(plan: BrokerPlan): string {
  const { nodeId, ports, controllerPorts, listenerPorts, listeners, replicas } = plan
  const host = '127.0.0.1'
  const at = (name: string, port: number) => `${name}://${host}:${port}`
  const others = Object.entries(listeners)
  const bound = others.map(([name]) => at(name, listenerPorts.get(name)!))
  const told = others.map(([name, { advertisedPorts }]) =>
    at(name, advertisedPorts?.[nodeId - 1] ?? listenerPorts.get(name)!),
  )
  const plain = at('PLAINTEXT', ports[nodeId - 1])
  const protocols = others.map(([name, { tls, sasl }]) => `${name}:${protocol(tls, sasl)}`)
  const voters = controllerPorts.map((port, index) => `${index + 1}@${host}:${port}`)
  const properties: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': nodeId,
    'controller.quorum.voters': voters.join(','),
    listeners: [plain, ...bound, at('CONTROLLER', controllerPorts[nodeId - 1])].join(','),
    'advertised.listeners': [plain, ...told].join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': [
      'PLAINTEXT:PLAINTEXT',
      'CONTROLLER:PLAINTEXT',
      ...protocols,
    ].join(','),
    'log.dirs': join(plan.directory, 'data'),
    ...limits,
    'default.replication.factor': replicas,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'share.coordinator.state.topic.replication.factor': replicas,
    ...(plan.rack !== undefined && {
      'broker.rack': plan.rack,
      'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
    }),
    ...(ports.length > 1 && quorumTimes),
  }
  for (const [name, options] of others)
    Object.assign(properties, security(`listener.name.${name.toLowerCase()}.`, options, plan))
  return Object.entries({ ...properties, ...plan.properties })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

const limits = {
  'auto.create.topics.enable': 'false',
  'message.max.bytes': 16_777_216,
  'replica.fetch.max.bytes': 16_777_216,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 4,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500,
  'share.coordinator.state.topic.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1000,
  'log.retention.ms': -1,
  'log.retention.check.interval.ms': 1000,
  'log.segment.delete.delay.ms': 1000,
  'log.cleaner.backoff.ms': 500,
  // A broker that was killed is let in again when its last session is over.
  'broker.heartbeat.interval.ms': 500,
  'broker.session.timeout.ms': 2000,
}

/** Leaders go back to the first replica of their partition. */
const quorumTimes = {
  'replica.lag.time.max.ms': 3000,
  'auto.leader.rebalance.enable': 'true',
  'leader.imbalance.check.interval.seconds': 1,
  'leader.imbalance.per.broker.percentage': 0,
}

function protocol(tls = false, sasl: readonly SaslMechanism[] = []): string {
  if (sasl.length === 0) return tls ? 'SSL' : 'PLAINTEXT'
  return tls ? 'SASL_SSL' : 'SASL_PLAINTEXT'
}

const modules: Record<SaslMechanism, string> = {
  PLAIN: `plain.PlainLoginModule required user_${testUser.username}="${testUser.password}"`,
  'SCRAM-SHA-256': 'scram.ScramLoginModule required',
  'SCRAM-SHA-512': 'scram.ScramLoginModule required',
  // Its tokens are not signed: whoever says so is that user.
  OAUTHBEARER: 'oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker"',
}

function security(
  prefix: string,
  { tls, sasl = [] }: ListenerOptions,
  { keyStore }: BrokerPlan,
): Record<string, string> {
  const properties: Record<string, string> = {}
  if (tls) {
    properties[`${prefix}ssl.keystore.type`] = 'PEM'
    properties[`${prefix}ssl.keystore.location`] = keyStore!
  }
  if (sasl.length > 0) properties[`${prefix}sasl.enabled.mechanisms`] = sasl.join(',')
  for (const mechanism of sasl)
    properties[`${prefix}${mechanism.toLowerCase()}.sasl.jaas.config`] =
      `org.apache.kafka.common.security.${modules[mechanism]};`
  return properties
}

/** What makes storage know the user by SCRAM: arguments of StorageTool. */
export function scramArguments(listeners: Readonly<Record<string, ListenerOptions>>): string[] {
  const wanted = new Set(Object.values(listeners).flatMap(({ sasl = [] }) => sasl))
  return [...wanted]
    .filter((mechanism) => mechanism.startsWith('SCRAM'))
    .flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${testUser.username},password=${testUser.password}]`,
    ])
}

/** A token for `subject` as Kafka's unsecured OAUTHBEARER takes it (RFC 7515, "alg": "none"). */
export function unsecuredToken(subject: string, nowMs: number, lifetimeMs = 600_000): string {
  const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url')
  const [iat, exp] = [nowMs / 1000, (nowMs + lifetimeMs) / 1000]
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat, exp })}.`
}

export const log4jProperties = `
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %m (%c)%n
rootLogger.level=WARN
rootLogger.appenderRef.console.ref=console
logger.started.name=kafka.server.KafkaRaftServer
logger.started.level=INFO
`
