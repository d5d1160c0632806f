// Settings of those who ask agents, and of the topic that their replies come by.
import { boolean, duration, HOUR_MS, integer, type SettingSpec, text } from './setting_spec.ts'

export const replySettings = {
  replyTo: text({
    help: "Topic of the replies to this process. Default: replyToPrefix and an id of its own; then the topic goes with the process's end.",
  }),
  replyToPrefix: {
    ...text({ help: 'Beginning of the names of such topics.' }),
    default: 'f-reply-',
  },
  replyExpiresMs: duration({
    default: 24 * HOUR_MS,
    min: 1000,
    max: 365 * 24 * HOUR_MS,
    help: 'Retention of the topic of replies.',
  }),
  replyCreateTopic: boolean({
    default: false,
    help: 'Make the topic of replies, and read it, when the app starts, not when it first asks.',
  }),
  replyTimeoutMs: duration({
    default: 30_000,
    min: 1,
    max: 24 * HOUR_MS,
    help: 'How long a call of ask waits for its reply unless it says otherwise.',
  }),
  replyWaitersMax: integer({
    default: 50_000,
    min: 1,
    max: 1_000_000,
    help: 'Calls of ask that may wait for replies; one more is refused.',
  }),
} as const satisfies Record<string, SettingSpec>
