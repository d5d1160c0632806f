// Which vector instructions a kernel may use. Each set has its own object file, compiled with that
// set's flags; nothing of it runs before has_instruction_set() said yes.
#pragma once

#if defined(__x86_64__)
#define EUPHORION_X64 1
#endif
#if defined(__aarch64__)
#define EUPHORION_ARM64 1
#endif

namespace euphorion {

/** From the narrowest to the widest; neon is the baseline of arm64, sse2 that of x64. */
enum class InstructionSet { scalar, neon, sse2, avx2, avx512 };

constexpr InstructionSet every_instruction_set[] = {
    InstructionSet::scalar, InstructionSet::neon,   InstructionSet::sse2,
    InstructionSet::avx2,   InstructionSet::avx512,
};

/** Whether this processor and its operating system have it. */
bool has_instruction_set(InstructionSet set);

/** The widest of this machine. */
InstructionSet widest_instruction_set();

/** 'avx512' … as the addon tells it. */
const char* name_of(InstructionSet set);

}  // namespace euphorion
