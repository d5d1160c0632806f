// The public surface of 'euphorion/testing': an app in a test, and on simulated machines with
// faults.
export { type Fault, type FaultKind, faultKinds } from './testing/fault_kinds.ts'
export type { MachineTable } from './testing/machine_tables.ts'
export {
  type SimulateOptions,
  type SimulationOutcome,
  type SimulationReport,
  simulate,
} from './testing/simulate.ts'
export { type TestDriver, type TestDriverOptions, testDriver } from './testing/test_driver.ts'
export type { DriverAgent, DriverResult } from './testing/test_driver_agent.ts'
export type {
  DriverResults,
  DriverSets,
  DriverTable,
  DriverWindows,
} from './testing/test_driver_table.ts'
export type { DriverTopic } from './testing/test_driver_topic.ts'
export type { EventSource, SimulatedEvent } from './testing/workload.ts'
