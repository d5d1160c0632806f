// Runs the unit, contract, crash and system tests: all, or those whose path has the words given
// (node scripts/test.js log contract).
import { runTests, testFiles } from './run_tests.js'

const files = testFiles({ long: false, words: process.argv.slice(2) })
process.exit(await runTests(files, { concurrency: 2 }))
