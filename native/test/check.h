// What the tests of the core share: failures that are counted and told, and seeded randomness.
#pragma once
#include <cstdarg>
#include <cstdint>
#include <cstdio>

namespace euphorion {

inline int failures = 0;

/** Tells what is wrong where `right` is not so; goes on with the rest. */
[[gnu::format(printf, 2, 3)]] inline void check(bool right, const char* format, ...) {
  if (right) return;
  ++failures;
  va_list values;
  va_start(values, format);
  vprintf(format, values);
  va_end(values);
  putchar('\n');
}

/** xorshift64: the same on every machine. */
struct Random {
  uint64_t state;

  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  /** 0 … below - 1 */
  int64_t below(int64_t bound) {
    return static_cast<int64_t>(next() % static_cast<uint64_t>(bound));
  }
  /** 0 ≤ … < 1 */
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
};

void test_columns(Random random);
void test_crc32c(Random random);
void test_mandelbrot(Random random);

}  // namespace euphorion
