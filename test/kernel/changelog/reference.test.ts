// The reference kernels of changelogs keep the contract.
import { ReferenceChangelogKernels } from '../../../src/kernel/changelog/reference.ts'
import { changelogContract } from '../../contract/changelog.ts'

const MIB = 1 << 20
const kernels = new ReferenceChangelogKernels({ inflatedBytesMax: 4 * MIB, checkCrcs: true })

changelogContract('reference', () => kernels)
