#include "broker/ctl/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace warren::ctl {

namespace {

namespace json = boost::json;

// As an Erlang term: strings as <<"…">>, objects as property lists.
std::string erlang_term(const json::value& value, const char* string_form);

std::string joined(const json::array& values, const char* string_form) {
  std::string out;
  for (const json::value& value : values) {
    out += (out.empty() ? "" : ",") + erlang_term(value, string_form);
  }
  return out;
}

std::string erlang_term(const json::value& value, const char* string_form) {
  if (const auto* text = value.if_string()) {
    std::string escaped;
    for (const char c : *text)
      escaped += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    return fmt::format(fmt::runtime(string_form), escaped);
  }
  if (const auto* array = value.if_array()) return "[" + joined(*array, string_form) + "]";
  if (const auto* object = value.if_object()) {
    std::string out;
    for (const auto& [name, inner] : *object) {
      out += fmt::format("{}{{{},{}}}", out.empty() ? "" : ",",
                         fmt::format(fmt::runtime(string_form), std::string(name)),
                         erlang_term(inner, string_form));
    }
    return "[" + out + "]";
  }
  return value.is_null() ? "undefined" : json::serialize(value);
}

// Control characters would break the table's lines and the operator's terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\{:03o}", c);
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

std::string tab_separated(const Table& table, bool headers) {
  std::string out;
  const auto line = [&](const auto& cells, const auto& text) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) out += '\t';
      out += text(cells[i]);
    }
    out += '\n';
  };
  if (headers && !table.rows.empty()) line(table.columns, [](const auto& name) { return name; });
  for (const auto& row : table.rows)
    line(row, cell_text);
  return out;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text)
    out += c == '"' ? std::string("\"\"") : std::string{c};
  return out + '"';
}

std::string comma_separated(const Table& table, bool headers) {
  std::string out;
  const auto line = [&](const auto& cells, const auto& text) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) out += ',';
      out += csv_field(text(cells[i]));
    }
    out += '\n';
  };
  if (headers && !table.rows.empty()) line(table.columns, [](const auto& name) { return name; });
  for (const auto& row : table.rows)
    line(row, cell_text);
  return out;
}

std::size_t width_of(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

std::string boxed(const Table& table) {
  std::vector<std::vector<std::string>> lines{table.columns};
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const json::value& value : row)
      cells.push_back(cell_text(value));
    lines.push_back(std::move(cells));
  }
  std::vector<std::size_t> widths(table.columns.size(), 0);
  for (const auto& cells : lines) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(cells[i]));
    }
  }
  const auto rule = [&](const char* left, const char* middle, const char* right) {
    std::string out = left;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      for (std::size_t n = 0; n < widths[i] + 2; ++n)
        out += "─";
      out += i + 1 < widths.size() ? middle : right;
    }
    return out + "\n";
  };
  std::string out = rule("┌", "┬", "┐");
  for (std::size_t line = 0; line < lines.size(); ++line) {
    if (line > 0) out += rule("├", "┼", "┤");
    for (std::size_t i = 0; i < lines[line].size(); ++i) {
      const std::string& cell = lines[line][i];
      out += "│ " + cell + std::string(widths[i] - width_of(cell) + 1, ' ');
    }
    out += "│\n";
  }
  return out + rule("└", "┴", "┘");
}

std::string json_rows(const Table& table) {
  std::string out = "[";
  for (std::size_t n = 0; n < table.rows.size(); ++n) {
    json::object row;
    for (std::size_t i = 0; i < table.columns.size(); ++i)
      row[table.columns[i]] = table.rows[n][i];
    out += (n > 0 ? "\n," : "\n") + json::serialize(row);
  }
  return out + "\n]\n";
}

std::string erlang_rows(const Table& table) {
  std::string out;
  for (const auto& row : table.rows) {
    std::string cells;
    for (std::size_t i = 0; i < row.size(); ++i) {
      cells += fmt::format("{}{{{},{}}}", i > 0 ? "," : "", table.columns[i],
                           erlang_term(row[i], "<<\"{}\">>"));
    }
    out += fmt::format("{}[{}]", out.empty() ? "" : ",\n ", cells);
  }
  return "[" + out + "]\n";
}

}  // namespace

std::optional<Formatter> formatter_named(std::string_view name) {
  if (name == "table") return Formatter::table;
  if (name == "pretty_table") return Formatter::pretty_table;
  if (name == "csv") return Formatter::csv;
  if (name == "json") return Formatter::json;
  if (name == "erlang") return Formatter::erlang;
  return std::nullopt;
}

std::string cell_text(const json::value& value) {
  if (value.is_null()) return "";
  if (const auto* text = value.if_string()) return printable({text->data(), text->size()});
  const bool words = value.is_array() &&
                     std::ranges::all_of(value.get_array(),
                                         [](const json::value& item) { return item.is_string(); });
  if (!words) return erlang_term(value, "\"{}\"");
  std::string out;
  for (const json::value& word : value.get_array()) {
    out += (out.empty() ? "" : ", ") + cell_text(word);
  }
  return "[" + out + "]";
}

std::string format_table(const Table& table, Formatter formatter, bool headers) {
  switch (formatter) {
    case Formatter::table:
      return tab_separated(table, headers);
    case Formatter::pretty_table:
      return table.rows.empty() ? std::string() : boxed(table);
    case Formatter::csv:
      return comma_separated(table, headers);
    case Formatter::json:
      return json_rows(table);
    case Formatter::erlang:
      return erlang_rows(table);
  }
  return {};
}

}  // namespace warren::ctl
