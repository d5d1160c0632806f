// Runs the long tests (dist/test/long) one file at a time and writes what they measured to
// test/results/: figures and seeds are the lines that tests print with t.diagnostic().
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { kafkaVersion } from '../dist/test/support/kafka_jars.js'
import { runTests, testFiles } from './run_tests.js'

const files = testFiles({ long: true, words: process.argv.slice(2) })
const began = new Date()
const lines = []

const code = await runTests(files, {
  concurrency: 1,
  watch(events) {
    const note = (result) => (event) => {
      const seconds = (event.details.duration_ms / 1000).toFixed(1)
      lines.push(`${'  '.repeat(event.nesting)}- ${event.name}: ${result}, ${seconds} s`)
    }
    events.on('test:pass', note('passed'))
    events.on('test:fail', note('**FAILED**'))
    events.on('test:diagnostic', (event) => {
      // The totals of the whole run come as diagnostics too, without a file.
      if (event.file) lines.push(`${'  '.repeat(event.nesting + 1)}- \`${event.message}\``)
    })
  },
})

const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim()
const version = JSON.parse(readFileSync('package.json', 'utf8')).version
const kafka = process.env.EUPHORION_TEST_KAFKA ? 'no Kafka' : `Kafka ${kafkaVersion}`
const minutes = ((Date.now() - began.getTime()) / 60_000).toFixed(1)
const gibibytes = (totalmem() / 2 ** 30).toFixed(0)
const name = `test/results/long-${began.toISOString().slice(0, 16).replaceAll(':', '')}.md`
mkdirSync('test/results', { recursive: true })
writeFileSync(
  name,
  `# Long tests of ${began.toISOString().slice(0, 10)}: ${code === 0 ? 'passed' : 'FAILED'}

- ${cpus().length} × ${cpus()[0].model}, ${gibibytes} GiB, ${process.platform} ${process.arch}
- Node ${process.version}, Euphorion ${version} (${commit}), ${kafka}
- ${files.length} files in ${minutes} minutes

${lines.join('\n')}
`,
)
console.log(name)
process.exit(code)
