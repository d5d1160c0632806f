// CRC-32C by the instruction that SSE 4.2 and arm64 have; this file is compiled with their flags.
// An instruction takes three cycles and one can begin in each, so three stretches are summed at a
// time, and joined by moving a sum over the length of the next stretch.
#include <cstring>

#include "cpu.h"
#include "crc32c.h"
#include "crc32c_tables.h"

#if defined(__SSE4_2__)
#include <cpuid.h>
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif
#endif

namespace euphorion {

#if defined(__SSE4_2__) || defined(__ARM_FEATURE_CRC32)

namespace {

constexpr size_t long_bytes = 4096;
constexpr size_t short_bytes = 256;
constexpr Crc32cShift over_long = make_crc32c_shift(long_bytes);
constexpr Crc32cShift over_short = make_crc32c_shift(short_bytes);

uint64_t word_at(const uint8_t* bytes) {
  uint64_t word;
  memcpy(&word, bytes, 8);
  return word;
}

#if defined(__SSE4_2__)
uint32_t add_word(uint32_t crc, uint64_t word) {
  return static_cast<uint32_t>(_mm_crc32_u64(crc, word));
}
uint32_t add_byte(uint32_t crc, uint8_t byte) { return _mm_crc32_u8(crc, byte); }
#else
uint32_t add_word(uint32_t crc, uint64_t word) { return __crc32cd(crc, word); }
uint32_t add_byte(uint32_t crc, uint8_t byte) { return __crc32cb(crc, byte); }
#endif

/** Of three stretches of `stretch` bytes each; `over` moves a sum over one of them. */
uint32_t three(uint32_t crc, const uint8_t* bytes, size_t stretch, const Crc32cShift& over) {
  uint32_t second = 0;
  uint32_t third = 0;
  for (size_t at = 0; at < stretch; at += 8) {
    crc = add_word(crc, word_at(bytes + at));
    second = add_word(second, word_at(bytes + stretch + at));
    third = add_word(third, word_at(bytes + 2 * stretch + at));
  }
  return crc32c_shifted(crc32c_shifted(crc, over) ^ second, over) ^ third;
}

}  // namespace

uint32_t crc32c_by_instruction(const uint8_t* bytes, size_t length) {
  const uint8_t* const end = bytes + length;
  const auto left = [&] { return static_cast<size_t>(end - bytes); };
  uint32_t crc = ~0u;
  for (; left() >= 3 * long_bytes; bytes += 3 * long_bytes) {
    crc = three(crc, bytes, long_bytes, over_long);
  }
  for (; left() >= 3 * short_bytes; bytes += 3 * short_bytes) {
    crc = three(crc, bytes, short_bytes, over_short);
  }
  for (; left() >= 8; bytes += 8) crc = add_word(crc, word_at(bytes));
  for (; bytes != end; ++bytes) crc = add_byte(crc, *bytes);
  return ~crc;
}

bool has_crc32c_instruction() {
#if defined(__SSE4_2__)
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) != 0;
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#else
  return true;  // Every arm64 processor of Apple.
#endif
}

#else

uint32_t crc32c_by_instruction(const uint8_t* bytes, size_t length) {
  return crc32c_by_tables(bytes, length);
}

bool has_crc32c_instruction() { return false; }

#endif

}  // namespace euphorion
