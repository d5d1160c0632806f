// Tables of figures: for a terminal, and for docs.
import { type Align, paintTable } from '../../src/cli/paint.ts'
import { type Figure, type FigureRow, grouped, showNumber } from './figure.ts'

const head = ['case', 'min', 'median', 'max', 'samples'] as const

/** As a terminal shows it, group by group. */
export function figuresText(figures: readonly Figure[]): string {
  return grouped(figures)
    .map((group) => {
      const extra = factNames(group)
      const align: Align[] = ['left', ...[...head, ...extra].slice(1).map(() => 'right' as const)]
      const title = `${group[0].group}, ${group[0].unit}`
      return `${title}\n${paintTable([...head, ...extra], rowsOf(group, extra), align)}`
    })
    .join('\n')
}

/** As Markdown, with what it was measured on. `command` makes it anew. */
export function figuresMarkdown(rows: readonly FigureRow[], command: string): string {
  const tables = grouped(rows).map((group) => {
    const extra = factNames(group)
    const names = [`${group[0].group}, ${group[0].unit}`, ...head.slice(1), ...extra]
    const align = names.map((_, column) => (column === 0 ? '---' : '---:'))
    const lines = [names, align, ...rowsOf(group, extra)]
    return lines.map((cells) => `| ${cells.map(inCell).join(' | ')} |`).join('\n')
  })
  return `${tables.join('\n\n')}\n\n${footOf(rows)} \`${command}\` measures it anew.\n`
}

/** A bar would end the cell. */
function inCell(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** 'Seed 1, 2 × AMD EPYC, Node 20.20.2, Euphorion 0.1.0, 2026-01-31.' */
export function footOf([row]: readonly FigureRow[]): string {
  const { seed, cpu, node, euphorion, date, smoke = false } = row
  const where = `Seed ${seed}, ${cpu}, Node ${node}, Euphorion ${euphorion}, ${date}.`
  return smoke ? `${where} Smoke: too short for the figures to mean anything.` : where
}

function rowsOf(group: readonly Figure[], extra: readonly string[]): string[][] {
  return group.map((figure) => [
    figure.case,
    ...[figure.min, figure.median, figure.max].map(showNumber),
    String(figure.samples),
    ...extra.map((name) => showFact(figure.facts[name])),
  ])
}

function factNames(group: readonly Figure[]): string[] {
  return [...new Set(group.flatMap(({ facts }) => Object.keys(facts)))]
}

function showFact(fact: Figure['facts'][string] | undefined): string {
  if (fact === undefined) return ''
  return typeof fact === 'number' ? showNumber(fact) : String(fact)
}
