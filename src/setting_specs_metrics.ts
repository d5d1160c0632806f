// Settings of metrics: whether they are counted, how many series there may be, where they go.
import { boolean, duration, HOUR_MS, integer, type SettingSpec, text } from './setting_spec.ts'

export const metricsSettings = {
  metrics: boolean({
    default: true,
    help: 'Keep metrics, and answer /metrics over HTTP. false switches all of it off.',
  }),
  metricsSeriesMax: integer({
    default: 2000,
    min: 10,
    max: 1_000_000,
    help: "Most series of one metric; those that come later are added up under the label 'other'.",
  }),
  metricsStatsd: text({
    help: "StatsD server or Datadog agent: 'udp://host:8125', 'tcp://…', 'unix:///path'. Needs the package hot-shots.",
  }),
  metricsIntervalMs: duration({
    default: 10_000,
    min: 10,
    max: HOUR_MS,
    help: 'Time between what is sent to StatsD.',
  }),
  metricsOpenTelemetry: boolean({
    default: false,
    help: 'Hand metrics to the OpenTelemetry SDK of the program. Needs the package @opentelemetry/api.',
  }),
} as const satisfies Record<string, SettingSpec>
