// Writes docs/settings.md from the declared settings; with --check, fails where the page is another.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { settingSpecs } from '../dist/src/setting_specs.js'
import {
  describeBounds,
  describeDefault,
  environmentName,
  optionName,
  settingNames,
} from '../dist/src/settings.js'

const path = join(fileURLToPath(new URL('..', import.meta.url)), 'docs/settings.md')

/** A setting's unit in code and in euphorion.config.json, where it takes plain numbers. */
const units = { duration: 'ms', bytes: 'bytes' }

function cell(text) {
  return text.replaceAll('|', '\\|')
}

function row(name) {
  const spec = settingSpecs[name]
  const unit = units[spec.type] ?? (name.endsWith('Mib') ? 'MiB' : '')
  // of this machine, where the help says what it is made of
  const isMade = spec.help.includes('Default:')
  const given = spec.default === undefined ? 'none' : `\`${describeDefault(name)}\``
  const preset = isMade ? 'see there' : given
  const bounds = spec.type === 'text' ? '' : describeBounds(name)
  return [
    `\`${name}\``,
    spec.type,
    preset,
    unit,
    bounds,
    `\`${environmentName(name)}\``,
    `\`--${optionName(name)}\``,
    spec.help,
  ].map(cell)
}

/** Faust's settings, and what does the same here. */
const faust = [
  ['datadir, tabledir', '`dataDir`; tables are in `dataDir/APP/`'],
  ['env_prefix', '`new App(id, { envPrefix })`'],
  ['id_format, version', 'another id: `new App("orders-v2")`'],
  ['autodiscover, origin', 'imports: a module that declares into the app is imported by it'],
  ['timezone', '`timezone`'],
  ['broker, broker_credentials, ssl_context', '`broker`, `saslMechanism` …, `sslCaFile`'],
  ['broker_consumer, broker_producer', 'none: one cluster an app'],
  ['broker_client_id', "the app's id"],
  ['broker_commit_interval, broker_commit_every', '`commitIntervalMs`, `commitBytes`'],
  ['broker_commit_livelock_soft_timeout, stream_processing_timeout', '`stallTimeoutMs`'],
  [
    'broker_session_timeout, broker_heartbeat_interval',
    '`sessionTimeoutMs`, `heartbeatIntervalMs`',
  ],
  ['broker_max_poll_interval', '`progressTimeoutMs`'],
  ['broker_rebalance_timeout, broker_request_timeout', '`rebalanceTimeoutMs`, `requestTimeoutMs`'],
  ['broker_check_crcs', '`checkCrcs`'],
  ['consumer_max_fetch_size, broker_max_poll_records', '`batchBytes`'],
  ['consumer_group_instance_id', '`instanceId`'],
  ['consumer_metadata_max_age_ms, producer_metadata_max_age_ms', '`metadataMaxAgeMs`'],
  ['consumer_auto_offset_reset', 'none: a group without offsets begins at the earliest record'],
  ['key_serializer, value_serializer', 'types of a topic: `app.topic(name, { key, value })`'],
  ['producer_acks', 'none: always all replicas'],
  ['producer_compression_type, producer_linger', '`compression`, `lingerMs`'],
  ['producer_max_batch_size, producer_max_request_size', '`sendBatchBytes`, `maxRecordBytes`'],
  ['producer_request_timeout', '`deliveryTimeoutMs`'],
  [
    'producer_partitioner',
    'none: murmur2 of the key, as Java clients; or `partition` of a message',
  ],
  ['producer_threaded, cython_optimizations, worker_redirect_stdouts', 'none: not needed'],
  ['processing_guarantee', '`guarantee`'],
  ['store', '`store`'],
  ['recovery_consistency_check', '`onStateLost`'],
  ['stream_buffer_maxsize', '`laneQueueBatches`, `fetchesInFlight`'],
  ['stream_wait_empty', '`shutdownTimeoutMs`, `barrierTimeoutMs`'],
  ['table_key_index_size', '`tableCacheEntries`'],
  ['table_standby_replicas', '`standbyReplicas`'],
  ['topic_allow_declare, topic_partitions', '`createTopics`, `topicPartitions`'],
  ['topic_replication_factor', "none: the cluster's `default.replication.factor`"],
  ['topic_disable_leader', '`leader`; without need there is no topic for it'],
  ['web_enabled, web_bind, web_port', '`web`, `webHost`, `webPort`'],
  ['web_host, canonical_url', '`webAddress`'],
  ['web_application_options', '`webBodyBytes`; all else by `app.fetch()` in a server of your own'],
  ['logging_config, loghandlers', '`logLevel`, `new App(id, { logger })`'],
  ['Agent, Table, Topic, … (classes)', 'none: an app is composed, not subclassed'],
]

const page = `<!-- Written by scripts/settings_page.js; test/settings_page.test.ts holds it to the code. -->
# Settings

A setting's value is the first of these that there is:

1. the option of the command line (\`node app.js worker --threads 2\`),
2. the environment (\`EUPHORION_THREADS=2\`; another prefix by \`new App(id, { envPrefix: 'ORDERS_' })\`),
3. \`euphorion.config.json\` in the working directory (\`{ "threads": 2 }\`), which \`euphorion tune\` writes,
4. code (\`new App(id, { threads: 2 })\`, or a listener of \`beforeConfigured\`),
5. its default.

Times are whole milliseconds or text with a unit (\`'250ms'\`, \`'10s'\`, \`'1.5h'\`), sizes bytes or text (\`'64 KiB'\`). Booleans are \`true\`, \`1\`, \`yes\`, \`on\` or \`false\`, \`0\`, \`no\`, \`off\` and empty text, in upper or lower case. A value out of its bounds, and a name that is none in code or in the file, is \`SETTING_INVALID\`: nothing starts.

| name | type | default | unit | bounds | environment | option | what |
|---|---|---|---|---|---|---|---|
${settingNames.map((name) => `| ${row(name).join(' | ')} |`).join('\n')}

## Faust's names

| in Faust | here |
|---|---|
${faust.map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')}
`

if (process.argv.includes('--check')) {
  if (readFileSync(path, 'utf8') !== page) {
    process.stderr.write('docs/settings.md is out of date: node scripts/settings_page.js\n')
    process.exit(1)
  }
} else writeFileSync(path, page)
