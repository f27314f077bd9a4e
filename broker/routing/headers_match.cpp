#include "broker/routing/headers_match.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "broker/base/codec.h"

namespace warren::routing {

namespace {

constexpr std::array integer_types = {
    std::string_view("byte"),          std::string_view("short"),
    std::string_view("signedint"),     std::string_view("long"),
    std::string_view("unsignedbyte"),  std::string_view("decimal"),
    std::string_view("unsignedshort"), std::string_view("unsignedint")};

std::string_view type_class(std::string_view type) {
  if (std::ranges::find(integer_types, type) != integer_types.end()) return "int";
  if (type == "double") return "float";
  return type;
}

bool is_number(std::string_view type) {
  const std::string_view kind = type_class(type);
  return type != "decimal" && (kind == "int" || kind == "float");
}

constexpr std::string_view x_match = "x-match";

struct Mode {
  bool all = true;
  bool with_x = false;
};

Result<Mode> mode_of(std::span<const HeaderField> arguments) {
  auto field = std::ranges::find(arguments, x_match, &HeaderField::name);
  if (field == arguments.end() || (field->type == "longstr" && field->value == "all"))
    return Mode{true, false};
  if (field->type != "longstr")
    return fail(ReplyCode::precondition_failed,
                fmt::format("Invalid x-match field type {} (value {}); expected longstr",
                            field->type, field->value));
  if (field->value == "any") return Mode{false, false};
  if (field->value == "all-with-x") return Mode{true, true};
  if (field->value == "any-with-x") return Mode{false, true};
  return fail(ReplyCode::precondition_failed,
              fmt::format("Invalid x-match field value <<\"{}\">>; expected all, any, all-with-x, "
                          "or any-with-x",
                          field->value));
}

bool field_matches(const HeaderField& field, const HeaderView& headers) {
  std::optional<HeaderValue> found = headers.lookup(field.name);
  if (!found) return false;
  // A pattern without a value asks for the header's presence only.
  if (field.type == "void") return true;
  const bool numbers = is_number(field.type) && is_number(found->type);
  return (numbers || same_type_class(field.type, found->type)) && field.value == found->value;
}

}  // namespace

bool same_type_class(std::string_view a, std::string_view b) {
  return type_class(a) == type_class(b);
}

std::string identity_of(std::span<const HeaderField> arguments) {
  if (arguments.empty()) return {};
  std::vector<HeaderField> sorted(arguments.begin(), arguments.end());
  std::ranges::sort(sorted);
  ByteWriter out;
  for (const HeaderField& field : sorted) {
    out.string(field.name);
    out.string(field.type);
    out.string(field.value);
  }
  return out.take();
}

Result<HeaderPattern> HeaderPattern::from(std::span<const HeaderField> arguments) {
  Result<Mode> mode = mode_of(arguments);
  if (!mode) return std::unexpected(mode.error());
  HeaderPattern pattern;
  pattern.all_ = mode->all;
  for (const HeaderField& field : arguments) {
    const bool ignored = mode->with_x ? field.name == x_match : field.name.starts_with("x-");
    if (!ignored) pattern.fields_.push_back(field);
  }
  return pattern;
}

bool HeaderPattern::matches(const HeaderView* headers) const {
  if (headers == nullptr) return all_ && fields_.empty();
  auto matches = [&](const HeaderField& field) { return field_matches(field, *headers); };
  return all_ ? std::ranges::all_of(fields_, matches) : std::ranges::any_of(fields_, matches);
}

void HeadersTable::add(const Target& target, std::string_view identity,
                       const HeaderPattern& pattern) {
  const Row* row = rows_.find({target, identity});
  rows_.put(Row{target.queue, std::string(target.exchange), std::string(identity), pattern,
                row == nullptr ? 1 : row->bindings + 1});
}

void HeadersTable::remove(const Target& target, std::string_view identity) {
  const Row* row = rows_.find({target, identity});
  if (row == nullptr) return;
  if (row->bindings == 1) {
    rows_.erase({target, identity});
    return;
  }
  Row fewer = *row;
  --fewer.bindings;
  rows_.put(std::move(fewer));
}

void HeadersTable::match(const HeaderView* headers, Matched& matched) const {
  rows_.for_each([&](const Row& row) {
    if (!row.pattern.matches(headers)) return;
    if (row.exchange.empty())
      matched.queues.push_back(row.queue);
    else
      matched.exchanges.push_back(row.exchange);
  });
}

}  // namespace warren::routing
