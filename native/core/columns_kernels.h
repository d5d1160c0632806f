// The column kernels over vectors of COLUMN_WIDTH. Included by columns_*.cc after columns_vector.h.
// Sixteen stripes are 16 / COLUMN_WIDTH vectors, so all widths add in the same order.
namespace euphorion {
namespace {

constexpr size_t stripeCount = 16;
constexpr size_t vectorCount = stripeCount / width;
constexpr double infinity = __builtin_inf();

/** Sixteen sums. */
struct Stripes {
  Vector vectors[vectorCount] = {};

  /** The rest of a block, filled up with +0: no sum is ever -0, so that changes none. */
  void addRest(const double (&row)[stripeCount]) {
    for (size_t v = 0; v < vectorCount; v++) vectors[v] += load(row + v * width);
  }

  double joined() const {
    double sums[stripeCount];
    for (size_t v = 0; v < vectorCount; v++) store(sums + v * width, vectors[v]);
    for (size_t half = stripeCount / 2; half >= 1; half /= 2)
      for (size_t k = 0; k < half; k++) sums[k] += sums[k + half];
    return sums[0];
  }
};

/** The sum of f(x[k]…) over at most a block. */
template <typename F, typename... T>
inline double stripedSum(size_t length, F f, const T*... x) {
  Stripes stripes;
  size_t k = 0;
  for (; k + stripeCount <= length; k += stripeCount)
    for (size_t v = 0; v < vectorCount; v++) stripes.vectors[v] += f(load(x + k + v * width)...);
  if (k < length) {
    double row[stripeCount] = {};
    for (size_t j = 0; k + j < length; j++) row[j] = f(double(x[k + j])...);
    stripes.addRest(row);
  }
  return stripes.joined();
}

/** Calls for each block with its first element, its length and its record. */
template <size_t recordLength, typename F>
inline void eachBlock(size_t length, double* records, F f) {
  for (size_t from = 0; from < length; from += columnBlockLength, records += recordLength) {
    const size_t rest = length - from;
    f(from, rest < columnBlockLength ? rest : columnBlockLength, records);
  }
}

template <typename T>
void sum(const T* x, size_t length, double* records) {
  eachBlock<1>(length, records, [=](size_t from, size_t count, double* record) {
    *record = stripedSum(count, [](auto value) { return value; }, x + from);
  });
}

template <typename T>
void dot(const T* x, const T* y, size_t length, double* records) {
  eachBlock<1>(length, records, [=](size_t from, size_t count, double* record) {
    *record = stripedSum(count, [](auto a, auto b) { return a * b; }, x + from, y + from);
  });
}

/** Smallest and largest; NaN are passed over. */
struct Extremes {
  Vector mins[2] = {spread(infinity), spread(infinity)};
  Vector maxs[2] = {spread(-infinity), spread(-infinity)};

  /** `v` says which of two chains takes it. */
  void takeLow(Vector value, size_t v) { mins[v % 2] = smaller(value, mins[v % 2]); }
  void takeHigh(Vector value, size_t v) { maxs[v % 2] = larger(value, maxs[v % 2]); }

  void take(Vector value, size_t v) {
    takeLow(value, v);
    takeHigh(value, v);
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
inline void signZeros(const T* x, size_t length, double* record) {
  if (record[0] != 0 && record[1] != 0) return;
  bool someNegative = false, somePositive = false;
  for (size_t k = 0; k < length; k++) {
    someNegative |= __builtin_signbit(x[k]) != 0;
    somePositive |= __builtin_signbit(x[k]) == 0;
  }
  if (record[0] == 0) record[0] = someNegative ? -0.0 : 0.0;
  if (record[1] == 0) record[1] = somePositive ? 0.0 : -0.0;
}

template <typename T>
inline void minMaxOfBlock(const T* x, size_t length, double* record) {
  Extremes extremes;
  Words unordered = {};
  size_t k = 0;
  for (; k + stripeCount <= length; k += stripeCount) {
    for (size_t v = 0; v < vectorCount; v++) {
      const Vector value = load(x + k + v * width);
      extremes.take(value, v);
      unordered |= (Words)(value != value);
    }
  }
  extremes.join(x + k, length - k, record);
  bool isNan = isAnySet(unordered);
  for (; k < length; k++) isNan |= x[k] != x[k];
  if (isNan) record[0] = record[1] = __builtin_nan("");
  else signZeros(x, length, record);
}

template <typename T>
void minMax(const T* x, size_t length, double* records) {
  eachBlock<2>(length, records, [=](size_t from, size_t count, double* record) {
    minMaxOfBlock(x + from, count, record);
  });
}

template <typename T>
void finiteRange(const T* x, size_t length, double* records) {
  eachBlock<2>(length, records, [=](size_t from, size_t count, double* record) {
    Extremes extremes;
    size_t k = 0;
    for (; k + stripeCount <= count; k += stripeCount) {
      for (size_t v = 0; v < vectorCount; v++) {
        const Vector value = load(x + from + k + v * width);
        const Words isFinite = (Words)(magnitude(value) < infinity);
        extremes.takeLow(choose(isFinite, value, spread(infinity)), v);
        extremes.takeHigh(choose(isFinite, value, spread(-infinity)), v);
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
inline void firstMoments(const T* x, size_t length, double* record) {
  Stripes stripes;
  Extremes extremes;
  size_t k = 0;
  for (; k + stripeCount <= length; k += stripeCount) {
    for (size_t v = 0; v < vectorCount; v++) {
      const Vector value = load(x + k + v * width);
      stripes.vectors[v] += value;
      extremes.take(value, v);
    }
  }
  extremes.join(x + k, length - k, record + 3);
  double row[stripeCount] = {};
  for (size_t j = 0; k + j < length; j++) row[j] = x[k + j];
  stripes.addRest(row);
  record[0] = stripes.joined();
  // A NaN makes the sum NaN; but so do infinities of both signs.
  if (record[0] != record[0]) minMaxOfBlock(x, length, record + 3);
  else signZeros(x, length, record + 3);
}

/** Sums of the deviations from a mean and of their squares. */
template <typename T>
inline void secondMoments(const T* x, size_t length, double mean, double* record) {
  Stripes deviations, squares;
  size_t k = 0;
  for (; k + stripeCount <= length; k += stripeCount) {
    for (size_t v = 0; v < vectorCount; v++) {
      const Vector deviation = load(x + k + v * width) - mean;
      deviations.vectors[v] += deviation;
      squares.vectors[v] += deviation * deviation;
    }
  }
  double row[stripeCount] = {}, squareRow[stripeCount] = {};
  for (size_t j = 0; k + j < length; j++) {
    row[j] = x[k + j] - mean;
    squareRow[j] = row[j] * row[j];
  }
  deviations.addRest(row);
  squares.addRest(squareRow);
  record[1] = deviations.joined();
  record[2] = squares.joined();
}

template <typename T>
void moments(const T* x, size_t length, double* records) {
  eachBlock<5>(length, records, [=](size_t from, size_t count, double* record) {
    firstMoments(x + from, count, record);
    secondMoments(x + from, count, record[0] / double(count), record);
  });
}

template <typename T>
void comoments(const T* x, const T* y, size_t length, double* records) {
  eachBlock<7>(length, records, [=](size_t from, size_t count, double* record) {
    const T* xs = x + from;
    const T* ys = y + from;
    const auto same = [](auto value) { return value; };
    record[0] = stripedSum(count, same, xs);
    record[1] = stripedSum(count, same, ys);
    const double mx = record[0] / double(count), my = record[1] / double(count);
    record[2] = stripedSum(count, [=](auto value) { return value - mx; }, xs);
    record[3] = stripedSum(count, [=](auto value) { return value - my; }, ys);
    const auto squareX = [=](auto value) { return (value - mx) * (value - mx); };
    const auto squareY = [=](auto value) { return (value - my) * (value - my); };
    record[4] = stripedSum(count, squareX, xs);
    record[5] = stripedSum(count, squareY, ys);
    record[6] = stripedSum(count, [=](auto a, auto b) { return (a - mx) * (b - my); }, xs, ys);
  });
}

}  // namespace
}  // namespace euphorion
