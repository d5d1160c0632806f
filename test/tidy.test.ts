// The house rules that a program can check: sizes, direction of imports, nothing dead, no hidden
// clock or randomness, nothing half-done, nothing of one machine.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { blank, exportsOf, functionBodies, importsOf } from './support/source.ts'

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 70
const LINE_CHARACTERS_MAX = 100

/** A file imports from its own folder and from those before it. Files in src itself come first. */
const folders = [
  '',
  'metrics',
  'wire',
  'log',
  'record',
  'batch',
  'kernel',
  'ingest',
  'window',
  'table',
  'stream',
  'app',
  'ops',
  'tune',
  'testing',
  'cli',
]

/** Where programs, threads and users begin. */
const entries = ['src/index.ts', 'src/kernels.ts', 'src/testing.ts', 'src/cli/main.ts']

/** `importer imported`: why the direction is another. */
const upward = new Map([
  [
    'src/app/app.ts src/cli/command_line.ts',
    'app.main() hands over to the command line; loaded only then',
  ],
])

/** `file name`: why nobody in the repository takes it. */
const unused = new Map<string, string>([])

/** `file`: why it may be longer, or have a longer function. */
const long = new Map<string, string>([])

const root = findRoot(dirname(fileURLToPath(import.meta.url)))

interface Source {
  readonly path: string
  readonly text: string
  readonly code: string
}

const sources = ['src', 'assembly', 'native', 'bench', 'test', 'examples', 'scripts', 'docs']
  .flatMap((folder) => filesIn(folder))
  .map((path): Source => {
    const text = readFileSync(join(root, path), 'utf8')
    return { path, text, code: /\.[mc]?[jt]s$/.test(path) ? blank(text) : text }
  })
const inFolder = (...names: readonly string[]): Source[] =>
  sources.filter(({ path }) => names.some((name) => path.startsWith(`${name}/`)))
const imports = new Map(
  inFolder('src', 'test', 'bench', 'examples').map(({ path, text }) => [
    path,
    importsOf(path, text),
  ]),
)

function findRoot(from: string): string {
  return existsSync(join(from, 'biome.json')) ? from : findRoot(dirname(from))
}

function filesIn(folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.([mc]?[jt]s|cc|h|md|fbs|json)$/.test(entry.name))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => !/_generated\.ts$|node_modules|test\/results/.test(path))
    .sort()
}

/** Fails with all the findings at once. */
function none(findings: readonly string[]): void {
  assert.equal(findings.length, 0, `\n  ${findings.join('\n  ')}`)
}

test('files, functions and lines are short', () => {
  const findings: string[] = []
  const code = inFolder('src', 'assembly', 'native', 'bench').filter(({ path }) =>
    /\.(ts|cc|h)$/.test(path),
  )
  for (const { path, text, code: blanked } of code) {
    const lines = text.split('\n')
    if (!long.has(path) && lines.length - 1 > FILE_LINES_MAX)
      findings.push(`${path}: ${lines.length - 1} lines`)
    for (const [index, line] of lines.entries()) {
      const isLink = /https?:\/\//.test(line)
      if ([...line].length > LINE_CHARACTERS_MAX && !isLink && !isLongText(line)) {
        findings.push(`${path}:${index + 1}: ${[...line].length} characters`)
      }
    }
    if (long.has(path)) continue
    for (const body of functionBodies(blanked)) {
      if (body.lines > FUNCTION_LINES_MAX)
        findings.push(`${path}:${body.line}: a function of ${body.lines} lines`)
    }
  }
  none(findings)
})

/** A message cannot be broken by the formatter. */
function isLongText(line: string): boolean {
  return /^\s*[\w:]*\s*(['"`]).*\1,?$/.test(line)
}

test('imports go upwards only', () => {
  const findings: string[] = []
  for (const { path } of inFolder('src')) {
    if (entries.includes(path)) continue
    for (const { from } of imports.get(path) ?? []) {
      if (from.endsWith('.wasm')) continue
      const isKnown = from.startsWith('src/') && folders.includes(folderOf(from))
      if (!isKnown) findings.push(`${path} imports ${from}, which is in no known folder`)
      else if (folders.indexOf(folderOf(from)) > folders.indexOf(folderOf(path))) {
        if (!upward.has(`${path} ${from}`)) findings.push(`${path} imports ${from}`)
      }
    }
  }
  none(findings)
})

function folderOf(path: string): string {
  return path.split('/').length === 2 ? '' : path.split('/')[1]
}

test('every file of src is reached from an entry, every import exists', () => {
  const reached = new Set<string>()
  const visit = (path: string): void => {
    if (reached.has(path)) return
    reached.add(path)
    for (const { from } of imports.get(path) ?? []) visit(from)
  }
  for (const entry of entries) visit(entry)
  const dead = inFolder('src').filter(({ path }) => path.endsWith('.ts') && !reached.has(path))
  none(dead.map(({ path }) => `${path} is reached from no entry`))
})

test('every export is used by another file', () => {
  const used = new Set<string>()
  for (const each of imports.values()) {
    for (const { from, names } of each)
      for (const name of names ?? ['*']) used.add(`${from} ${name}`)
  }
  const findings: string[] = []
  for (const { path, code } of inFolder('src')) {
    if (entries.includes(path) || used.has(`${path} *`)) continue
    for (const { name, isType } of exportsOf(code)) {
      if (used.has(`${path} ${name}`) || unused.has(`${path} ${name}`)) continue
      // A type that only its own file names is part of a signature there.
      const uses = code.match(
        new RegExp(`(?<![\\w$.])${name.replaceAll('$', '\\$')}(?![\\w$])`, 'g'),
      )
      if (!isType || uses?.length === 1) findings.push(`${path}: ${name}`)
    }
  }
  none(findings)
})

test('time and randomness come from clock.ts', () => {
  const hidden =
    /\b(Date\.now|Math\.random|performance\.now|process\.hrtime|new Date\(\)|setTimeout|setInterval)\b|new Date\(\)/
  const findings = inFolder('src')
    .filter(({ path }) => path !== 'src/clock.ts')
    .flatMap(({ path, code }) => linesWith(path, code, hidden))
  none(findings)
})

test('nothing is half-done, skipped or of one machine', () => {
  const marks = new RegExp(
    `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`,
  )
  const skipped = /\b(test|it|describe)\.(only|skip|todo)\b|\{\s*(only|skip|todo):\s*true/
  const machine =
    /(^|['"`\s(=:])\/(work|root|Users)\/|\/home\/[a-z]+\/|\bfile:\/\/\/(work|root|home)/
  const findings = [
    ...sources.flatMap(({ path, text }) => linesWith(path, text, marks)),
    ...inFolder('test').flatMap(({ path, code }) => linesWith(path, code, skipped)),
    ...sources.flatMap(({ path, text }) => linesWith(path, text, machine)),
  ].filter((finding) => !finding.startsWith('test/tidy.test.ts'))
  none(findings)
})

function linesWith(path: string, text: string, pattern: RegExp): string[] {
  return text
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []))
}

test('the rules see what they are to see', () => {
  const code = blank(
    "const a = 'x {' // {\nconst b = `$" + '{a + `}`} {` /* { */\nconst c = /[/{]/g.test(a)\n',
  )
  assert.doesNotMatch(code.replace('$' + '{', ''), /\{/)
  assert.equal(code.split('\n').length, 4)
  const bodies = functionBodies(
    blank(
      'class A {\n  m({ a }: B): Map<string, (x: number) => void> {\n    if (a) {\n    }\n  }\n}\nconst o = {\n f: () => {\n },\n}\nfor (const x of y()) {\n}\nasync function f(a = {}) {\n}\nswitch (a) { case f(): {} }',
    ),
  )
  assert.deepEqual(
    bodies.sort((a, b) => a.line - b.line),
    [
      { line: 2, lines: 4 },
      { line: 8, lines: 2 },
      { line: 13, lines: 2 },
    ],
  )
  assert.deepEqual(
    importsOf('src/a/b.ts', "import x, {\n  type Y,\n  z as w,\n} from '../c.ts'\nimport './d.js'"),
    [
      { from: 'src/c.ts', names: ['Y', 'z'] },
      { from: 'src/a/d.ts', names: undefined },
    ],
  )
  assert.deepEqual(
    exportsOf('export const a = 1\nexport interface B {}\nexport async function c() {}'),
    [
      { name: 'a', isType: false },
      { name: 'B', isType: true },
      { name: 'c', isType: false },
    ],
  )
})
