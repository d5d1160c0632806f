// The files of a new app: those of examples/new under its own name, and what npm and TypeScript
// need. Written by `euphorion new`.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { EuphorionError } from '../errors.ts'
import { packageVersion } from '../package_version.ts'

/** Beside dist, in the repository and in the package. */
const template = join(import.meta.dirname, '../../../examples/new')
/** What the template is called in its files. */
const TEMPLATE_NAME = 'my-app'

const tsconfig = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
  },
  include: ['**/*.ts'],
}

function manifest(name: string) {
  return {
    name,
    version: '0.0.0',
    private: true,
    type: 'module',
    engines: { node: '>=20.19' },
    scripts: {
      start: 'euphorion worker -A app.ts',
      test: 'node --import tsx --test test/*.test.ts',
      check: 'tsc -p .',
    },
    dependencies: { euphorion: `^${packageVersion()}` },
    devDependencies: { '@types/node': '^20', tsx: '^4.23.15', typescript: '^5.9 || ^7' },
  }
}

/** Returns the app's name. Throws USAGE where the directory has something in it already. */
export function writeNewApp(directory: string): string {
  const path = resolve(directory)
  const name = nameOf(path)
  if (existsSync(path) && readdirSync(path).length > 0)
    throw new EuphorionError('USAGE', `${directory} is not empty`)
  mkdirSync(path, { recursive: true })
  cpSync(template, path, { recursive: true })
  for (const file of ['app.ts', 'README.md']) {
    const at = join(path, file)
    writeFileSync(at, readFileSync(at, 'utf8').replaceAll(TEMPLATE_NAME, name))
  }
  writeFileSync(join(path, 'package.json'), `${JSON.stringify(manifest(name), null, 2)}\n`)
  writeFileSync(join(path, 'tsconfig.json'), `${JSON.stringify(tsconfig, null, 2)}\n`)
  writeFileSync(join(path, '.gitignore'), 'node_modules/\n/data/\n')
  return name
}

/** A name for npm, the consumer group and the topics. */
function nameOf(path: string): string {
  const name = basename(path)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
  if (name !== '') return name
  throw new EuphorionError('USAGE', `'${basename(path)}' gives no name: use letters and digits`)
}
