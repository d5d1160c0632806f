// The column kernels of every instruction set against those of the narrowest, bit by bit, over
// columns that end where their memory ends. What they compute is compared with the oracle in
// TypeScript by the tests of src/kernel/column.
#include "../core/columns.h"

#include <cmath>
#include <limits>
#include <vector>

#include "check.h"

namespace euphorion {

namespace {

/** Any number, and those with which kernels go wrong. */
double some_number(Random& random) {
  switch (random.below(40)) {
    case 0:
      return 0.0;
    case 1:
      return -0.0;
    case 2:
      return std::numeric_limits<double>::infinity();
    case 3:
      return -std::numeric_limits<double>::infinity();
    case 4:
      return std::nan("");
    case 5:
      return 0x1p-1060 * static_cast<double>(random.below(100));
    default:
      return (random.unit() - 0.5) * std::pow(10.0, static_cast<double>(random.below(12)));
  }
}

template <typename T>
std::vector<T> some_column(Random& random, size_t length, bool is_tame) {
  std::vector<T> column(length);
  for (T& value : column) {
    value = static_cast<T>(is_tame ? random.unit() - 0.25 : some_number(random));
  }
  return column;
}

/** All results of one set one after the other; every buffer exactly as long as it must be. */
template <typename T>
struct Results {
  std::vector<double> values;
  std::vector<uint32_t> counters;
  std::vector<uint8_t> flags;

  template <typename U>
  void add(const std::vector<U>& more) {
    values.insert(values.end(), more.begin(), more.end());
  }

  void summaries(const ColumnKernels<T>& kernels, const std::vector<T>& x,
                 const std::vector<T>& y) {
    const size_t blocks = (x.size() + column_block_length - 1) / column_block_length;
    std::vector<double> one(blocks), two(2 * blocks), five(5 * blocks), seven(7 * blocks);
    kernels.sum(x.data(), x.size(), one.data());
    add(one);
    kernels.dot(x.data(), y.data(), x.size(), one.data());
    add(one);
    kernels.min_max(x.data(), x.size(), two.data());
    add(two);
    kernels.finite_range(x.data(), x.size(), two.data());
    add(two);
    kernels.moments(x.data(), x.size(), five.data());
    add(five);
    kernels.comoments(x.data(), y.data(), x.size(), seven.data());
    add(seven);
  }

  void series(const ColumnKernels<T>& kernels, const std::vector<T>& x, size_t window) {
    std::vector<T> out(x.size());
    values.push_back(kernels.ewma(x.data(), x.size(), out.data(), 0.2, 0.5));
    add(out);
    kernels.z_scores(x.data(), x.size(), out.data(), 0.25, 1.5);
    add(out);
    flags.resize(x.size());
    kernels.z_flags(x.data(), x.size(), flags.data(), 0.25, 0.2);
    std::vector<double> scratch(2 * (window + 1));
    kernels.moving_average(x.data(), x.size(), out.data(), window, 0, scratch.data());
    add(out);
    if (x.size() < window) return;
    std::vector<T> later(x.size() - window);
    kernels.moving_average(x.data(), x.size(), later.data(), window, window, scratch.data());
    add(later);
  }

  /** Too few buckets on purpose: what lies beyond them must not be written beyond them. */
  void histogram(const ColumnKernels<T>& kernels, const std::vector<T>& x) {
    const BucketRule rule{34.3, 50, -20.0, -15.0};
    counters.resize(4 + 2 * rule.buckets);
    kernels.log_counts(x.data(), x.size(), rule, counters.data());
  }
};

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (size_t k = 0; k < a.size(); ++k) {
    const bool is_same = a[k] == b[k] && std::signbit(a[k]) == std::signbit(b[k]);
    if (!is_same && !(std::isnan(a[k]) && std::isnan(b[k]))) return false;
  }
  return true;
}

template <typename T>
Results<T> results_of(const ColumnKernels<T>& kernels, const std::vector<T>& x,
                      const std::vector<T>& y, size_t window) {
  Results<T> results;
  results.summaries(kernels, x, y);
  results.series(kernels, x, window);
  results.histogram(kernels, x);
  return results;
}

template <typename T, typename Pick>
void compare(Random& random, size_t length, bool is_tame, Pick pick) {
  const std::vector<T> x = some_column<T>(random, length, is_tame);
  const std::vector<T> y = some_column<T>(random, length, is_tame);
  const size_t window = 1 + static_cast<size_t>(random.below(static_cast<int64_t>(length) + 5));
  const Results<T> expected = results_of<T>(pick(columns_baseline), x, y, window);
  for (InstructionSet set : every_instruction_set) {
    if (!has_instruction_set(set)) continue;
    const Results<T> found = results_of<T>(pick(column_set(set)), x, y, window);
    const char* const type = sizeof(T) == 8 ? "f64" : "f32";
    check(same_bits(found.values, expected.values), "%s columns of %zu %s, window %zu",
          name_of(set), length, type, window);
    check(found.flags == expected.flags, "%s flags of %zu %s", name_of(set), length, type);
    check(found.counters == expected.counters, "%s histogram of %zu %s", name_of(set), length,
          type);
  }
}

}  // namespace

void test_columns(Random random) {
  for (size_t round = 0; round < 300; ++round) {
    const size_t length =
        round < 70 ? round : static_cast<size_t>(random.below(round % 4 == 0 ? 5'000 : 600));
    const bool is_tame = round % 2 == 0;
    compare<double>(random, length, is_tame, [](const ColumnSet& set) { return set.f64; });
    compare<float>(random, length, is_tame, [](const ColumnSet& set) { return set.f32; });
  }
}

}  // namespace euphorion
