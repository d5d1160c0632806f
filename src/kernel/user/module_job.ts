// Runs a JavaScript kernel that a user's module exports. The pool's threads call it.
import { EuphorionError } from '../../errors.ts'
import type { ModuleResult, ModuleTask } from './module_task.ts'

export function run(task: ModuleTask): ModuleResult {
  throw new EuphorionError('KERNEL_INVALID', `${task.kernel} cannot be run yet`)
}
