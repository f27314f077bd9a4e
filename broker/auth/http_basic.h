// HTTP Basic credentials (RFC 7617). Pure: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace warren::auth {

struct Credentials {
  std::string user;
  std::string password;
  bool operator==(const Credentials&) const = default;
};

// From an Authorization header's value; nothing when it is not Basic or malformed.
std::optional<Credentials> parse_basic(std::string_view authorization);
std::string format_basic(const Credentials& credentials);

}  // namespace warren::auth
