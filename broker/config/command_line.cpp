// The broker's command line, hand-read: every setting of the table is a flag.
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <optional>

#include "broker/config/load.h"
#include "broker/config/table.h"

namespace warren::config {

namespace {

struct Reader {
  CommandLine line;
  Sources sources;
  Problems problems;
  bool file_named = false;

  // Takes arguments[i] and, for a flag without '=', arguments[i + 1]. Returns how many it took.
  std::size_t take(std::span<const char* const> arguments) {
    const std::string_view argument = arguments[0];
    if (argument == "--help" || argument == "-h") return line.help = true, 1;
    if (argument == "--version" || argument == "-V") return line.version = true, 1;
    if (argument == "--help-config") return line.help_config = true, 1;
    if (!argument.starts_with("--")) {
      problems += fmt::format("unexpected argument '{}': see --help\n", argument);
      return 1;
    }
    const std::size_t equals = argument.find('=');
    const std::string flag(argument.substr(2, equals == argument.npos ? equals : equals - 2));
    if (equals != argument.npos) return set(flag, argument.substr(equals + 1)), 1;
    if (arguments.size() < 2) {
      problems += fmt::format("--{} needs a value\n", flag);
      return 1;
    }
    return set(flag, arguments[1]), 2;
  }

  void set(const std::string& flag, std::string_view value) {
    if (flag == "config") {
      sources.file = value;
      file_named = true;
    } else if (flag == "data-dir") {
      sources.flags.emplace_back("data_dir", value);
    } else if (flag == "set") {
      const std::size_t equals = value.find('=');
      if (equals == value.npos) {
        problems += fmt::format("--set {}: needs key=value\n", value);
      } else {
        sources.flags.emplace_back(value.substr(0, equals), value.substr(equals + 1));
      }
    } else {
      sources.flags.emplace_back(flag, value);
    }
  }

  void read_file() {
    if (!file_named) return;
    std::ifstream file(sources.file);
    if (!file) {
      problems += fmt::format("{}: cannot be read\n", sources.file);
      return;
    }
    sources.file_text.assign(std::istreambuf_iterator<char>(file), {});
  }
};

}  // namespace

std::expected<CommandLine, Problems> parse_command_line(std::span<const char* const> arguments,
                                                        const char* const* environment) {
  Reader reader;
  for (; environment && *environment; ++environment) {
    const std::string_view variable = *environment;
    const std::size_t equals = variable.find('=');
    if (!variable.starts_with("WARREN_") || equals == variable.npos) continue;
    const std::string name(variable.substr(0, equals));
    const std::string value(variable.substr(equals + 1));
    if (name == "WARREN_CONFIG") reader.set("config", value);
    reader.sources.environment.emplace_back(name, value);
  }
  for (std::size_t i = 1; i < arguments.size();)
    i += reader.take(arguments.subspan(i));
  if (reader.line.help || reader.line.help_config || reader.line.version) return reader.line;
  reader.read_file();
  if (!reader.problems.empty()) {
    return std::unexpected(reader.problems.substr(0, reader.problems.size() - 1));
  }
  auto settings = load(reader.sources);
  if (!settings) return std::unexpected(settings.error());
  reader.line.settings = *std::move(settings);
  return reader.line;
}

std::string usage() {
  return "Usage: warren-server [--config FILE] [--data-dir DIR] [--set KEY=VALUE]... "
         "[--KEY VALUE]...\n\n"
         "A clustered AMQP 0-9-1 broker. KEY is any setting of --help-config.\n\n"
         "  --config FILE    read settings from FILE (warren.conf: key = value)\n"
         "  --data-dir DIR   keep everything that must survive a restart in DIR\n"
         "  --set KEY=VALUE  override one setting; WARREN_KEY in the environment does so too\n"
         "  --help-config    every setting with its default, unit and reason\n"
         "  --version        print the version\n";
}

}  // namespace warren::config
