// The summaries of columns over vectors of COLUMN_WIDTH. Included by columns_series.h. Sixteen
// stripes are 16 / COLUMN_WIDTH vectors, so all widths add in the same order.
#pragma once
#include "columns_vector.h"

namespace euphorion {
namespace {

constexpr size_t stripe_count = 16;
constexpr size_t vector_count = stripe_count / width;
constexpr double infinity = __builtin_inf();

/** Sixteen sums. */
struct Stripes {
  Vector vectors[vector_count] = {};

  /** The rest of a block, filled up with +0: no sum is ever -0, so that changes none. */
  void add_rest(const double (&row)[stripe_count]) {
    for (size_t v = 0; v < vector_count; v++) vectors[v] += load(row + v * width);
  }

  double joined() const {
    double sums[stripe_count];
    for (size_t v = 0; v < vector_count; v++) store(sums + v * width, vectors[v]);
    for (size_t half = stripe_count / 2; half >= 1; half /= 2)
      for (size_t k = 0; k < half; k++) sums[k] += sums[k + half];
    return sums[0];
  }
};

/** The sum of f(x[k]…) over at most a block. */
template <typename F, typename... T>
inline double striped_sum(size_t length, F f, const T*... x) {
  Stripes stripes;
  size_t k = 0;
  for (; k + stripe_count <= length; k += stripe_count)
    for (size_t v = 0; v < vector_count; v++) stripes.vectors[v] += f(load(x + k + v * width)...);
  if (k < length) {
    double row[stripe_count] = {};
    for (size_t j = 0; k + j < length; j++) row[j] = f(double(x[k + j])...);
    stripes.add_rest(row);
  }
  return stripes.joined();
}

/** Calls for each block with its first element, its length and its record. */
template <size_t record_length, typename F>
inline void each_block(size_t length, double* records, F f) {
  for (size_t from = 0; from < length; from += column_block_length, records += record_length) {
    const size_t rest = length - from;
    f(from, rest < column_block_length ? rest : column_block_length, records);
  }
}

template <typename T>
void sum(const T* x, size_t length, double* records) {
  each_block<1>(length, records, [=](size_t from, size_t count, double* record) {
    *record = striped_sum(count, [](auto value) { return value; }, x + from);
  });
}

template <typename T>
void dot(const T* x, const T* y, size_t length, double* records) {
  each_block<1>(length, records, [=](size_t from, size_t count, double* record) {
    *record = striped_sum(count, [](auto a, auto b) { return a * b; }, x + from, y + from);
  });
}

/** Smallest and largest; NaN are passed over. */
struct Extremes {
  Vector mins[2] = {spread(infinity), spread(infinity)};
  Vector maxs[2] = {spread(-infinity), spread(-infinity)};

  /** `v` says which of two chains takes it. */
  void take_low(Vector value, size_t v) { mins[v % 2] = smaller(value, mins[v % 2]); }
  void take_high(Vector value, size_t v) { maxs[v % 2] = larger(value, maxs[v % 2]); }

  void take(Vector value, size_t v) {
    take_low(value, v);
    take_high(value, v);
  }

  /** With the elements that were left over. */
  template <typename T>
  void join(const T* rest, size_t length, double* record) const {
    const Vector min = smaller(mins[0], mins[1]);
    const Vector max = larger(maxs[0], maxs[1]);
    record[0] = infinity;
    record[1] = -infinity;
    for (size_t lane = 0; lane < width; lane++) {
      record[0] = smaller(min[lane], record[0]);
      record[1] = larger(max[lane], record[1]);
    }
    for (size_t k = 0; k < length; k++) {
      record[0] = smaller(double(rest[k]), record[0]);
      record[1] = larger(double(rest[k]), record[1]);
    }
  }
};

/** Gives a zero the sign that Math.min and Math.max give it: comparisons cannot tell. */
template <typename T>
inline void sign_zeros(const T* x, size_t length, double* record) {
  if (record[0] != 0 && record[1] != 0) return;
  bool some_negative = false, some_positive = false;
  for (size_t k = 0; k < length; k++) {
    some_negative |= __builtin_signbit(x[k]) != 0;
    some_positive |= __builtin_signbit(x[k]) == 0;
  }
  if (record[0] == 0) record[0] = some_negative ? -0.0 : 0.0;
  if (record[1] == 0) record[1] = some_positive ? 0.0 : -0.0;
}

template <typename T>
inline void min_max_of_block(const T* x, size_t length, double* record) {
  Extremes extremes;
  Words unordered = {};
  size_t k = 0;
  for (; k + stripe_count <= length; k += stripe_count) {
    for (size_t v = 0; v < vector_count; v++) {
      const Vector value = load(x + k + v * width);
      extremes.take(value, v);
      unordered |= (Words)(value != value);
    }
  }
  extremes.join(x + k, length - k, record);
  bool is_nan = any_set(unordered);
  for (; k < length; k++) is_nan |= x[k] != x[k];
  if (is_nan) record[0] = record[1] = __builtin_nan("");
  else sign_zeros(x, length, record);
}

template <typename T>
void min_max(const T* x, size_t length, double* records) {
  each_block<2>(length, records, [=](size_t from, size_t count, double* record) {
    min_max_of_block(x + from, count, record);
  });
}

template <typename T>
void finite_range(const T* x, size_t length, double* records) {
  each_block<2>(length, records, [=](size_t from, size_t count, double* record) {
    Extremes extremes;
    size_t k = 0;
    for (; k + stripe_count <= count; k += stripe_count) {
      for (size_t v = 0; v < vector_count; v++) {
        const Vector value = load(x + from + k + v * width);
        const Words is_finite = (Words)(magnitude(value) < infinity);
        extremes.take_low(choose(is_finite, value, spread(infinity)), v);
        extremes.take_high(choose(is_finite, value, spread(-infinity)), v);
      }
    }
    extremes.join(x, 0, record);
    for (; k < count; k++) {
      const double value = x[from + k];
      if (!(magnitude(value) < infinity)) continue;
      record[0] = smaller(value, record[0]);
      record[1] = larger(value, record[1]);
    }
    record[0] += 0.0;
    record[1] += 0.0;
  });
}

/** Sum, min and max of a block. */
template <typename T>
inline void first_moments(const T* x, size_t length, double* record) {
  Stripes stripes;
  Extremes extremes;
  size_t k = 0;
  for (; k + stripe_count <= length; k += stripe_count) {
    for (size_t v = 0; v < vector_count; v++) {
      const Vector value = load(x + k + v * width);
      stripes.vectors[v] += value;
      extremes.take(value, v);
    }
  }
  extremes.join(x + k, length - k, record + 3);
  double row[stripe_count] = {};
  for (size_t j = 0; k + j < length; j++) row[j] = x[k + j];
  stripes.add_rest(row);
  record[0] = stripes.joined();
  // A NaN makes the sum NaN; but so do infinities of both signs.
  if (record[0] != record[0]) min_max_of_block(x, length, record + 3);
  else sign_zeros(x, length, record + 3);
}

/** Sums of the deviations from a mean and of their squares. */
template <typename T>
inline void second_moments(const T* x, size_t length, double mean, double* record) {
  Stripes deviations, squares;
  size_t k = 0;
  for (; k + stripe_count <= length; k += stripe_count) {
    for (size_t v = 0; v < vector_count; v++) {
      const Vector deviation = load(x + k + v * width) - mean;
      deviations.vectors[v] += deviation;
      squares.vectors[v] += deviation * deviation;
    }
  }
  double row[stripe_count] = {}, square_row[stripe_count] = {};
  for (size_t j = 0; k + j < length; j++) {
    row[j] = x[k + j] - mean;
    square_row[j] = row[j] * row[j];
  }
  deviations.add_rest(row);
  squares.add_rest(square_row);
  record[1] = deviations.joined();
  record[2] = squares.joined();
}

template <typename T>
void moments(const T* x, size_t length, double* records) {
  each_block<5>(length, records, [=](size_t from, size_t count, double* record) {
    first_moments(x + from, count, record);
    second_moments(x + from, count, record[0] / double(count), record);
  });
}

template <typename T>
void comoments(const T* x, const T* y, size_t length, double* records) {
  each_block<7>(length, records, [=](size_t from, size_t count, double* record) {
    const T* xs = x + from;
    const T* ys = y + from;
    const auto same = [](auto value) { return value; };
    record[0] = striped_sum(count, same, xs);
    record[1] = striped_sum(count, same, ys);
    const double mx = record[0] / double(count), my = record[1] / double(count);
    record[2] = striped_sum(count, [=](auto value) { return value - mx; }, xs);
    record[3] = striped_sum(count, [=](auto value) { return value - my; }, ys);
    const auto square_x = [=](auto value) { return (value - mx) * (value - mx); };
    const auto square_y = [=](auto value) { return (value - my) * (value - my); };
    record[4] = striped_sum(count, square_x, xs);
    record[5] = striped_sum(count, square_y, ys);
    record[6] = striped_sum(count, [=](auto a, auto b) { return (a - mx) * (b - my); }, xs, ys);
  });
}

}  // namespace
}  // namespace euphorion
