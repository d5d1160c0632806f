// The simulated log of an app, as its settings have it. Opened by simulated machines and by the
// test driver.
import type { Plant } from '../plants.ts'
import type { Settings } from '../settings.ts'
import type { SimulatedCluster } from './simulated_cluster.ts'
import { SimulatedLog } from './simulated_log.ts'
import type { SimulatedProcess } from './simulated_process.ts'

export interface LogPlace {
  readonly cluster: SimulatedCluster
  readonly process: SimulatedProcess
  readonly plants?: ReadonlySet<Plant>
}

export function logOfSettings(place: LogPlace, settings: Settings): SimulatedLog {
  const { isolation, instanceId, sessionTimeoutMs, heartbeatIntervalMs } = settings
  const { rebalanceTimeoutMs, progressTimeoutMs, deliveryTimeoutMs, rack } = settings
  return new SimulatedLog({
    ...place,
    isolation,
    instanceId,
    rack,
    sessionTimeoutMs,
    heartbeatIntervalMs,
    rebalanceTimeoutMs,
    progressTimeoutMs,
    deliveryTimeoutMs,
  })
}
