import { batchesContract } from '../contract/batches.ts'

batchesContract('decoded', 'decoded')
