#include "broker/perf/options.h"

#include <fmt/format.h>

#include <charconv>

namespace warren::perf {

namespace {

// %2F and the like; a % that starts no escape stands for itself.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const bool escape = text[i] == '%' && i + 2 < text.size() &&
                        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
                            text.data() + i + 3;
    out += escape ? static_cast<char>(value) : text[i];
    if (escape) i += 2;
  }
  return out;
}

}  // namespace

std::expected<Uri, std::string> parse_uri(std::string_view text) {
  const auto bad =
      std::unexpected(fmt::format("'{}' is not amqp://user:password@host:port/vhost", text));
  constexpr std::string_view scheme = "amqp://";
  if (!text.starts_with(scheme)) return bad;
  text.remove_prefix(scheme.size());
  Uri uri;
  if (const std::size_t slash = text.find('/'); slash != text.npos) {
    if (slash + 1 < text.size()) uri.vhost = decoded(text.substr(slash + 1));
    text = text.substr(0, slash);
  }
  if (const std::size_t at = text.rfind('@'); at != text.npos) {
    const std::string_view login = text.substr(0, at);
    const std::size_t colon = login.find(':');
    uri.user = decoded(login.substr(0, colon));
    if (colon != login.npos) uri.password = decoded(login.substr(colon + 1));
    text = text.substr(at + 1);
  }
  if (const std::size_t colon = text.rfind(':'); colon != text.npos) {
    const std::string_view port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), uri.port);
    if (error != std::errc{} || end != port.data() + port.size()) return bad;
    text = text.substr(0, colon);
  }
  if (!text.empty()) uri.host = text;
  return uri;
}

std::string Options::queue_name(std::uint32_t index) const {
  return queues == 1 ? queue : fmt::format("{}-{}", queue, index % queues);
}

}  // namespace warren::perf
