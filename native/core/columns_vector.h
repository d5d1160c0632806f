// COLUMN_WIDTH doubles at a time, by the compiler's vector types. Included by columns_*.cc, once
// for each instruction set. Everything is local to the file that includes it, so that nothing
// compiled for one set is linked in place of code for another.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#if COLUMN_WIDTH == 8
#include <immintrin.h>
#endif

#include "columns.h"

namespace euphorion {
namespace {

using std::size_t;

constexpr size_t width = COLUMN_WIDTH;

typedef double Vector __attribute__((vector_size(8 * COLUMN_WIDTH)));
typedef std::uint64_t Words __attribute__((vector_size(8 * COLUMN_WIDTH)));
typedef float Halves __attribute__((vector_size(4 * COLUMN_WIDTH)));

inline Vector load(const double* from) {
  Vector loaded;
  std::memcpy(&loaded, from, sizeof loaded);
  return loaded;
}

inline Vector load(const float* from) {
  Halves loaded;
  std::memcpy(&loaded, from, sizeof loaded);
  return __builtin_convertvector(loaded, Vector);
}

inline void store(double* to, Vector stored) { std::memcpy(to, &stored, sizeof stored); }

inline void store(float* to, Vector stored) {
  const Halves rounded = __builtin_convertvector(stored, Halves);
  std::memcpy(to, &rounded, sizeof rounded);
}

inline Vector spread(double value) { return value - Vector{}; }

/** The lanes of `a` where the mask is set, else those of `b`. */
inline Vector choose(Words mask, Vector a, Vector b) {
  return (Vector)((mask & (Words)a) | (~mask & (Words)b));
}

inline Vector magnitude(Vector x) { return (Vector)((Words)x & 0x7fffffffffffffff); }
inline double magnitude(double x) { return __builtin_fabs(x); }

/** The smaller one; `b` where either is NaN. */
inline Vector smaller(Vector a, Vector b) { return a < b ? a : b; }
inline double smaller(double a, double b) { return a < b ? a : b; }
inline Vector larger(Vector a, Vector b) { return a > b ? a : b; }
inline double larger(double a, double b) { return a > b ? a : b; }

inline bool any_set(Words mask) {
  std::uint64_t any = 0;
  for (size_t lane = 0; lane < width; lane++) any |= mask[lane];
  return any != 0;
}

}  // namespace
}  // namespace euphorion
