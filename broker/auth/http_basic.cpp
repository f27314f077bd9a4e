#include "broker/auth/http_basic.h"

#include <cctype>

#include "broker/auth/password.h"

namespace warren::auth {

namespace {

bool is_basic(std::string_view scheme) {
  constexpr std::string_view basic = "basic ";
  if (scheme.size() < basic.size()) return false;
  for (std::size_t i = 0; i < basic.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(scheme[i])) != basic[i]) return false;
  }
  return true;
}

}  // namespace

std::optional<Credentials> parse_basic(std::string_view authorization) {
  if (!is_basic(authorization)) return std::nullopt;
  authorization.remove_prefix(6);
  while (authorization.starts_with(' '))
    authorization.remove_prefix(1);
  const auto text = base64_decode(authorization);
  if (!text) return std::nullopt;
  const std::size_t colon = text->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{text->substr(0, colon), text->substr(colon + 1)};
}

std::string format_basic(const Credentials& credentials) {
  return "Basic " + base64_encode(credentials.user + ":" + credentials.password);
}

}  // namespace warren::auth
