// PartStager: brings parts and entries to disk in chunks, through the Committer, ahead of the
// commit that makes them count. Private to this folder; lives on the group's reactor.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/committer.h"
#include "storage/database.h"

namespace warren::storage {

class PartStager {
 public:
  PartStager(Database& database, Committer& committer);

  void put_state(std::string key, std::string value);
  void put_log(std::string key, std::string value);
  void flush();  // hands over what is left
  std::uint64_t in_flight() const { return bytes_ + *in_flight_; }

 private:
  struct Put {
    bool log = false;
    std::string key;
    std::string value;
  };
  void put(Put put);

  Database& database_;
  Committer& committer_;
  std::vector<Put> puts_;
  std::uint64_t bytes_ = 0;
  std::shared_ptr<std::atomic<std::uint64_t>> in_flight_;
};

}  // namespace warren::storage
