// What became of events that an agent's functions failed on: counted by its partitions here.

/** Since this process began. */
export interface AgentStatistics {
  /** Times that a function threw. */
  readonly failures: number
  /** Functions that were begun again. */
  readonly restarts: number
  /** Events that were left out by policy 'skip'. */
  readonly skipped: number
  /** Events that were sent to the dead letters by policy 'dead-letter'. */
  readonly deadLettered: number
  /** Partitions that have stopped. */
  readonly stopped: number
}

export class AgentCounters implements AgentStatistics {
  failures = 0
  restarts = 0
  skipped = 0
  deadLettered = 0
  stopped = 0
}
