// The column kernels: the contract on each backend that this machine has.
import { after } from 'node:test'
import { nativeKernels } from '../../../src/kernel/column/backends.ts'
import { kernelPool } from '../../../src/kernels.ts'
import { columnKernelContract } from '../../contract/column_kernels.ts'

columnKernelContract('js')
columnKernelContract('wasm')
if (nativeKernels() !== undefined) columnKernelContract('native')

after(() => kernelPool().close())
