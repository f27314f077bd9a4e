// Where settings come from, each overriding the one before: defaults, warren.conf, the environment
// (WARREN_ and the key in capitals, dots as underscores), flags (--key value). Any thread.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/config/settings.h"

namespace warren::config {

// All that is wrong, one problem a line, each with its place ("warren.conf:3: …").
using Problems = std::string;

struct Sources {
  std::string file;                                              // empty: none
  std::string file_text;                                         // its contents
  std::vector<std::pair<std::string, std::string>> environment;  // only WARREN_… is read
  std::vector<std::pair<std::string, std::string>> flags;        // key, value
};

// Pure but for the host name, which fills in what was not set.
std::expected<Settings, Problems> load(const Sources& sources);

struct CommandLine {
  bool help = false;
  bool help_config = false;
  bool version = false;
  Settings settings;
};

// The broker's own command line: --config FILE, --data-dir DIR, --set key=value, and --key value or
// --key=value for every setting; --help, --help-config, --version. Reads the file.
std::expected<CommandLine, Problems> parse_command_line(std::span<const char* const> arguments,
                                                        const char* const* environment);

std::string usage();

}  // namespace warren::config
