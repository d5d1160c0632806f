// Work on libuv's threads, as promises: used by addon.cc.
#pragma once

#include <node_api.h>

#include <initializer_list>
#include <memory>
#include <string>

namespace euphorion {

class Task {
 public:
  virtual ~Task() = default;
  /** On one of libuv's threads, without JavaScript. */
  virtual void Run() = 0;
  /** What the promise resolves with; undefined by default. */
  virtual napi_value Result(napi_env env);
  /** RocksDB's words, or its own; empty when it went well. */
  std::string error;
};

/** Starts it; `kept` are the values whose memory it works on. Answers the promise. */
napi_value Start(napi_env env, std::unique_ptr<Task> task, std::initializer_list<napi_value> kept);

/** The bytes as an ArrayBuffer; does not copy many of them. */
napi_value ToArrayBuffer(napi_env env, std::string bytes);

}  // namespace euphorion
