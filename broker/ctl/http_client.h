// One GET to a node's HTTP API, blocking, with a deadline. warrenctl's only transport.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <string>

namespace warren::ctl {

struct Target {
  std::string host = "127.0.0.1";
  std::uint16_t port = 15672;
  std::string user = "guest";
  std::string password = "guest";
  std::string text() const;  // "127.0.0.1:15672"
};

struct Reply {
  unsigned status = 0;
  boost::json::value body;  // null when it is not JSON
};

// An error says what could not be done and why: nobody listens, no answer in time.
std::expected<Reply, std::string> get(const Target& target, const std::string& path,
                                      std::chrono::milliseconds timeout);

// For a path segment: everything but letters, digits, "-", "_", "." and "~" escaped.
std::string escape(const std::string& segment);

}  // namespace warren::ctl
