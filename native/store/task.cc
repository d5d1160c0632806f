// Work on libuv's threads: see task.h.
#include "task.h"

#include <cstring>
#include <exception>

namespace euphorion {

namespace {

/** Below this a copy costs less than a buffer with a finalizer. */
constexpr size_t kCopyBytes = 32 << 10;

struct Running {
  std::unique_ptr<Task> task;
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  napi_ref kept = nullptr;
};

void Execute(napi_env, void* data) {
  Task& task = *static_cast<Running*>(data)->task;
  try {
    task.Run();
  } catch (const std::exception& thrown) {
    task.error = thrown.what();
  }
}

napi_value ErrorOf(napi_env env, const std::string& text) {
  napi_value message = nullptr;
  napi_value error = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &message);
  napi_create_error(env, nullptr, message, &error);
  return error;
}

/** While an environment ends these calls fail, and nobody waits for the promise. */
void Complete(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Running> running(static_cast<Running*>(data));
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env, &scope);
  const std::string& error = running->task->error;
  if (error.empty()) {
    napi_resolve_deferred(env, running->deferred, running->task->Result(env));
  } else {
    napi_reject_deferred(env, running->deferred, ErrorOf(env, error));
  }
  napi_delete_reference(env, running->kept);
  napi_delete_async_work(env, running->work);
  napi_close_handle_scope(env, scope);
}

}  // namespace

napi_value Task::Result(napi_env env) {
  napi_value undefined = nullptr;
  napi_get_undefined(env, &undefined);
  return undefined;
}

napi_value Start(napi_env env, std::unique_ptr<Task> task, std::initializer_list<napi_value> kept) {
  auto running = std::make_unique<Running>();
  running->task = std::move(task);
  napi_value list = nullptr;
  napi_value name = nullptr;
  napi_value promise = nullptr;
  uint32_t at = 0;
  napi_create_array_with_length(env, kept.size(), &list);
  for (napi_value value : kept) napi_set_element(env, list, at++, value);
  napi_create_string_utf8(env, "euphorion store", NAPI_AUTO_LENGTH, &name);
  if (napi_create_reference(env, list, 1, &running->kept) != napi_ok ||
      napi_create_promise(env, &running->deferred, &promise) != napi_ok ||
      napi_create_async_work(env, nullptr, name, Execute, Complete, running.get(),
                             &running->work) != napi_ok ||
      napi_queue_async_work(env, running->work) != napi_ok) {
    napi_throw_error(env, nullptr, "the store's work cannot be queued");
    return nullptr;
  }
  running.release();
  return promise;
}

napi_value ToArrayBuffer(napi_env env, std::string bytes) {
  napi_value buffer = nullptr;
  if (bytes.size() >= kCopyBytes) {
    auto* kept = new std::string(std::move(bytes));
    const auto release = [](napi_env, void*, void* hint) {
      delete static_cast<std::string*>(hint);
    };
    if (napi_create_external_arraybuffer(env, kept->data(), kept->size(), release, kept,
                                         &buffer) == napi_ok)
      return buffer;
    bytes = std::move(*kept);
    delete kept;
  }
  void* data = nullptr;
  if (napi_create_arraybuffer(env, bytes.size(), &data, &buffer) == napi_ok && !bytes.empty())
    std::memcpy(data, bytes.data(), bytes.size());
  return buffer;
}

}  // namespace euphorion
