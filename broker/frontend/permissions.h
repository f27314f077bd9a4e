// Permissions: may this connection's user configure, write or read what a name names? Compiles the
// user's three patterns once and remembers recent answers. Owned by the connection; its reactor.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/catalog/snapshot.h"

namespace warren::frontend {

enum class Access : std::uint8_t { configure, write, read };
enum class Resource : std::uint8_t { exchange, queue };

class Permissions {
 public:
  Permissions();
  ~Permissions();

  void set(std::string user, std::string vhost);

  // Error: 403. The default exchange is checked as "amq.default".
  Result<void> check(const catalog::Snapshot& catalog, Access access, Resource resource,
                     std::string_view name);
  // May the user do anything with it? What a passive declare asks for.
  Result<void> check_any(const catalog::Snapshot& catalog, Resource resource,
                         std::string_view name);

 private:
  struct Pattern;
  struct Answer {
    Access access;
    std::string name;
    bool allowed;
  };

  void refresh(const catalog::Snapshot& catalog);
  bool allowed(Access access, std::string_view name);
  std::string refusal(Resource resource, std::string_view name) const;

  std::string user_;
  std::string vhost_;
  CatalogIndex index_;  // of the catalog that the patterns are of
  bool loaded_ = false;
  std::array<std::unique_ptr<Pattern>, 3> patterns_;
  std::vector<Answer> answers_;  // a dozen, the oldest replaced first
  std::size_t next_answer_ = 0;
};

}  // namespace warren::frontend
