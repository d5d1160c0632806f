// Bad input on the embedded log.
import { join } from 'node:path'
import { badInputContract } from '../contract/bad_input.ts'

badInputContract('embedded log', (directory) => ({
  broker: `embedded:${join(directory, 'log')}`,
  dataDir: join(directory, 'data'),
}))
