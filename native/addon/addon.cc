// The addon: its exports, made anew in every thread that loads it (context-aware; nothing is kept
// but the chosen instruction set). Loaded by src/kernel/native.ts.
#include <atomic>
#include <cstring>

#include "arguments.h"
#include "functions.h"

namespace euphorion {

namespace {

/** Of the functions and their arguments; src/kernel/native.ts takes no other. */
constexpr uint32_t interface_version = 2;

std::atomic<InstructionSet> chosen{widest_instruction_set()};

napi_value get_instruction_set(napi_env env, napi_callback_info) {
  napi_value name = nullptr;
  napi_create_string_latin1(env, name_of(instruction_set()), NAPI_AUTO_LENGTH, &name);
  return name;
}

napi_value get_instruction_sets(napi_env env, napi_callback_info) {
  napi_value names = nullptr;
  napi_create_array(env, &names);
  uint32_t count = 0;
  for (InstructionSet set : every_instruction_set) {
    if (!has_instruction_set(set)) continue;
    napi_value name = nullptr;
    napi_create_string_latin1(env, name_of(set), NAPI_AUTO_LENGTH, &name);
    napi_set_element(env, names, count++, name);
  }
  return names;
}

napi_value call_use_instruction_set(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info, 1);
  char name[16];
  arguments.text(0, "name", name, sizeof(name));
  if (arguments.failed()) return nullptr;
  for (InstructionSet set : every_instruction_set) {
    if (strcmp(name, name_of(set)) != 0 || !has_instruction_set(set)) continue;
    use_instruction_set(set);
    return nullptr;
  }
  arguments.range_error("this machine has no instruction set '%s'", name);
  return nullptr;
}

napi_property_descriptor getter(const char* name, napi_callback get) {
  return {name, nullptr, nullptr, get, nullptr, nullptr, napi_enumerable, nullptr};
}

napi_property_descriptor value(const char* name, napi_value value) {
  return {name, nullptr, nullptr, nullptr, nullptr, value, napi_enumerable, nullptr};
}

napi_value make_exports(napi_env env, napi_value exports) {
  napi_value version = nullptr;
  napi_create_uint32(env, interface_version, &version);
  const napi_property_descriptor properties[] = {
      value("interfaceVersion", version),
      getter("instructionSet", get_instruction_set),
      getter("instructionSets", get_instruction_sets),
      value("columns", make_columns(env)),
  };
  const size_t count = sizeof(properties) / sizeof(properties[0]);
  napi_define_properties(env, exports, count, properties);
  define_function(env, exports, "useInstructionSet", call_use_instruction_set);
  define_function(env, exports, "crc32c", call_crc32c);
  define_function(env, exports, "mandelbrotPoints", call_mandelbrot_points);
  return exports;
}

}  // namespace

InstructionSet instruction_set() { return chosen.load(std::memory_order_relaxed); }

void use_instruction_set(InstructionSet set) { chosen.store(set, std::memory_order_relaxed); }

void define_function(napi_env env, napi_value object, const char* name, napi_callback call) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function);
  if (napi_set_named_property(env, object, name, function) == napi_ok) return;
  bool is_pending = false;
  napi_is_exception_pending(env, &is_pending);
  if (!is_pending) napi_throw_error(env, nullptr, "a function of the addon could not be made");
}

}  // namespace euphorion

NAPI_MODULE_INIT() { return euphorion::make_exports(env, exports); }
