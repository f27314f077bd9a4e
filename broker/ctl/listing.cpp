// The list_… verbs.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>

#include "broker/ctl/options.h"
#include "broker/ctl/verbs.h"

namespace warren::ctl {

namespace {

namespace json = boost::json;

std::string replaced(std::string_view text, const std::string& vhost) {
  std::string out(text);
  if (const std::size_t at = out.find("{vhost}"); at != out.npos) out.replace(at, 7, vhost);
  return out;
}

json::value field_of(const json::value& row, std::string_view field) {
  if (field.starts_with('=')) return json::value(field.substr(1));
  const json::value* value = &row;
  while (!field.empty()) {
    const std::size_t dot = std::min(field.find('.'), field.size());
    const auto* object = value->if_object();
    value = object ? object->if_contains(field.substr(0, dot)) : nullptr;
    if (!value) return nullptr;
    field.remove_prefix(std::min(dot + 1, field.size()));
  }
  return *value;
}

// A group's members as words: "warren1@h", with "-" before those that do not answer and "?" after
// learners.
json::value member_words(const json::value& members) {
  json::array words;
  if (const auto* list = members.if_array()) {
    for (const json::value& member : *list) {
      const auto* object = member.if_object();
      if (!object) return members;
      std::string word(field_of(member, "node").get_string());
      if (field_of(member, "online") == json::value(false)) word = "-" + word;
      if (field_of(member, "voter") == json::value(false)) word += "?";
      words.emplace_back(word);
    }
  }
  return words;
}

// The columns to show, or the names that are none of this verb's.
std::expected<std::vector<const Column*>, std::string> chosen(
    const Verb& verb, const std::vector<std::string>& arguments) {
  std::vector<const Column*> columns;
  std::string unknown;
  const auto choose = [&](std::string_view name) {
    const auto found = std::ranges::find(verb.columns, name, &Column::name);
    if (found == verb.columns.end()) {
      unknown += (unknown.empty() ? "" : ",") + std::string(name);
    } else {
      columns.push_back(&*found);
    }
  };
  if (arguments.empty()) std::ranges::for_each(verb.defaults, choose);
  for (std::string_view argument : arguments) {
    while (!argument.empty()) {  // rabbitmqctl takes "name,messages" too
      const std::size_t comma = std::min(argument.find(','), argument.size());
      if (comma > 0) choose(argument.substr(0, comma));
      argument.remove_prefix(std::min(comma + 1, argument.size()));
    }
  }
  if (!unknown.empty()) return std::unexpected(unknown);
  return columns;
}

Table make_table(const Verb& verb, const std::vector<const Column*>& columns,
                 const json::array& rows) {
  Table table;
  for (const Column* column : columns)
    table.columns.emplace_back(column->name);
  for (const json::value& row : rows) {
    std::vector<json::value> cells;
    for (const Column* column : columns) {
      json::value value = field_of(row, column->field);
      const bool members = verb.name == "list_groups" && column->name == "members";
      cells.push_back(members ? member_words(value) : std::move(value));
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

void print_heading(const Options& options, const Verb& verb) {
  const bool table =
      options.formatter == Formatter::table || options.formatter == Formatter::pretty_table;
  if (options.quiet || !table) return;
  if (verb.shows_timeout) {
    fmt::print("Timeout: {:.1f} seconds ...\n", static_cast<double>(options.timeout.count()) / 1e3);
  }
  fmt::print("{}\n", replaced(verb.heading, options.vhost));
  std::fflush(stdout);
}

}  // namespace

int run_listing(const Options& options) {
  const auto verbs = listing_verbs();
  const auto verb = std::ranges::find(verbs, options.verb, &Verb::name);
  if (verb == verbs.end())
    return report_usage(fmt::format("Command '{}' not found.", options.verb));
  const auto columns = chosen(*verb, options.arguments);
  if (!columns) {
    return report_usage(fmt::format("Info key(s) {} are not supported", columns.error()));
  }
  print_heading(options, *verb);
  const auto reply =
      get(options.target, replaced(verb->path, escape(options.vhost)), options.timeout);
  if (!reply) return report_unreachable(options, reply.error());
  const auto* rows = reply->body.if_array();
  if (reply->status != 200 || !rows) return report_refusal(options, *reply);
  const std::string text =
      format_table(make_table(*verb, *columns, *rows), options.formatter, options.headers);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return exit_ok;
}

}  // namespace warren::ctl
