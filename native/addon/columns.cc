// The column kernels for JavaScript: PieceKernels of src/kernel/column/piece_kernels.ts, the same
// names and arguments, over Float64Arrays and Float32Arrays.
#include "../core/columns.h"

#include "arguments.h"
#include "functions.h"

namespace euphorion {

namespace {

/** Calls `run` with the kernels of the column's type and the column. */
template <typename Run>
void with_kernels(const Elements& x, Run run) {
  const ColumnSet& set = column_set(instruction_set());
  if (x.type == napi_float64_array) {
    run(set.f64, static_cast<double*>(x.data));
  } else {
    run(set.f32, static_cast<float*>(x.data));
  }
}

/** A typed array of the same type as the column beside it; `_` only tells the type. */
template <typename T>
T* same(const Elements& elements, T* _) {
  (void)_;
  return static_cast<T*>(elements.data);
}

Elements like(Arguments& arguments, size_t index, const char* name, const Elements& x) {
  const Elements elements = arguments.float_array(index, name);
  if (!arguments.failed() && elements.type != x.type) {
    arguments.type_error(name, "of the same type as x");
  }
  return elements;
}

Elements records_of(Arguments& arguments, size_t index, const Elements& x, size_t record_length) {
  const Elements records = arguments.typed_array(index, "records", napi_float64_array);
  const size_t blocks = (x.length + column_block_length - 1) / column_block_length;
  arguments.room("records", records, blocks * record_length);
  return records;
}

/** name(x, records) */
template <size_t record_length, typename Pick>
napi_value summary(napi_env env, napi_callback_info info, Pick pick) {
  Arguments arguments(env, info, 2);
  const Elements x = arguments.float_array(0, "x");
  const Elements records = records_of(arguments, 1, x, record_length);
  if (arguments.failed()) return nullptr;
  with_kernels(x, [&](const auto& kernels, const auto* data) {
    pick(kernels)(data, x.length, static_cast<double*>(records.data));
  });
  return nullptr;
}

/** name(x, y, records) */
template <size_t record_length, typename Pick>
napi_value summary_of_two(napi_env env, napi_callback_info info, Pick pick) {
  Arguments arguments(env, info, 3);
  const Elements x = arguments.float_array(0, "x");
  const Elements y = like(arguments, 1, "y", x);
  arguments.room("y", y, x.length);
  const Elements records = records_of(arguments, 2, x, record_length);
  if (arguments.failed()) return nullptr;
  with_kernels(x, [&](const auto& kernels, auto* data) {
    pick(kernels)(data, same(y, data), x.length, static_cast<double*>(records.data));
  });
  return nullptr;
}

napi_value call_sum(napi_env env, napi_callback_info info) {
  return summary<1>(env, info, [](const auto& kernels) { return kernels.sum; });
}

napi_value call_dot(napi_env env, napi_callback_info info) {
  return summary_of_two<1>(env, info, [](const auto& kernels) { return kernels.dot; });
}

napi_value call_min_max(napi_env env, napi_callback_info info) {
  return summary<2>(env, info, [](const auto& kernels) { return kernels.min_max; });
}

napi_value call_finite_range(napi_env env, napi_callback_info info) {
  return summary<2>(env, info, [](const auto& kernels) { return kernels.finite_range; });
}

napi_value call_moments(napi_env env, napi_callback_info info) {
  return summary<5>(env, info, [](const auto& kernels) { return kernels.moments; });
}

napi_value call_comoments(napi_env env, napi_callback_info info) {
  return summary_of_two<7>(env, info, [](const auto& kernels) { return kernels.comoments; });
}

/** logCounts(x, counters, multiplier, lowestPositive, lowestNegative) */
napi_value call_log_counts(napi_env env, napi_callback_info info) {
  constexpr size_t special_counters = 4;
  Arguments arguments(env, info, 5);
  const Elements x = arguments.float_array(0, "x");
  const Elements counters = arguments.typed_array(1, "counters", napi_uint32_array);
  arguments.room("counters", counters, special_counters + 2);
  BucketRule rule{};
  rule.multiplier = arguments.number(2, "multiplier");
  rule.lowest_positive = arguments.number(3, "lowestPositive");
  rule.lowest_negative = arguments.number(4, "lowestNegative");
  if (arguments.failed()) return nullptr;
  rule.buckets = static_cast<uint32_t>((counters.length - special_counters) / 2);
  with_kernels(x, [&](const auto& kernels, const auto* data) {
    kernels.log_counts(data, x.length, rule, static_cast<uint32_t*>(counters.data));
  });
  return nullptr;
}

/** ewma(x, out, alpha, last) */
napi_value call_ewma(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, 4);
  const Elements x = arguments.float_array(0, "x");
  const Elements out = like(arguments, 1, "out", x);
  arguments.room("out", out, x.length);
  const double alpha = arguments.number(2, "alpha");
  const double last = arguments.number(3, "last");
  if (arguments.failed()) return nullptr;
  double newest = last;
  with_kernels(x, [&](const auto& kernels, auto* data) {
    newest = kernels.ewma(data, x.length, same(out, data), alpha, last);
  });
  napi_value value = nullptr;
  napi_create_double(env, newest, &value);
  return value;
}

/** zScores(x, out, mean, scale) */
napi_value call_z_scores(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, 4);
  const Elements x = arguments.float_array(0, "x");
  const Elements out = like(arguments, 1, "out", x);
  arguments.room("out", out, x.length);
  const double mean = arguments.number(2, "mean");
  const double scale = arguments.number(3, "scale");
  if (arguments.failed()) return nullptr;
  with_kernels(x, [&](const auto& kernels, auto* data) {
    kernels.z_scores(data, x.length, same(out, data), mean, scale);
  });
  return nullptr;
}

/** zFlags(x, out, mean, limit) */
napi_value call_z_flags(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, 4);
  const Elements x = arguments.float_array(0, "x");
  const Elements out = arguments.typed_array(1, "out", napi_uint8_array);
  arguments.room("out", out, x.length);
  const double mean = arguments.number(2, "mean");
  const double limit = arguments.number(3, "limit");
  if (arguments.failed()) return nullptr;
  with_kernels(x, [&](const auto& kernels, const auto* data) {
    kernels.z_flags(data, x.length, static_cast<uint8_t*>(out.data), mean, limit);
  });
  return nullptr;
}

/** movingAverage(x, out, window, history, scratch) */
napi_value call_moving_average(napi_env env, napi_callback_info info) {
  constexpr int64_t window_max = 0x7fffffff;
  Arguments arguments(env, info, 5);
  const Elements x = arguments.float_array(0, "x");
  const Elements out = like(arguments, 1, "out", x);
  const int64_t window = arguments.integer(2, "window", 1, window_max);
  const int64_t history = arguments.integer(3, "history", 0, window);
  const Elements scratch = arguments.typed_array(4, "scratch", napi_float64_array);
  if (arguments.failed()) return nullptr;
  if (history != 0 && history != window) arguments.range_error("history must be 0 or the window");
  arguments.room("x", x, static_cast<size_t>(history));
  if (arguments.failed()) return nullptr;
  arguments.room("out", out, x.length - static_cast<size_t>(history));
  arguments.room("scratch", scratch, 2 * (static_cast<size_t>(window) + 1));
  if (arguments.failed()) return nullptr;
  with_kernels(x, [&](const auto& kernels, auto* data) {
    kernels.moving_average(data, x.length, same(out, data), static_cast<size_t>(window),
                           static_cast<size_t>(history), static_cast<double*>(scratch.data));
  });
  return nullptr;
}

}  // namespace

napi_value make_columns(napi_env env) {
  napi_value columns = nullptr;
  napi_create_object(env, &columns);
  define_function(env, columns, "sum", call_sum);
  define_function(env, columns, "dot", call_dot);
  define_function(env, columns, "minMax", call_min_max);
  define_function(env, columns, "finiteRange", call_finite_range);
  define_function(env, columns, "moments", call_moments);
  define_function(env, columns, "comoments", call_comoments);
  define_function(env, columns, "logCounts", call_log_counts);
  define_function(env, columns, "ewma", call_ewma);
  define_function(env, columns, "zScores", call_z_scores);
  define_function(env, columns, "zFlags", call_z_flags);
  define_function(env, columns, "movingAverage", call_moving_average);
  return columns;
}

}  // namespace euphorion
