// Runs the tests of the core; the argument is the seed. Started by test/native/core.test.ts.
#include <cstdlib>

#include "../core/cpu.h"
#include "check.h"

int main(int count, char** arguments) {
  const uint64_t seed = count > 1 ? strtoull(arguments[1], nullptr, 10) : 0x9e3779b97f4a7c15;
  const euphorion::Random random{seed | 1};
  printf("seed %llu, instruction sets:", static_cast<unsigned long long>(seed));
  for (euphorion::InstructionSet set : euphorion::every_instruction_set) {
    if (euphorion::has_instruction_set(set)) printf(" %s", euphorion::name_of(set));
  }
  putchar('\n');
  euphorion::test_crc32c(random);
  euphorion::test_mandelbrot(random);
  euphorion::test_columns(random);
  printf("%d failures\n", euphorion::failures);
  return euphorion::failures == 0 ? 0 : 1;
}
