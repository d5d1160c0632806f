// What an app is made with, in code. Given to App.
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { SettingsInput } from '../settings.ts'
import type { TokenLogin } from '../wire/login.ts'

/** Settings, and what stands in for the system in tests. */
export interface AppOptions extends SettingsInput {
  readonly clock?: Clock
  /** Default: pino, to standard error. */
  readonly logger?: Logger
  /**
   * What names of settings in the environment begin with, for several apps in a process. Default
   * 'EUPHORION_'.
   */
  readonly envPrefix?: string
  /** Logs in to Kafka with tokens that it is given whenever a broker wants one. */
  readonly sasl?: TokenLogin
}
