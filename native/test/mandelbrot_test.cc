// Every instruction set against the plain loop: known grids, thin ones, random zooms, and regions
// where rounding is at its worst.
#include "../core/mandelbrot.h"

#include <cmath>
#include <limits>
#include <vector>

#include "check.h"

namespace euphorion {

namespace {

constexpr int32_t untouched = -7;

void compare_one(const MandelbrotSlice& slice, const std::vector<int32_t>& expected,
                 InstructionSet set) {
  const MandelbrotGrid& grid = slice.grid;
  std::vector<int32_t> counts(expected.size() + 1, untouched);
  mandelbrot_points(counts.data(), slice, set);
  size_t wrong = 0;
  size_t first = 0;
  for (size_t at = expected.size(); at-- > 0;) {
    if (counts[at] == expected[at]) continue;
    ++wrong;
    first = at;
  }
  check(wrong == 0,
        "%s%s %lldx%lldx%d of [%.17g, %.17g] [%.17g, %.17g], points %lld to %lld: %zu wrong, "
        "first %zu is %d, not %d",
        name_of(set), slice.shortcuts ? " with shortcuts" : "", static_cast<long long>(grid.nx),
        static_cast<long long>(grid.ny), slice.iterations, grid.x_from, grid.x_to, grid.y_from,
        grid.y_to, static_cast<long long>(slice.first), static_cast<long long>(slice.end), wrong,
        first, wrong ? counts[first] : 0, wrong ? expected[first] : 0);
  check(counts.back() == untouched, "%s wrote behind the end", name_of(set));
}

void compare(MandelbrotSlice slice) {
  const size_t points = static_cast<size_t>(slice.end - slice.first);
  std::vector<int32_t> expected(points);
  plain_points(expected.data(), slice);
  for (InstructionSet set : every_instruction_set) {
    if (!has_instruction_set(set)) continue;
    for (bool shortcuts : {false, true}) {
      slice.shortcuts = shortcuts;
      compare_one(slice, expected, set);
    }
  }
}

void compare_all(const MandelbrotGrid& grid, int32_t iterations) {
  compare({grid, 0, grid.nx * grid.ny, iterations, false});
}

/** Around a point of the border, from wide to far beyond what a double tells apart. */
void random_zoom(Random& random) {
  const double angle = random.unit() * 6.283185307179586;
  const double edge = 0.5 * std::cos(angle) - 0.25 * std::cos(2 * angle);
  const double height = 0.5 * std::sin(angle) - 0.25 * std::sin(2 * angle);
  const bool is_real = random.below(4) == 0;
  const double x = is_real ? -2.0 + 2.25 * random.unit() : edge;
  const double y = is_real ? 0.0 : height;
  const double size = std::pow(10.0, 0.5 - 17.0 * random.unit());
  MandelbrotGrid grid{1 + random.below(40), 1 + random.below(70), 0, 0, 0, 0};
  grid.x_from = x - size * random.unit();
  grid.x_to = x + size * random.unit();
  grid.y_from = y - size * random.unit();
  grid.y_to = y + size * random.unit();
  const int64_t points = grid.nx * grid.ny;
  const int64_t first = random.below(points);
  const int64_t end = first + random.below(points - first + 1);
  compare({grid, first, end, static_cast<int32_t>(random.below(2'000)), false});
}

}  // namespace

void test_mandelbrot(Random random) {
  const MandelbrotGrid whole{320, 240, -2.5, 0.5, -1.2, 1.2};
  compare_all(whole, 255);
  for (int32_t iterations = 0; iterations < 300; ++iterations) {
    compare_all({11, 13, -2.5, 0.5, -1.2, 1.2}, iterations);
    // Escapes at every step from 60 on.
    compare_all({17, 23, -0.744, -0.742, 0.130, 0.133}, iterations);
  }
  for (int64_t points = 1; points <= 50; ++points) {
    compare_all({1, points, -0.7, 0.5, -1.2, 1.2}, 200);
    compare_all({points, 1, -2.5, 0.5, 0.1, 1.2}, 200);
    // The last point is the end itself, far from what the steps add up to.
    compare_all({3, points, -0.1, 0.2, -1e16, 1.1}, 50);
    compare_all({points, 3, -1e16, -1.9, -0.1, 0.2}, 50);
  }
  compare_all({0, 5, -2, 1, -1, 1}, 50);
  compare_all({5, 0, -2, 1, -1, 1}, 50);
  // Turned round, of no size, around nothing; and where doubling first keeps a digit.
  compare_all({30, 30, 0.5, -2.5, 1.2, -1.2}, 100);
  compare_all({30, 30, -1.75, -1.75, 0.0, 0.0}, 3'000);
  compare_all({30, 30, -1e-300, 1e-300, -1e-300, 1e-300}, 300);
  compare_all({20, 40, -1.99, -1.7, -1e-322, 1e-322}, 3'000);
  compare_all({20, 40, -1.99, -1.7, 0x1p-970, 0x1p-950}, 2'500);
  // What is no place at all is iterated as the plain loop does it.
  constexpr double inf = std::numeric_limits<double>::infinity();
  compare_all({10, 10, -1e200, 1e200, -1e200, 1e200}, 50);
  compare_all({10, 10, -inf, 1.0, -1.0, 1.0}, 50);
  compare_all({10, 10, -1.0, 1.0, -1.0, std::nan("")}, 50);
  for (int round = 0; round < 400; ++round) random_zoom(random);
}

}  // namespace euphorion
