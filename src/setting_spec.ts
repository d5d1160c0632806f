// What a setting is declared with: type, default, bounds, help. Used by the tables of settings.
export const MIB = 1024 ** 2
export const HOUR_MS = 3_600_000

interface Spec {
  readonly help: string
  /** Not printed, not put in error messages. */
  readonly secret?: boolean
}
export interface NumberSpec extends Spec {
  /** duration is in ms and bytes in bytes; both also read text with a unit. */
  readonly type: 'integer' | 'duration' | 'bytes'
  readonly default: number
  readonly min: number
  readonly max: number
}
export interface ChoiceSpec<C extends string> extends Spec {
  readonly type: 'choice'
  readonly choices: readonly C[]
  readonly default: C
}
export interface BooleanSpec extends Spec {
  readonly type: 'boolean'
  readonly default: boolean
}
interface TextSpec extends Spec {
  readonly type: 'text'
  /** Undefined: not set. */
  readonly default: string | undefined
}
export type SettingSpec = NumberSpec | ChoiceSpec<string> | BooleanSpec | TextSpec

type Bounds = Omit<NumberSpec, 'type'>
export const integer = (spec: Bounds) => ({ type: 'integer', ...spec }) as const
export const duration = (spec: Bounds) => ({ type: 'duration', ...spec }) as const
export const bytes = (spec: Bounds) => ({ type: 'bytes', ...spec }) as const
export const boolean = (spec: Omit<BooleanSpec, 'type'>) => ({ type: 'boolean', ...spec }) as const
export const text = (spec: Spec) => ({ type: 'text', default: undefined, ...spec }) as const
export function choice<const C extends string>(
  choices: readonly C[],
  preset: NoInfer<C>,
  spec: Spec,
): ChoiceSpec<C> {
  return { type: 'choice', choices, default: preset, ...spec }
}
