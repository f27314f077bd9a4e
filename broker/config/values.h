// Texts of warren.conf into values: numbers with units, host and port, node names.
// An error is said in words that name what is allowed. Pure: any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "broker/config/settings.h"

namespace warren::config {

template <typename T>
using Parsed = std::expected<T, std::string>;

std::string_view trim(std::string_view text);

Parsed<std::uint64_t> parse_number(std::string_view text);
// Plain octets, or with k, M, G (also kiB, MiB, GiB: powers of 1024; kB, MB, GB: powers of 1000).
Parsed<std::uint64_t> parse_bytes(std::string_view text);
// Plain milliseconds, or with ms, s, m or h.
Parsed<Milliseconds> parse_milliseconds(std::string_view text);
Parsed<bool> parse_bool(std::string_view text);
// "5672", "host:5672", "[::1]:5672", or "host" when there is a default port (not 0).
Parsed<Endpoint> parse_endpoint(std::string_view text, std::string_view default_host,
                                std::uint16_t default_port);
// "name@host[:port]"; the name that remains is "name@host".
Parsed<ConfiguredNode> parse_node(std::string_view text);
// Is it "name@host" with a host that can be looked up?
bool is_node_name(std::string_view text);

}  // namespace warren::config
