import { batchesContract } from '../contract/batches.ts'

batchesContract('decoded', 'decoded')
batchesContract('extracted', 'extracted')
