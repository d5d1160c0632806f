// `euphorion mandelbrot`: a picture of the set, or its counts' hash and time, by any backend.
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { endianness } from 'node:os'
import { type Command, Option } from 'commander'
import { systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { type MandelbrotImage, mandelbrotImage } from '../../kernel/mandelbrot/mandelbrot.ts'
import {
  checkShape,
  type MandelbrotRegion,
  type MandelbrotShape,
  wholeSet,
} from '../../kernel/mandelbrot/shape.ts'
import type { ChosenBackend, KernelBackend } from '../../kernel/offload/backend.ts'
import { configureKernels } from '../../kernel/offload/options.ts'
import { instructionSetOf } from '../../tune/mandelbrot_bench.ts'
import type { CommandContext } from '../command_line.ts'
import { type PaletteName, paletteNames } from '../mandelbrot_palette.ts'
import { type Picture, paintPicture, pngOf, shrinkPicture } from '../mandelbrot_picture.ts'
import { paintScreen } from '../mandelbrot_screen.ts'
import {
  type Center,
  type PlaceName,
  parseCenter,
  parseRegion,
  parseSize,
  parseZoom,
  places,
  regionAround,
  type Size,
} from '../mandelbrot_view.ts'
import { addExamples, whole } from '../options.ts'
import { Progress } from '../progress.ts'
import { compareBackends } from './mandelbrot_compare.ts'

interface MandelbrotCommandOptions {
  readonly size?: Size
  readonly iterations?: number
  readonly region?: MandelbrotRegion
  readonly center?: Center
  readonly zoom?: number
  readonly place?: PlaceName
  readonly backend: KernelBackend
  readonly threads?: number
  readonly shortcuts: boolean
  readonly out?: string
  readonly palette: PaletteName
  readonly json?: boolean
  readonly compare?: boolean
  readonly runs: number
}

/** The textbook's region has square pixels at 5 : 4. */
const DEFAULT_SIZE: Size = { width: 1600, height: 1280 }
const COMPARED_SIZE: Size = { width: 1920, height: 1440 }
const DEFAULT_ITERATIONS = 1000
/** A picture takes 7 bytes a pixel beside its counts. */
const PIXELS_MAX = 100_000_000
const HASHED_BYTES = 1 << 26
/** Threads are started before time is taken. */
const WARM_UP: MandelbrotShape = { nx: 128, ny: 128, iterations: 100 }
/** Shorter work needs no word. */
const LONG_MS = 700
/** Points of a preview per pixel of the terminal, each way. */
const PREVIEW_FINENESS = 3

export function addMandelbrot(program: Command, context: CommandContext): void {
  const command = program
    .command('mandelbrot')
    .description('the Mandelbrot set as a picture, by kernels off the main thread')
    .option(
      '--size <WxH>',
      'points along x and y (default: the terminal, else 1600x1280)',
      parseSize,
    )
    .option('--iterations <n>', 'most steps of a point (default 1000)', whole(0, 2 ** 31 - 1))
    .addOption(
      new Option(
        '--region <xFrom,xTo,yFrom,yTo>',
        'ends of the axes (default -2.5,0.5,-1.2,1.2)',
      ).argParser(parseRegion),
    )
    .addOption(
      new Option('--center <x,y>', 'the middle; pixels are square')
        .argParser(parseCenter)
        .conflicts('region'),
    )
    .addOption(
      new Option('--zoom <times>', 'how many times larger than the whole set')
        .argParser(parseZoom)
        .conflicts('region'),
    )
    .addOption(
      new Option('--place <name>', 'a place worth a visit; pixels are square')
        .choices(Object.keys(places))
        .conflicts(['region', 'center']),
    )
    .addOption(
      new Option('--backend <name>', 'what computes it')
        .choices(['auto', 'js', 'wasm', 'native'])
        .default('auto'),
    )
    .option('--threads <n>', 'threads at once (default: the cores, at most 4)', whole(1, 64))
    .option('--no-shortcuts', 'iterate also the points that are known to stay')
    .option('-o, --out <file>', 'write a PNG')
    .addOption(
      new Option('--palette <name>', 'colours').choices(paletteNames).default(paletteNames[0]),
    )
    .option('--json', 'print a line with the SHA-256 of the counts (Int32 little-endian, x-major)')
    .option('--compare', 'time every backend and number of threads, and compare their counts')
    .option('--runs <n>', 'runs of each with --compare; the median counts', whole(1, 1000), 5)
  addExamples(command, context, [
    ['in the terminal', 'euphorion mandelbrot'],
    ['a picture', 'euphorion mandelbrot --size 1920x1440 -o set.png'],
    ['another, deep inside', 'euphorion mandelbrot --place tail --palette ember -o tail.png'],
    [
      'your own',
      'euphorion mandelbrot --center 0.360240443,-0.641313061 --zoom 30000 --iterations 3000 -o own.png',
    ],
    [
      'the hash and the time of one backend',
      'euphorion mandelbrot --backend wasm --threads 1 --json',
    ],
    [
      'all backends side by side',
      'euphorion mandelbrot --compare --size 1920x1440 --iterations 1000',
    ],
  ])
  command.action(run)
}

async function run(options: MandelbrotCommandOptions): Promise<void> {
  if (options.threads !== undefined) configureKernels({ threads: options.threads })
  const isPreview = options.size === undefined && paintsTerminal(options)
  const shape = shapeOf(options, isPreview)
  if (options.compare) {
    if (!(await compareBackends(shape, options))) process.exitCode = 1
    return
  }
  const wantsPicture = options.out !== undefined || paintsTerminal(options)
  if (wantsPicture) checkPicture(shape)
  const progress = new Progress(process.stderr)
  const { backend, threads, shortcuts } = options
  await mandelbrotImage(WARM_UP, { backend, threads, shortcuts })
  const started = systemClock.monotonic()
  const onProgress = (part: number) => {
    const isLong = systemClock.monotonic() - started > LONG_MS
    if (isLong) progress.show(`computing ${sizeText(shape)}: ${Math.floor(part * 100)} %`)
  }
  const image = await mandelbrotImage(shape, { backend, threads, shortcuts, onProgress })
  const facts = factsOf(shape, image, options, systemClock.monotonic() - started)
  if (wantsPicture) {
    if (process.stderr.isTTY) progress.show('painting')
    const picture = paintPicture(image.counts, checkShape(shape), options.palette)
    if (options.out !== undefined) await writeFile(options.out, await pngOf(picture, notes(facts)))
    else process.stdout.write(preview(picture, isPreview))
  }
  progress.end()
  process.stdout.write(options.json ? `${JSON.stringify(facts)}\n` : summary(facts, options.out))
}

function shapeOf(options: MandelbrotCommandOptions, isPreview: boolean): MandelbrotShape {
  const { place, zoom, center = place && places[place] } = options
  const preset = options.compare ? COMPARED_SIZE : DEFAULT_SIZE
  const size = options.size ?? (isPreview ? previewSize() : preset)
  const iterations =
    options.iterations ?? (place === undefined ? DEFAULT_ITERATIONS : places[place].iterations)
  const isAround = center !== undefined || zoom !== undefined || isPreview
  const presetZoom = place === undefined ? 1 : places[place].zoom
  const around = regionAround(center ?? places.whole, zoom ?? presetZoom, size)
  const region = options.region ?? (isAround ? around : wholeSet)
  return { nx: size.width, ny: size.height, iterations, region }
}

/** Without a file the picture is shown where somebody looks. */
function paintsTerminal({ out, json, compare }: MandelbrotCommandOptions): boolean {
  return process.stdout.isTTY === true && out === undefined && !json && !compare
}

function checkPicture({ nx, ny }: MandelbrotShape): void {
  if (nx * ny <= PIXELS_MAX) return
  const most = `at most ${PIXELS_MAX.toLocaleString('en')} pixels`
  throw new EuphorionError('USAGE', `A picture has ${most}, not ${nx} × ${ny}`)
}

/** Pixels of the terminal: two a character, one above the other; a line stays for the summary. */
function screenSize(): Size {
  const { columns, rows } = process.stdout
  // A terminal that does not know its size says 0.
  return { width: columns || 80, height: 2 * Math.max(4, (rows || 24) - 4) }
}

function previewSize(): Size {
  const { width, height } = screenSize()
  return { width: width * PREVIEW_FINENESS, height: height * PREVIEW_FINENESS }
}

/** As large as fits; a picture that was made for the terminal fills it. */
function preview(picture: Picture, isPreview: boolean): string {
  const screen = screenSize()
  const scale = Math.min(screen.width / picture.width, screen.height / picture.height, 1)
  const width = Math.max(1, Math.floor(picture.width * scale))
  const height = 2 * Math.max(1, Math.floor((picture.height * scale) / 2))
  const small = isPreview ? screen : { width, height }
  const depth = process.stdout.getColorDepth()
  return paintScreen(shrinkPicture(picture, small.width, small.height), depth)
}

interface Facts {
  readonly size: string
  readonly iterations: number
  readonly region: MandelbrotRegion
  readonly backend: ChosenBackend
  readonly instructionSet: string
  /** 0: the calling thread. */
  readonly threads: number
  readonly shortcuts: boolean
  readonly ms: number
  /** Steps that the counts add up to. */
  readonly steps: number
  /** Of the counts as Int32 little-endian, x-major. */
  readonly sha256: string
}

function factsOf(
  shape: MandelbrotShape,
  { counts, backend, threads }: MandelbrotImage,
  { shortcuts }: MandelbrotCommandOptions,
  ms: number,
): Facts {
  let steps = 0
  for (const count of counts) steps += count
  return {
    size: `${shape.nx}x${shape.ny}`,
    iterations: shape.iterations,
    region: shape.region!,
    backend,
    instructionSet: instructionSetOf(backend),
    threads,
    // the plain loop has none
    shortcuts: shortcuts && backend !== 'js',
    ms: Number(ms.toFixed(2)),
    steps,
    sha256: hashOf(counts),
  }
}

function hashOf(counts: Int32Array): string {
  const hash = createHash('sha256')
  const bytes = Buffer.from(counts.buffer, counts.byteOffset, counts.byteLength)
  // counts are little-endian on every platform that Node runs kernels on but s390x
  if (endianness() === 'BE') bytes.swap32()
  for (let at = 0; at < bytes.length; at += HASHED_BYTES) {
    hash.update(bytes.subarray(at, at + HASHED_BYTES))
  }
  if (endianness() === 'BE') bytes.swap32()
  return hash.digest('hex')
}

function notes({ size, iterations, region, sha256 }: Facts): Record<string, string> {
  const { xFrom, xTo, yFrom, yTo } = region
  const edges = `${xFrom},${xTo},${yFrom},${yTo}`
  return {
    Software: 'Euphorion',
    Description: `--size ${size} --iterations ${iterations} --region ${edges}`,
    Comment: `SHA-256 of the counts: ${sha256}`,
  }
}

function summary(facts: Facts, out: string | undefined): string {
  const { size, iterations, backend, instructionSet, threads, ms, steps } = facts
  const count = (value: number) => Math.round(value).toLocaleString('en')
  const where = threads === 0 ? 'the calling thread' : `${threads} thread${threads > 1 ? 's' : ''}`
  const how = `${backend} (${instructionSet}) on ${where}`
  const rate = `${count(steps / ms / 1000)} M steps/s`
  const head = `${size.replace('x', ' × ')}, ${count(iterations)} iterations`
  const lines = [
    `${head}: ${ms.toFixed(1)} ms by ${how}, ${rate}`,
    `SHA-256 of the counts  ${facts.sha256}`,
    ...(out === undefined ? [] : [`Written to ${out}`]),
  ]
  return `${lines.join('\n')}\n`
}

function sizeText({ nx, ny }: MandelbrotShape): string {
  return `${nx} × ${ny} points`
}
