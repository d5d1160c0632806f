#!/usr/bin/env node
// The program `euphorion`.
import { runCommandLine } from './command_line.ts'

await runCommandLine(process.argv.slice(2), {})
