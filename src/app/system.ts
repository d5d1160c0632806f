// What stands in for the machine and the cluster under an app that is simulated. Given to the app
// by euphorion/testing; read by App and its worker.
import type { Clock, Random } from '../clock.ts'
import type { Log } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Plant } from '../plants.ts'
import type { Settings } from '../settings.ts'
import type { AgentTap } from '../stream/agent_definition.ts'
import type { StoreOpener } from '../table/open.ts'

export interface AppSystem {
  readonly clock: Clock
  readonly logger: Logger
  readonly openStore: StoreOpener
  readonly plants: ReadonlySet<Plant>
  readonly random: Random
  /** Comes between agents' functions and what they take. Default: nothing does. */
  readonly tap?: AgentTap
  openLog(settings: Settings): Log
  /** Timers of the app are called: not while a simulation waits for its end. Default: always. */
  runsTimers?(): boolean
}
