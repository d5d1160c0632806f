// How an agent is started and stopped while its app runs. Given by the app to the agents that it
// declares.
import { EuphorionError } from '../errors.ts'

export interface AgentPort {
  /** Undefined: the app does not run. */
  running(): RunningAgent | undefined
}

/** An agent on this worker. */
export interface RunningAgent {
  start(): Promise<void>
  stop(): Promise<void>
}

/** Throws APP_INVALID. */
export function runningAgent(name: string, port: AgentPort | undefined): RunningAgent {
  const running = port?.running()
  if (running !== undefined) return running
  throw new EuphorionError('APP_INVALID', `agent ${name}: the app does not run`)
}
