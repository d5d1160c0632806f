// Settings of the program around the streams: its end, its web server, its log.
import {
  boolean,
  bytes,
  choice,
  duration,
  HOUR_MS,
  integer,
  MIB,
  type SettingSpec,
  text,
} from './setting_spec.ts'

export const programSettings = {
  channelCapacity: integer({
    default: 4096,
    min: 1,
    max: 1_000_000,
    help: 'Events that wait for each loop over a channel; then who sends waits.',
  }),
  shutdownTimeoutMs: duration({
    default: 30_000,
    min: 100,
    max: HOUR_MS,
    help: 'How long a stop waits for handlers and cuts before it gives up.',
  }),
  web: boolean({
    default: true,
    help: 'Serve pages, and queries of tables, over HTTP: those of the other workers too.',
  }),
  webHost: {
    ...text({ help: 'Address that HTTP is served on; 0.0.0.0 for all, with querySecret.' }),
    default: '127.0.0.1',
  },
  webPort: integer({ default: 0, min: 0, max: 65_535, help: 'Port of HTTP. 0: a free one.' }),
  webBodyBytes: bytes({
    default: MIB,
    min: 1024,
    max: 1024 * MIB,
    help: 'Largest body of a request that HTTP takes.',
  }),
  webAddress: text({
    help: "Where the other workers reach this one: 'host:port'. Default: webHost, or the host's name.",
  }),
  querySecret: text({
    help: 'Shared by all workers of an app, which sign their queries with it; also a bearer token.',
    secret: true,
  }),
  queryTimeoutMs: duration({
    default: 5000,
    min: 10,
    max: HOUR_MS,
    help: 'How long a query waits for another worker.',
  }),
  timezone: {
    ...text({ help: 'Time zone of crontabs that name none, such as Europe/Berlin.' }),
    default: 'UTC',
  },
  leader: boolean({
    default: false,
    help: 'Take part in choosing a leader although nothing declared needs one: for app.isLeader().',
  }),
  logLevel: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info', {
    help: 'Least level that is logged.',
  }),
} as const satisfies Record<string, SettingSpec>
