// Bulk loads: see load.h.
#include "load.h"

#include <atomic>
#include <filesystem>

#include "rows.h"

namespace euphorion {

namespace {

/** Rows that do not come in order make one file of each so many bytes. */
constexpr size_t kSortBytes = 16 << 20;
constexpr uint64_t kFileBytes = 64 << 20;
constexpr char kFolder[] = "/loads";
std::atomic<int> loads{0};

}  // namespace

void RemoveLoads(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path + kFolder, ignored);
}

Load::Load(std::shared_ptr<Database> database)
    : database_(std::move(database)),
      folder_(database_->path() + kFolder + "/" + std::to_string(++loads)),
      environment_(rocksdb_envoptions_create()) {}

Load::~Load() { Remove(); }

void Load::Remove() {
  file_.reset();
  rows_ = std::string();
  files_.clear();
  last_key_.clear();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
  // where it was the last of them
  std::filesystem::remove(database_->path() + kFolder, ignored);
}

std::string Load::Add(std::string_view rows) {
  rows_.append(rows);
  return rows_.size() < kSortBytes ? "" : WriteSorted();
}

std::string Load::WriteSorted() {
  std::vector<uint32_t> places;
  if (!ReadPlaces(rows_, &places)) return "rows are damaged";
  SortPlaces(rows_, &places);
  std::string error = PutAll(&places);
  rows_.clear();
  return error;
}

std::string Load::PutAll(std::vector<uint32_t>* places) {
  for (size_t i = 0; i < places->size(); i++) {
    const Row row = RowAt(rows_, (*places)[i]);
    if (i + 1 < places->size() && RowAt(rows_, (*places)[i + 1]).key == row.key) continue;
    uint64_t written = 0;
    if (file_ != nullptr) rocksdb_sstfilewriter_file_size(file_.get(), &written);
    const bool in_order = files_.empty() || last_key_ < row.key;
    if (file_ == nullptr || written >= kFileBytes || !in_order) {
      std::string error = EndFile();
      if (!in_order || files_.empty()) files_.emplace_back();
      if (error.empty()) error = Begin();
      if (!error.empty()) return error;
    }
    char* error = nullptr;
    if (row.op == kRowDelete)
      rocksdb_sstfilewriter_delete(file_.get(), row.key.data(), row.key.size(), &error);
    else
      rocksdb_sstfilewriter_put(file_.get(), row.key.data(), row.key.size(), row.value.data(),
                                row.value.size(), &error);
    if (error != nullptr) return TakeError(error);
    last_key_ = row.key;
  }
  return "";
}

std::string Load::Begin() {
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  if (failed) return "IO error: " + failed.message() + ": " + folder_;
  const std::string name = folder_ + "/" + std::to_string(named_++) + ".sst";
  file_.reset(rocksdb_sstfilewriter_create(environment_.get(), database_->options()));
  char* error = nullptr;
  rocksdb_sstfilewriter_open(file_.get(), name.c_str(), &error);
  files_.back().push_back(name);
  return TakeError(error);
}

std::string Load::EndFile() {
  if (file_ == nullptr) return "";
  char* error = nullptr;
  rocksdb_sstfilewriter_finish(file_.get(), &error);
  file_.reset();
  return TakeError(error);
}

std::string Load::Finish() {
  std::string error = WriteSorted();
  if (error.empty()) error = EndFile();
  for (const std::vector<std::string>& files : files_) {
    if (!error.empty()) break;
    error = database_->Ingest(files);
  }
  return error;
}

}  // namespace euphorion
