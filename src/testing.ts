// The public surface of 'euphorion/testing': an app on simulated machines, with faults.
export { type Fault, type FaultKind, faultKinds } from './testing/fault_kinds.ts'
export {
  type SimulateOptions,
  type SimulationOutcome,
  type SimulationReport,
  simulate,
} from './testing/simulate.ts'
export type { EventSource, SimulatedEvent } from './testing/workload.ts'
