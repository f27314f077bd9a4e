#include "broker/store_options.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>

#include "storage/power_cut_file_system.h"

namespace warren {

storage::DatabaseOptions store_options() {
  // Lives as long as the process: files may be closed while it ends.
  static rocksdb::Env* const forgetful =
      rocksdb::NewCompositeEnv(
          std::make_shared<storage::PowerCutFileSystem>(rocksdb::FileSystem::Default()))
          .release();
  storage::DatabaseOptions options;
  options.env = forgetful;
  return options;
}

}  // namespace warren
