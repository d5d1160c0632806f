// Settings of the driver of Kafka: connections, tries, the group, logins.
import { choice, duration, HOUR_MS, type SettingSpec, text } from './setting_spec.ts'

export const kafkaSettings = {
  transport: choice(['auto', 'kafka', 'kafkajs'], 'auto', {
    help: 'Driver of a kafka:// broker. auto: kafka, the own one.',
  }),
  connectTimeoutMs: duration({
    default: 10_000,
    min: 100,
    max: HOUR_MS,
    help: 'How long to try to reach a broker.',
  }),
  requestTimeoutMs: duration({
    default: 30_000,
    min: 1000,
    max: HOUR_MS,
    help: 'How long Kafka may take for an answer, and a question may be asked again.',
  }),
  retryBackoffMs: duration({
    default: 100,
    min: 1,
    max: HOUR_MS,
    help: 'Pause before a question is asked again; it doubles with each try.',
  }),
  retryBackoffMaxMs: duration({
    default: 1000,
    min: 1,
    max: HOUR_MS,
    help: 'Longest such pause.',
  }),
  reconnectBackoffMs: duration({
    default: 50,
    min: 1,
    max: HOUR_MS,
    help: 'Pause before a lost broker is connected to again; it doubles with each try.',
  }),
  reconnectBackoffMaxMs: duration({
    default: 1000,
    min: 1,
    max: HOUR_MS,
    help: 'Longest such pause.',
  }),
  metadataMaxAgeMs: duration({
    default: 300_000,
    min: 1000,
    max: 24 * HOUR_MS,
    help: 'Time after which brokers are asked for their topics and leaders unprompted.',
  }),
  sessionTimeoutMs: duration({
    default: 10_000,
    min: 1000,
    max: HOUR_MS,
    help: 'Silence after which Kafka gives the partitions of a worker to others. Brokers bound it.',
  }),
  fetchMaxWaitMs: duration({
    default: 250,
    min: 1,
    max: 60_000,
    help: 'How long Kafka waits for records before it answers a fetch with none.',
  }),
  isolation: choice(['read_committed', 'read_uncommitted'], 'read_committed', {
    help: 'Whether records of aborted transactions, and of those not yet ended, are read.',
  }),
  rack: text({
    help: "Where this worker stands (Kafka's client.rack): it reads from followers of its rack.",
  }),
  instanceId: text({
    help: "Kafka's group.instance.id, one for each worker: a restart within sessionTimeoutMs moves nothing.",
  }),
  heartbeatIntervalMs: duration({
    default: 0,
    min: 0,
    max: HOUR_MS,
    help: 'Time between signs of life to Kafka. 0: sessionTimeoutMs / 24, from 100 to 500 ms.',
  }),
  rebalanceTimeoutMs: duration({
    default: 60_000,
    min: 1000,
    max: HOUR_MS,
    help: 'How long Kafka waits for the workers of a group when it shares the partitions anew.',
  }),
  progressTimeoutMs: duration({
    default: 300_000,
    min: 1000,
    max: 24 * HOUR_MS,
    help: 'A worker whose main thread stands still for so long gives its partitions to others.',
  }),
  saslMechanism: choice(
    ['none', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'],
    'none',
    { help: 'How to log in to Kafka; the tokens of oauthbearer are given in code.' },
  ),
  saslUsername: text({ help: 'User of SASL.' }),
  saslPassword: text({ help: 'Password of SASL; better given in the environment.', secret: true }),
  sslCaFile: text({ help: 'PEM file of the authorities that kafka+ssl:// trusts.' }),
} as const satisfies Record<string, SettingSpec>
