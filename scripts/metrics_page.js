// Writes docs/metrics.md from the declared metrics; with --check, fails where the page is another.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { flowMetrics } from '../dist/src/metrics/metric_specs_flow.js'
import { processMetrics } from '../dist/src/metrics/metric_specs_process.js'
import { stateMetrics } from '../dist/src/metrics/metric_specs_state.js'

const path = join(fileURLToPath(new URL('..', import.meta.url)), 'docs/metrics.md')

function table(specs) {
  const rows = Object.values(specs).map(({ name, type, labels, help, worry }) => {
    const names = labels.map((label) => `\`${label}\``).join(' ')
    return `| \`${name}\` | ${type} | ${names} | ${help} | ${worry} |`.replaceAll('  ', ' ')
  })
  return `| name | type | labels | meaning | when to worry |\n|---|---|---|---|---|\n${rows.join('\n')}`
}

const page = `<!-- Written by scripts/metrics_page.js; test/metrics/metrics_page.test.ts holds it to the code. -->
# Metrics

A worker says what it does at \`/metrics\` of its web server, as Prometheus reads it:

\`\`\`yaml
scrape_configs:
  - job_name: euphorion
    authorization: { credentials: the querySecret }      # where one is set
    static_configs: [{ targets: ['worker-1:6066', 'worker-2:6066'] }]
\`\`\`

Set \`webPort\`, and for other machines \`webHost: '0.0.0.0'\` with \`querySecret\`; without a secret only this machine is answered, as for tables. A page of yours at \`/metrics\` comes first. \`app.metrics()\` is the same text, for a server of your own. Everything is per worker: sum over workers.

| setting | |
|---|---|
| \`metrics: false\` | switches all of it off |
| \`metricsStatsd: 'udp://localhost:8125'\` | also to StatsD or a Datadog agent, every \`metricsIntervalMs\`: \`npm install hot-shots\` |
| \`metricsOpenTelemetry: true\` | also to the OpenTelemetry SDK that your program sets up: \`npm install @opentelemetry/api\` |
| \`metricsSeriesMax\` | most series of one metric (2,000). Those that come later are added up under the label value \`other\`; labels with few values (\`outcome\`, \`state\`, \`backend\` …) are kept |

There names have dots, and neither \`_total\` nor, for histograms, the unit: \`euphorion.fetched_records\`, \`euphorion.cut\` (ms in StatsD, seconds in OpenTelemetry). Labels are tags and attributes. StatsD gets what counters grew by, gauges as they are, and each duration as a timing.

## What it costs

Nothing is counted for metrics that is known anyway. Lanes count records in their descriptors, threads add the time of a task to the same descriptor, the fetch loop adds three numbers to an array for each batch; positions, queues and memory are read when somebody asks. There is no object, closure, promise or allocation per record or per batch. \`npm run bench:metrics\` runs W1 in ten interleaved pairs, scraped every second against \`metrics: false\`, and tells the difference of CPU seconds with its 95% interval: [benchmarks.md](benchmarks.md#what-metrics-cost) has the newest.

Two readings ask further: behind one, at most every 5 s, the log is asked where partitions end, so that lag grows also while a partition is not fetched; every 30 s the stores' directories are looked at. What they say is in the next reading, so that none waits for a broker or a disk.

Counters begin at 0 with the worker. A lane's counters are those of this worker's work: what another worker counted before is not in them, and what is read again after a failure is not counted twice by a lane that goes back within its run.

## Records on their way

${table(flowMetrics)}

## What is kept

${table(stateMetrics)}

## The process

${table(processMetrics)}

## Questions and their queries

| | |
|---|---|
| How much is read? | \`sum by (topic) (rate(euphorion_fetched_records_total[1m]))\` |
| How far behind, and for how long yet? | \`sum by (topic) (euphorion_lag_records)\`; divided by \`sum by (topic) (rate(euphorion_fetched_records_total[5m]))\`, seconds |
| Is it the kernels? | \`sum(rate(euphorion_kernel_seconds_total[1m]))\` near \`threads\` |
| Is it the main thread? | \`rate(euphorion_event_loop_active_seconds_total[1m])\` near 1 |
| Is it the log? | \`euphorion_fetch_regions{state="free"}\` above 0 while there is lag |
| Are cuts slow? | \`histogram_quantile(0.99, sum by (le) (rate(euphorion_cut_seconds_bucket[5m])))\` |
| What part of the records is too late? | \`sum by (table) (rate(euphorion_lane_records_total{outcome="late"}[5m])) / sum by (table) (rate(euphorion_lane_records_total[5m]))\` |
`

if (process.argv.includes('--check')) {
  if (readFileSync(path, 'utf8') !== page) {
    process.stderr.write('docs/metrics.md is out of date: node scripts/metrics_page.js\n')
    process.exit(1)
  }
} else writeFileSync(path, page)
