// Escape times of the Mandelbrot set over a grid. Called by the addon.
#pragma once
#include <cstdint>

#include "cpu.h"

namespace euphorion {

/** nx by ny points, evenly from one end of each axis to the other; both ends are points. */
struct MandelbrotGrid {
  int64_t nx, ny;
  double x_from, x_to, y_from, y_to;
};

/** Points first … end - 1 of the grid, of which i * ny + j is row j of column i. */
struct MandelbrotSlice {
  MandelbrotGrid grid;
  int64_t first, end;
  int32_t iterations;
  /** Points known to be in the set are not iterated to the end; the counts are the same. */
  bool shortcuts;
};

/**
 * For each point the number of steps before |z|² reaches 4, or `iterations`; counts[0] is that of
 * the first. Whatever the set, they are those of the plain loop, every step rounded by IEEE 754.
 */
void mandelbrot_points(int32_t* counts, const MandelbrotSlice& slice, InstructionSet set);

/** The plain loop for every point: the oracle, and what is left where no vectors are. */
void plain_points(int32_t* counts, const MandelbrotSlice& slice);

// By vectors; each where has_instruction_set() says so.
void mandelbrot_points_neon(int32_t* counts, const MandelbrotSlice& slice);
void mandelbrot_points_sse2(int32_t* counts, const MandelbrotSlice& slice);
void mandelbrot_points_avx2(int32_t* counts, const MandelbrotSlice& slice);
void mandelbrot_points_avx512(int32_t* counts, const MandelbrotSlice& slice);

/** Point k of n from `from` to `to`. */
static inline double grid_point(double from, double to, int64_t n, int64_t k) {
  if (n == 1) return from;
  if (k == n - 1) return to;
  return from + static_cast<double>(k) * ((to - from) / static_cast<double>(n - 1));
}

}  // namespace euphorion
