// What the addon gives to JavaScript, one function a kernel; exported by addon.cc. The shapes are
// those of NativeAddon in src/kernel/native.ts.
#pragma once
#include <node_api.h>

#include "../core/cpu.h"

namespace euphorion {

/** The set that kernels use: of the process, since all its threads share one processor. */
InstructionSet instruction_set();
void use_instruction_set(InstructionSet set);

/** Defines a function under its name; an error is left pending where that fails. */
void define_function(napi_env env, napi_value object, const char* name, napi_callback call);

napi_value call_crc32c(napi_env env, napi_callback_info info);
napi_value call_mandelbrot_points(napi_env env, napi_callback_info info);
/** The column kernels, as an object of functions. */
napi_value make_columns(napi_env env);

}  // namespace euphorion
