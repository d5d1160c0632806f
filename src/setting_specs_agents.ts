// Settings of agents: what they have in hand, and what becomes of events that they fail on.
import { choice, duration, HOUR_MS, integer, type SettingSpec } from './setting_spec.ts'

export const agentSettings = {
  unackedMax: integer({
    default: 1000,
    min: 1,
    max: 1_000_000,
    help: 'Events that a function may have had and not acknowledged by hand; the next one waits.',
  }),
  onAgentError: choice(['stop', 'skip', 'dead-letter', 'crash'], 'stop', {
    help: 'What becomes of an event that an agent fails on, unless the agent says so itself.',
  }),
  agentRetries: integer({
    default: 0,
    min: 0,
    max: 1_000_000,
    help: 'How often an event that an agent fails on is handed out again, unless the agent says so.',
  }),
  agentBackoffMs: duration({
    default: 100,
    min: 0,
    max: HOUR_MS,
    help: 'Pause before an event is handed out again; doubled with each attempt.',
  }),
  agentBackoffMaxMs: duration({
    default: 30_000,
    min: 0,
    max: HOUR_MS,
    help: 'Longest pause before an event is handed out again.',
  }),
  topicRefreshMs: duration({
    default: 30_000,
    min: 100,
    max: HOUR_MS,
    help: 'How often topics are looked for that match the patterns which agents read.',
  }),
} as const satisfies Record<string, SettingSpec>
