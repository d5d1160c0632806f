#include "cpu.h"

namespace euphorion {

bool has_instruction_set(InstructionSet set) {
#ifdef EUPHORION_X64
  __builtin_cpu_init();
#endif
  switch (set) {
    case InstructionSet::scalar:
      return true;
#ifdef EUPHORION_ARM64
    case InstructionSet::neon:
      return true;
#endif
#ifdef EUPHORION_X64
    // The compiler's run-time asks the operating system too whether it saves the wide registers.
    case InstructionSet::sse2:
      return true;
    case InstructionSet::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case InstructionSet::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#endif
    default:
      return false;
  }
}

InstructionSet widest_instruction_set() {
  InstructionSet widest = InstructionSet::scalar;
  for (InstructionSet set : every_instruction_set) {
    if (has_instruction_set(set)) widest = set;
  }
  return widest;
}

const char* name_of(InstructionSet set) {
  switch (set) {
    case InstructionSet::neon:
      return "neon";
    case InstructionSet::sse2:
      return "sse2";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
    default:
      return "scalar";
  }
}

}  // namespace euphorion
