// The column kernels: the contract on each backend that this machine has.
import { after } from 'node:test'
import { nativeAddon } from '../../../src/kernel/native.ts'
import { kernelPool } from '../../../src/kernels.ts'
import { columnKernelContract } from '../../contract/column_kernels.ts'

columnKernelContract('js')
columnKernelContract('wasm')
if (nativeAddon() !== undefined) columnKernelContract('native')

after(() => kernelPool().close())
