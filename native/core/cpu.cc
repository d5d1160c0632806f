#include "cpu.h"

#if defined(EUPHORION_X64)
#include <cpuid.h>
#endif

namespace euphorion {

namespace {

#if defined(EUPHORION_X64)

bool all_set(unsigned word, unsigned bits) { return (word & bits) == bits; }

/** The registers that the operating system saves; 0 where it cannot say. */
unsigned saved_registers() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !all_set(c, bit_OSXSAVE)) return 0;
  __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return a;
}

bool has_avx2() {
  constexpr unsigned wide_registers = 0x06;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !all_set(c, bit_AVX | bit_FMA)) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !all_set(b, bit_AVX2)) return false;
  return all_set(saved_registers(), wide_registers);
}

bool has_avx512() {
  constexpr unsigned widest_registers = 0xe6;
  constexpr unsigned parts = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
  unsigned a, b, c, d;
  if (!has_avx2() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !all_set(b, parts)) return false;
  return all_set(saved_registers(), widest_registers);
}

#endif

}  // namespace

bool has_instruction_set(InstructionSet set) {
  switch (set) {
    case InstructionSet::scalar:
      return true;
#ifdef EUPHORION_ARM64
    case InstructionSet::neon:
      return true;
#endif
#ifdef EUPHORION_X64
    case InstructionSet::sse2:
      return true;
    case InstructionSet::avx2:
      return has_avx2();
    case InstructionSet::avx512:
      return has_avx512();
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
