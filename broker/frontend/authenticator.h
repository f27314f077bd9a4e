// Authenticator: says who a client is. Implemented above (node, over auth and the catalog's users).
// Called on any reactor, several at a time: implementations share nothing that changes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/catalog/snapshot.h"

namespace warren::frontend {

struct User {
  std::string name;
  std::vector<std::string> tags;
};

struct Credentials {
  std::string user;
  std::string password;
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Must not block beyond the hashing of one password. Error: 403, its text for the log only.
  virtual Result<User> authenticate(const catalog::Snapshot& catalog,
                                    const Credentials& credentials,
                                    std::string_view peer_address) = 0;
};

}  // namespace warren::frontend
