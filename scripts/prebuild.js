// Makes the optional package that holds the addon for the platform it runs on, from a build of this
// checkout: npm/native-<platform>/ and its tarball beside it. With --manifest it makes no package
// but names those whose tarballs lie in npm/ in package.json, for the publishing checkout only:
// `npm ci` fails on packages that no registry has yet. See docs/native.md.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { arch, platform } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildNative } from './build_native.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const addon = 'euphorion.node'

/** Those that src/kernel/native.ts looks for. */
const platforms = [
  { name: 'linux-x64', os: 'linux', cpu: 'x64', libc: 'glibc' },
  { name: 'linuxmusl-x64', os: 'linux', cpu: 'x64', libc: 'musl' },
  { name: 'linux-arm64', os: 'linux', cpu: 'arm64', libc: 'glibc' },
  { name: 'linuxmusl-arm64', os: 'linux', cpu: 'arm64', libc: 'musl' },
  { name: 'darwin-x64', os: 'darwin', cpu: 'x64' },
  { name: 'darwin-arm64', os: 'darwin', cpu: 'arm64' },
]

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

function here() {
  const isGlibc = process.report.getReport().header.glibcVersionRuntime !== undefined
  const libc = platform !== 'linux' ? undefined : isGlibc ? 'glibc' : 'musl'
  const found = platforms.find(
    (each) => each.os === platform && each.cpu === arch && each.libc === libc,
  )
  if (found === undefined) throw new Error(`there is no package for ${platform} ${arch}`)
  return found
}

function manifestOf({ name, os, cpu, libc }) {
  const system = [os, cpu, libc].filter((each) => each !== undefined).join(', ')
  return {
    name: `@euphorion/native-${name}`,
    version: manifest.version,
    description: `Numeric kernels of euphorion as native code for ${system}`,
    license: manifest.license,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    engines: manifest.engines,
    exports: { '.': `./${addon}`, './package.json': './package.json' },
    files: [addon],
  }
}

const readme = ({ name }) => `# @euphorion/native-${name}

The native addon of [euphorion](https://www.npmjs.com/package/euphorion) for one platform. It is
installed with it where it fits, and does nothing by itself.
`

async function makePackage(out) {
  const target = here()
  const directory = join(out, `native-${target.name}`)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  copyFileSync((await buildNative()).addon, join(directory, addon))
  copyFileSync(join(root, 'LICENSE'), join(directory, 'LICENSE'))
  writeFileSync(join(directory, 'README.md'), readme(target))
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(manifestOf(target), null, 2)}\n`)
  const pack = ['pack', directory, '--pack-destination', out, '--json', '--ignore-scripts']
  const [{ filename }] = JSON.parse(execFileSync('npm', pack, { encoding: 'utf8' }))
  console.log(relative(process.cwd(), join(out, filename)))
}

/** In the order of the list, at exactly this version: addon and library are made together. */
function nameInManifest(out) {
  const tarball = ({ name }) => join(out, `euphorion-native-${name}-${manifest.version}.tgz`)
  const there = platforms.filter((each) => existsSync(tarball(each)))
  if (there.length === 0) throw new Error(`there is no tarball of ${manifest.version} in ${out}`)
  const packages = there.map((each) => [`@euphorion/native-${each.name}`, manifest.version])
  const optionalDependencies = {
    ...Object.fromEntries(packages),
    ...manifest.optionalDependencies,
  }
  const named = { ...manifest, optionalDependencies }
  writeFileSync(join(root, 'package.json'), `${JSON.stringify(named, null, 2)}\n`)
  console.log(`package.json names ${there.map(({ name }) => name).join(', ')}`)
}

const options = {
  manifest: { type: 'boolean' },
  out: { type: 'string', default: join(root, 'npm') },
}
const { values } = parseArgs({ options })
try {
  if (values.manifest) nameInManifest(resolve(values.out))
  else await makePackage(resolve(values.out))
} catch (error) {
  console.error(`prebuild: ${error.message}`)
  process.exitCode = 1
}
