#include "broker/frontend/permissions.h"

#include <fmt/format.h>
#include <regex.h>

#include <utility>

#include "broker/frontend/texts.h"

namespace warren::frontend {

namespace {
constexpr std::size_t answer_limit = 12;
}

// POSIX extended: unlike std::regex it neither throws nor recurses by the length of a name.
struct Permissions::Pattern {
  explicit Pattern(std::string source) : text(std::move(source)) {
    all = text == ".*" || text == "^.*$" || text == "^.*";
    none = text.empty() || text == "^$";
    if (!all && !none) compiled = regcomp(&regex, text.c_str(), REG_EXTENDED | REG_NOSUB) == 0;
  }
  ~Pattern() {
    if (compiled) regfree(&regex);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  bool matches(std::string_view name) const {
    if (all) return true;
    if (none) return name.empty();
    return compiled && regexec(&regex, std::string(name).c_str(), 0, nullptr, 0) == 0;
  }

  std::string text;
  bool all = false, none = false, compiled = false;
  regex_t regex{};
};

Permissions::Permissions() = default;
Permissions::~Permissions() = default;

void Permissions::set(std::string user, std::string vhost) {
  user_ = std::move(user);
  vhost_ = std::move(vhost);
  loaded_ = false;
}

void Permissions::refresh(const catalog::Snapshot& catalog) {
  if (loaded_ && catalog.index() == index_) return;
  loaded_ = true;
  index_ = catalog.index();
  const catalog::PermissionInfo* info = catalog.permission(user_, vhost_);
  const std::array<std::string, 3> texts =
      info == nullptr ? std::array<std::string, 3>{}
                      : std::array<std::string, 3>{info->configure, info->write, info->read};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (patterns_[i] != nullptr && patterns_[i]->text == texts[i]) continue;
    patterns_[i] = std::make_unique<Pattern>(texts[i]);
    answers_.clear();
    next_answer_ = 0;
  }
}

bool Permissions::allowed(Access access, std::string_view name) {
  const Pattern& pattern = *patterns_[static_cast<std::size_t>(access)];
  if (pattern.all) return true;
  for (const Answer& answer : answers_)
    if (answer.access == access && answer.name == name) return answer.allowed;
  const Answer answer{access, std::string(name), pattern.matches(name)};
  if (answers_.size() < answer_limit)
    answers_.push_back(answer);
  else
    answers_[next_answer_++ % answer_limit] = answer;
  return answer.allowed;
}

std::string Permissions::refusal(Resource resource, std::string_view name) const {
  return fmt::format(
      "access to {} refused for user '{}'",
      resource == Resource::queue ? queue_text(vhost_, name) : exchange_text(vhost_, name), user_);
}

Result<void> Permissions::check(const catalog::Snapshot& catalog, Access access, Resource resource,
                                std::string_view name) {
  refresh(catalog);
  if (resource == Resource::exchange && name.empty()) name = "amq.default";
  if (allowed(access, name)) return {};
  static constexpr std::array<const char*, 3> words{"configure", "write", "read"};
  return fail(
      ReplyCode::access_refused,
      fmt::format("{} {}", words[static_cast<std::size_t>(access)], refusal(resource, name)));
}

Result<void> Permissions::check_any(const catalog::Snapshot& catalog, Resource resource,
                                    std::string_view name) {
  refresh(catalog);
  for (Access access : {Access::configure, Access::write, Access::read})
    if (allowed(access, name)) return {};
  return fail(ReplyCode::access_refused, refusal(resource, name));
}

}  // namespace warren::frontend
