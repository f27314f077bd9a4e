// Where the node's HTTP API is.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "broker/config/load.h"
#include "broker/config/values.h"
#include "broker/ctl/options.h"

extern "C" char** environ;

namespace warren::ctl {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// What overrides a warren.conf here as it does for the broker.
std::vector<std::pair<std::string, std::string>> whole_environment() {
  std::vector<std::pair<std::string, std::string>> all;
  for (char** variable = environ; variable && *variable; ++variable) {
    const std::string_view text = *variable;
    const std::size_t equals = text.find('=');
    if (equals != text.npos) all.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

// management.tcp.port and .ip of a warren.conf.
std::expected<Target, std::string> from_config(const std::string& path, Target target) {
  std::ifstream file(path);
  if (!file) return std::unexpected(fmt::format("{}: cannot be read", path));
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto settings = config::load(
      {.file = path, .file_text = text, .environment = whole_environment(), .flags = {}});
  if (!settings) return std::unexpected(settings.error());
  const bool any = settings->management.host == "0.0.0.0" || settings->management.host == "::";
  target.host = any ? "127.0.0.1" : settings->management.host;
  target.port = settings->management.port;
  return target;
}

}  // namespace

std::expected<Target, std::string> find_target(const Options& options, const std::string& config,
                                               unsigned port) {
  Target target = options.target;
  const std::string path = config.empty() ? environment("WARREN_CONFIG") : config;
  if (!path.empty()) {
    auto read = from_config(path, target);
    if (!read) return read;
    target = *std::move(read);
  }
  const std::string node = options.node.empty() ? environment("WARREN_NODE") : options.node;
  if (!node.empty()) {
    // name@host, host:port, host, or a port alone.
    const std::size_t at = node.find('@');
    const std::string place = at == node.npos ? node : node.substr(at + 1);
    const auto endpoint = config::parse_endpoint(place, "127.0.0.1", target.port);
    if (!endpoint) return std::unexpected(fmt::format("node {}", endpoint.error()));
    target.host = endpoint->host;
    target.port = endpoint->port;
  }
  if (port == 0) {
    const std::string text = environment("WARREN_PORT");
    const auto number = config::parse_number(text);
    if (!text.empty() && (!number || *number > 65535)) {
      return std::unexpected(fmt::format("WARREN_PORT '{}' is not a port", text));
    }
    port = text.empty() ? 0 : static_cast<unsigned>(*number);
  }
  if (port != 0) target.port = static_cast<std::uint16_t>(port);
  if (target.user.empty()) target.user = environment("WARREN_USER");
  if (target.password.empty()) target.password = environment("WARREN_PASSWORD");
  if (target.user.empty()) target.user = "guest";
  if (target.password.empty()) target.password = "guest";
  return target;
}

}  // namespace warren::ctl
