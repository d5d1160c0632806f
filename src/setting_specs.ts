// Every setting once, in the order in which help lists them. Read by settings.ts, which gives them
// their values.
import { agentSettings } from './setting_specs_agents.ts'
import { kafkaSettings } from './setting_specs_kafka.ts'
import { kernelSettings } from './setting_specs_kernels.ts'
import { metricsSettings } from './setting_specs_metrics.ts'
import { programSettings } from './setting_specs_program.ts'
import { replySettings } from './setting_specs_replies.ts'
import { stateSettings } from './setting_specs_state.ts'

export const settingSpecs = {
  ...stateSettings,
  ...agentSettings,
  ...kernelSettings,
  ...programSettings,
  ...metricsSettings,
  ...replySettings,
  ...kafkaSettings,
} as const
