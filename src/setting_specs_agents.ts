// Settings of agents: what they have in hand, and what becomes of events that they fail on.
import { integer, type SettingSpec } from './setting_spec.ts'

export const agentSettings = {
  unackedMax: integer({
    default: 1000,
    min: 1,
    max: 1_000_000,
    help: 'Events that a function may have had and not acknowledged by hand; the next one waits.',
  }),
} as const satisfies Record<string, SettingSpec>
