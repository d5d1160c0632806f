#include "columns.h"

namespace euphorion {

const ColumnSet& column_set(InstructionSet set) {
#if defined(EUPHORION_X64)
  if (set == InstructionSet::avx512) return columns_avx512;
  if (set == InstructionSet::avx2) return columns_avx2;
#else
  (void)set;
#endif
  return columns_baseline;
}

}  // namespace euphorion
