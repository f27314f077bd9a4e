#include "broker/config/load.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "broker/config/table.h"
#include "broker/config/values.h"

namespace warren::config {

namespace {

std::string host_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

// A value in single quotes is taken as it stands; otherwise a blank and # start a comment.
std::string_view value_of(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '\'' && text.find('\'', 1) != text.npos) {
    return text.substr(1, text.find('\'', 1) - 1);
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '#' && (text[i - 1] == ' ' || text[i - 1] == '\t'))
      return trim(text.substr(0, i));
  }
  return text;
}

// "log.console.level" -> "WARREN_LOG_CONSOLE_LEVEL"
std::string environment_name(std::string_view key) {
  std::string out = key.starts_with("warren.") ? "" : "WARREN_";
  for (const char c : key) {
    const bool letter = c >= 'a' && c <= 'z';
    out += letter ? static_cast<char>(c - 'a' + 'A') : c == '.' ? '_' : c;
  }
  return out;
}

// The key that an environment variable names, or empty. A "$part" keeps its case, in small letters.
std::string key_of_environment(std::string_view name) {
  std::string pattern_key;
  for (const Setting& setting : all_settings()) {
    const std::size_t dollar = setting.key.find('$');
    const std::string known = environment_name(setting.key.substr(0, dollar));
    if (dollar == std::string::npos && known == name) return setting.key;
    if (dollar == std::string::npos || !name.starts_with(known) || name == known) continue;
    std::string key = setting.key.substr(0, dollar);
    for (const char c : name.substr(known.size())) {
      key += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    pattern_key = key;
  }
  return pattern_key;
}

// Variables that others read: warrenctl, tests and containers.
bool is_for_others(std::string_view name) {
  constexpr std::string_view others[] = {"WARREN_NODE",   "WARREN_USER",   "WARREN_PASSWORD",
                                         "WARREN_PORT",   "WARREN_CONFIG", "WARREN_HOST",
                                         "WARREN_PRESET", "WARREN_CI_PORT"};
  return std::ranges::find(others, name) != std::end(others) || name.starts_with("WARREN_TEST_") ||
         name.starts_with("WARREN_BUILD_") || name.starts_with("WARREN_SKIP_") ||
         name.starts_with("WARREN_SERVICE_");
}

void load_file(const Sources& sources, Settings& settings, Problems& problems) {
  std::string_view rest = sources.file_text;
  for (int line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (text.empty() || text.starts_with('#')) continue;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
      problems += fmt::format("{}:{}: '{}' is not 'key = value'\n", sources.file, line, text);
      continue;
    }
    const std::string problem =
        assign(settings, trim(text.substr(0, equals)), value_of(text.substr(equals + 1)));
    if (!problem.empty()) problems += fmt::format("{}:{}: {}\n", sources.file, line, problem);
  }
}

void load_environment(const Sources& sources, Settings& settings, Problems& problems) {
  for (const auto& [name, value] : sources.environment) {
    if (!name.starts_with("WARREN_") || is_for_others(name)) continue;
    const std::string key = key_of_environment(name);
    const std::string problem =
        key.empty() ? "names no setting" : assign(settings, key, value_of(value));
    if (!problem.empty()) problems += fmt::format("environment {}: {}\n", name, problem);
  }
}

void load_flags(const Sources& sources, Settings& settings, Problems& problems) {
  for (const auto& [key, value] : sources.flags) {
    const std::string problem = assign(settings, key, value_of(value));
    if (!problem.empty()) problems += fmt::format("--{}\n", problem);
  }
}

void fill_in(Settings& settings) {
  if (settings.node_name.empty()) settings.node_name = "warren@" + host_name();
  if (settings.amqp_listeners.empty() && !settings.amqp_listeners_off) {
    settings.amqp_listeners["default"] = {"0.0.0.0", 5672};
  }
  if (settings.cluster_name.empty()) settings.cluster_name = settings.node_name;
  if (settings.log_file == "false") settings.log_file.clear();
  if (!settings.cluster_address.host.empty()) return;
  for (const auto& [number, node] : settings.nodes) {
    if (node.name == settings.node_name) settings.cluster_address = node.cluster;
  }
  if (settings.cluster_address.host.empty()) {
    settings.cluster_address = {settings.node_name.substr(settings.node_name.find('@') + 1),
                                settings.cluster_listener.port};
  }
}

// What no single setting can see.
void check_together(const Settings& s, Problems& problems) {
  const auto need = [&](bool good, std::string_view text) {
    if (!good) problems += fmt::format("{}\n", text);
  };
  need(s.raft_election_timeout_min <= s.raft_election_timeout_max,
       "raft.election_timeout_min_ms must not be above raft.election_timeout_max_ms");
  need(s.raft_heartbeat_interval * 2 < s.raft_election_timeout_min,
       "raft.heartbeat_interval_ms must be below half of raft.election_timeout_min_ms");
  need(
      s.raft_heartbeat_interval * 8 <= s.attach_grace,
      "attach.grace_ms must be at least eight times raft.heartbeat_interval_ms: a leader hands out "
      "only for half of it after a heartbeat was answered");
  need(s.raft_reset_jitter_min <= s.raft_reset_jitter_max,
       "raft.reset_jitter_min_ms must not be above raft.reset_jitter_max_ms");
  need(s.routing_lease_renewal + s.raft_election_timeout_max <= s.routing_lease,
       "routing.lease_ms must be at least routing.lease_renewal_ms plus "
       "raft.election_timeout_max_ms, or a catalog failover stops publishers");
  need(s.publish_window >= s.frame_max, "publish.window_bytes must not be below frame_max");
  std::map<std::string, std::uint64_t> names;
  bool named = s.nodes.empty();
  for (const auto& [number, node] : s.nodes) {
    named = named || node.name == s.node_name;
    const auto [first, fresh] = names.emplace(node.name, number);
    if (fresh) continue;
    problems += fmt::format("cluster_formation.classic_config.nodes.{} and .{} are both {}\n",
                            first->second, number, node.name);
  }
  if (!named) {
    problems += fmt::format(
        "node.name {} is not among cluster_formation.classic_config.nodes: add it there, or name "
        "the node as one of them\n",
        s.node_name);
  }
}

}  // namespace

std::expected<Settings, Problems> load(const Sources& sources) {
  Settings settings;
  Problems problems;
  load_file(sources, settings, problems);
  load_environment(sources, settings, problems);
  load_flags(sources, settings, problems);
  fill_in(settings);
  if (problems.empty()) check_together(settings, problems);
  if (!problems.empty()) return std::unexpected(problems.substr(0, problems.size() - 1));
  return settings;
}

}  // namespace warren::config
