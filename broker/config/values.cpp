#include "broker/config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace warren::config {

namespace {

constexpr std::uint16_t default_cluster_port = 25672;

struct Suffix {
  std::string_view text;
  std::uint64_t factor;
};

constexpr std::array<Suffix, 16> byte_suffixes{{{"", 1},
                                                {"b", 1},
                                                {"k", 1024},
                                                {"kib", 1024},
                                                {"kb", 1000},
                                                {"m", 1048576},
                                                {"mib", 1048576},
                                                {"mb", 1000000},
                                                {"g", 1073741824},
                                                {"gib", 1073741824},
                                                {"gb", 1000000000},
                                                {"t", 1099511627776},
                                                {"tib", 1099511627776},
                                                {"tb", 1000000000000},
                                                {"ki", 1024},
                                                {"mi", 1048576}}};
constexpr std::array<Suffix, 5> time_suffixes{
    {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  return out;
}

template <std::size_t N>
std::optional<std::uint64_t> scaled(std::string_view text, const std::array<Suffix, N>& suffixes) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number(text.substr(0, digits));
  if (!number) return std::nullopt;
  const std::string suffix = lower(trim(text.substr(digits)));
  for (const Suffix& known : suffixes) {
    if (known.text != suffix) continue;
    if (*number > std::numeric_limits<std::int64_t>::max() / known.factor) return std::nullopt;
    return *number * known.factor;
  }
  return std::nullopt;
}

}  // namespace

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

Parsed<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::unexpected(fmt::format("'{}' is not a whole number", text));
  }
  return value;
}

Parsed<std::uint64_t> parse_bytes(std::string_view text) {
  if (const auto value = scaled(text, byte_suffixes)) return *value;
  return std::unexpected(fmt::format(
      "'{}' is not a size: octets, or a number with kB, MB, GB, kiB, MiB or GiB", text));
}

Parsed<Milliseconds> parse_milliseconds(std::string_view text) {
  if (const auto value = scaled(text, time_suffixes)) return Milliseconds(*value);
  return std::unexpected(
      fmt::format("'{}' is not a time: milliseconds, or a number with ms, s, m or h", text));
}

Parsed<bool> parse_bool(std::string_view text) {
  const std::string word = lower(text);
  if (word == "true" || word == "on" || word == "yes") return true;
  if (word == "false" || word == "off" || word == "no") return false;
  return std::unexpected(fmt::format("'{}' is neither true nor false", text));
}

Parsed<Endpoint> parse_endpoint(std::string_view text, std::string_view default_host,
                                std::uint16_t default_port) {
  const auto bad = [&] {
    return std::unexpected(fmt::format("'{}' is not a port (1 to 65535) or host:port", text));
  };
  std::string_view host = default_host;
  std::string_view port = text;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || end < 2) return bad();
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return bad();
    port = port.empty() ? port : port.substr(1);
  } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    // RabbitMQ writes IPv6 listeners without brackets: ":::5672".
    if (host.contains(':') && host.find_first_not_of("0123456789abcdefABCDEF:") != host.npos) {
      return bad();
    }
  } else if (default_port != 0 && text.find_first_not_of("0123456789") != std::string_view::npos) {
    host = text;
    port = {};
  }
  if (host.empty() || host.find_first_of(" \t/") != std::string_view::npos) return bad();
  if (port.empty() && default_port != 0) return Endpoint{std::string(host), default_port};
  const auto number = parse_number(port);
  if (!number || *number > 65535) return bad();
  return Endpoint{std::string(host), static_cast<std::uint16_t>(*number)};
}

bool is_node_name(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) return false;
  return text.find_first_of(" \t/@", at + 1) == std::string_view::npos && text.size() <= 255;
}

Parsed<ConfiguredNode> parse_node(std::string_view text) {
  const std::size_t at = text.find('@');
  const auto bad = [&] {
    return std::unexpected(fmt::format(
        "'{}' is not a node: name@host or name@host:port, such as warren1@10.0.0.1:25672", text));
  };
  if (at == std::string_view::npos || at == 0) return bad();
  const auto endpoint = parse_endpoint(text.substr(at + 1), "", default_cluster_port);
  if (!endpoint) return bad();
  const bool ipv6 = endpoint->host.contains(':');
  std::string name =
      fmt::format(fmt::runtime(ipv6 ? "{}@[{}]" : "{}@{}"), text.substr(0, at), endpoint->host);
  if (!is_node_name(name)) return bad();
  return ConfiguredNode{std::move(name), *endpoint};
}

}  // namespace warren::config
